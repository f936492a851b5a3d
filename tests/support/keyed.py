"""Logins by a key, as a client makes them."""

import secrets
from typing import NamedTuple

from server.protocol import proof
from server.protocol.frames import Enrol, Login, Prove, Since, Welcome
from server.protocol.proof import Exchange


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
