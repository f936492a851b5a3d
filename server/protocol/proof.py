"""Proves an identity without sending the secret: SCRAM-SHA-256 (RFC 5802, RFC 7677) with a random key as the password.

Used by both sides. A key of 32 random bytes cannot be guessed, so neither salt nor iterations are needed.
"""

import hmac
from hashlib import sha256
from typing import NamedTuple

CONTEXT = "flagpost login 1"
"""Prefix of the signed text, so that a login proof cannot be used for anything else."""
KEY_BYTES = 32
"""Length of a secret, and of every key and proof derived from it."""


class LoginKeys(NamedTuple):
    """The keys that a server stores to verify an identity and to prove itself; neither is enough to log in."""

    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        # Crash reports print arguments, so keep keys out of the repr.
        return "LoginKeys"


class Exchange(NamedTuple):
    """The parts of a login that both proofs cover."""

    server: str
    challenge: str
    client_nonce: str
    username: str

    def signed(self) -> bytes:
        """Encode each part as a netstring (`LENGTH:BYTES,`), so that different exchanges have different bytes."""
        parts = (part.encode("utf-8", "surrogatepass") for part in (CONTEXT, *self))
        return b"".join(b"%d:%b," % (len(part), part) for part in parts)


def login_keys(secret: bytes) -> LoginKeys:
    """Derive the keys that a client sends to enrol."""
    return LoginKeys(sha256(_client_key(secret)).digest(), _mac(secret, b"server"))


def identity(stored_key: bytes, challenge: str) -> str:
    """Derive the identity of a user who enrols with this key on the connection with this challenge.

    Because of the challenge, an enrolment replayed on another connection creates a different identity.
    """
    return _mac(stored_key, b"identity:" + challenge.encode()).hex()[:32]


def client_proof(secret: bytes, exchange: Exchange) -> bytes:
    """Return the proof that the client has the secret."""
    key = _client_key(secret)
    return _xor(key, _mac(sha256(key).digest(), exchange.signed()))


def verify_client(proof: bytes, stored_key: bytes, exchange: Exchange) -> bool:
    """Return whether a client's proof is valid for this exchange."""
    if len(proof) != KEY_BYTES:
        return False
    client_key = _xor(proof, _mac(stored_key, exchange.signed()))
    return hmac.compare_digest(sha256(client_key).digest(), stored_key)


def server_proof(server_key: bytes, exchange: Exchange) -> bytes:
    """Return the proof that the server stores the keys of the client's user."""
    return _mac(server_key, exchange.signed())


def verify_server(proof: bytes | None, secret: bytes, exchange: Exchange) -> bool:
    """Return whether a server's proof is valid for this exchange."""
    return hmac.compare_digest(proof or b"", server_proof(login_keys(secret).server_key, exchange))


def _client_key(secret: bytes) -> bytes:
    return _mac(secret, b"client")


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
