"""Logins by a key, as a client makes them and as a server takes them."""

import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from server.protocol import proof
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, Enrol, Error, Login, Me, Prove, ServerFrame, Since, Welcome
from server.protocol.proof import Exchange, LoginKeys


class KeyedPerson(NamedTuple):
    """A person who enrolled: their secret, and the identity that they are known by."""

    secret: bytes
    identity: str

    def prove(self, name: str, welcome: Welcome, since: Since | None = None) -> tuple[Login, Exchange]:
        """The login of this person on the connection of a welcome, and what it covers."""
        exchange = Exchange(welcome.server, welcome.challenge, secrets.token_hex(16), name)
        proven = Prove(self.identity, exchange.client_nonce, proof.client_proof(self.secret, exchange))
        return Login(name, since=since, prove=proven), exchange


def enrol(name: str, welcome: Welcome) -> tuple[Login, KeyedPerson]:
    """The first login of a new person, and how they log in later."""
    secret = secrets.token_bytes(32)
    keys = proof.login_keys(secret)
    return Login(name, enrol=Enrol(*keys)), KeyedPerson(secret, proof.identity(keys.stored_key, welcome.challenge))


@dataclass
class Desk:
    """Where a scripted server takes logins; another one with the same ID poses as it."""

    server: str = "server-1"
    challenge: str = field(default_factory=lambda: secrets.token_hex(16))
    people: dict[str, LoginKeys] = field(default_factory=dict)
    entered: list[str] = field(default_factory=list)
    """The identities of those who were let in."""

    def login(self, frame: Login) -> ServerFrame:
        """Answer a login as the real server does."""
        if frame.enrol:
            keys = LoginKeys(frame.enrol.stored_key, frame.enrol.server_key)
            identity = proof.identity(keys.stored_key, self.challenge)
            self.people[identity] = keys
            self.entered.append(identity)
            return Me(frame.username, op=False)
        if frame.prove is None:
            return Me(frame.username, op=False)
        known = self.people.get(frame.prove.identity)
        if known is None:
            return Error("Who are you?", ErrorCode.UNKNOWN_IDENTITY, CHAT_SERVER)
        exchange = Exchange(self.server, self.challenge, frame.prove.client_nonce, frame.username)
        if not proof.verify_client(frame.prove.proof, known.stored_key, exchange):
            return Error("No.", ErrorCode.BAD_PROOF, CHAT_SERVER)
        self.entered.append(frame.prove.identity)
        return Me(frame.username, op=False, proof=proof.server_proof(known.server_key, exchange))
