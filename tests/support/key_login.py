"""Logins by key: the client's part and the server's part."""

import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from server.protocol import proof
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, Enrol, Error, Login, Me, Prove, ServerFrame, Since, Welcome
from server.protocol.proof import Exchange, LoginKeys


class KeyedPerson(NamedTuple):
    """An enrolled person: their secret, and their identity."""

    secret: bytes
    identity: str

    def prove(self, name: str, welcome: Welcome, since: Since | None = None) -> tuple[Login, Exchange]:
        """Return this person's login on the connection of a welcome, and the exchange that it covers."""
        exchange = Exchange(welcome.server, welcome.challenge, secrets.token_hex(16), name)
        proven = Prove(self.identity, exchange.client_nonce, proof.client_proof(self.secret, exchange))
        return Login(name, since=since, prove=proven), exchange


def enrol(name: str, welcome: Welcome) -> tuple[Login, KeyedPerson]:
    """Return the first login of a new person, and their key for later ones."""
    secret = secrets.token_bytes(32)
    keys = proof.login_keys(secret)
    return Login(name, enrol=Enrol(*keys)), KeyedPerson(secret, proof.identity(keys.stored_key, welcome.challenge))


@dataclass
class Desk:
    """Accepts logins for a scripted server; another one with the same ID poses as it."""

    server: str = "server-1"
    challenge: str = field(default_factory=lambda: secrets.token_hex(16))
    people: dict[str, LoginKeys] = field(default_factory=dict)
    entered: list[str] = field(default_factory=list)
    """The identities of the people who logged in."""

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
