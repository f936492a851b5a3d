"""Login proofs are valid for one exchange only, and cannot be made from what a server stores."""

import hmac
import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import proof
from server.protocol.proof import Exchange, LoginKeys

SECRET = bytes(range(32))
EXCHANGE = Exchange("5e", "c0ffee", "0123456789abcdef", "ada")
VECTORS = {
    "stored_key": "0afaaf78aec89fdf267c4affd7a6c4bff9013a805a9e52f2e83651f47a1da784",
    "server_key": "eb1959f1bc833d7f4babe891ffb01ee74789925db4e644837295d40f9f6bdf43",
    "identity": "b812a823b11479452b83a2ff008e10b2",
    "client_proof": "6c020f42e0cc74ea30b754fe3f8101e8a36025d4d8c465cb776c5695281dbfe7",
    "server_proof": "394941c03fad16b92e28834a4222bd88c297f997f4cddf134079f56dd7c63801",
}

secrets = st.binary(min_size=32, max_size=32)
exchanges = st.builds(Exchange, *[st.text(max_size=8)] * 4)


def stored(secret: bytes) -> bytes:
    """Return what the server stores for a secret."""
    return proof.login_keys(secret).stored_key


def test_vectors_for_clients_in_other_languages_are_reproduced() -> None:
    keys = proof.login_keys(SECRET)
    assert {
        "stored_key": keys.stored_key.hex(),
        "server_key": keys.server_key.hex(),
        "identity": proof.identity(keys.stored_key, EXCHANGE.challenge),
        "client_proof": proof.client_proof(SECRET, EXCHANGE).hex(),
        "server_proof": proof.server_proof(keys.server_key, EXCHANGE).hex(),
    } == VECTORS


def test_the_formulas_are_those_of_scram() -> None:
    client_key = hmac.digest(SECRET, b"client", "sha256")
    signature = hmac.digest(sha256(client_key).digest(), EXCHANGE.signed(), "sha256")
    expected = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    assert proof.client_proof(SECRET, EXCHANGE) == expected
    assert EXCHANGE.signed() == b"16:flagpost login 1,2:5e,6:c0ffee,16:0123456789abcdef,3:ada,"


@given(secrets, exchanges)
def test_both_sides_prove_their_identity(secret: bytes, exchange: Exchange) -> None:
    keys = proof.login_keys(secret)
    assert proof.verify_client(proof.client_proof(secret, exchange), keys.stored_key, exchange)
    assert proof.verify_server(proof.server_proof(keys.server_key, exchange), secret, exchange)


@given(secrets, exchanges, exchanges)
def test_a_proof_is_invalid_for_any_other_exchange(secret: bytes, made_for: Exchange, other: Exchange) -> None:
    same = made_for == other
    assert proof.verify_client(proof.client_proof(secret, made_for), stored(secret), other) == same
    keys = proof.login_keys(secret)
    assert proof.verify_server(proof.server_proof(keys.server_key, made_for), secret, other) == same


@pytest.mark.parametrize("part", Exchange._fields)
@given(exchange=exchanges, change=st.text(max_size=8))
def test_a_proof_depends_on_every_part_of_an_exchange(part: str, exchange: Exchange, change: str) -> None:
    other = exchange._replace(**{part: change})
    assert proof.verify_client(proof.client_proof(SECRET, exchange), stored(SECRET), other) == (exchange == other)


@given(exchanges, exchanges)
def test_no_two_exchanges_sign_the_same_bytes(one: Exchange, other: Exchange) -> None:
    assert (one.signed() == other.signed()) == (one == other)


@given(secrets, secrets, exchanges)
def test_another_secret_proves_nothing(secret: bytes, other: bytes, exchange: Exchange) -> None:
    if secret != other:
        assert not proof.verify_client(proof.client_proof(other, exchange), stored(secret), exchange)
        forged = proof.server_proof(proof.login_keys(other).server_key, exchange)
        assert not proof.verify_server(forged, secret, exchange)


@given(st.integers(0, 255))
def test_a_proof_with_one_bit_changed_is_invalid(bit: int) -> None:
    good = proof.client_proof(SECRET, EXCHANGE)
    changed = (int.from_bytes(good) ^ (1 << bit)).to_bytes(32)
    assert not proof.verify_client(changed, stored(SECRET), EXCHANGE)


@given(st.binary(max_size=80))
def test_random_bytes_are_not_a_proof(forged: bytes) -> None:
    assert not proof.verify_client(forged, stored(SECRET), EXCHANGE)
    assert not proof.verify_server(forged, SECRET, EXCHANGE)
    assert not proof.verify_server(None, SECRET, EXCHANGE)


def test_what_the_server_stores_is_not_enough_to_log_in() -> None:
    keys = proof.login_keys(SECRET)
    for key in keys:
        assert not proof.verify_client(proof.client_proof(key, EXCHANGE), keys.stored_key, EXCHANGE)
        assert not proof.verify_client(proof.server_proof(key, EXCHANGE), keys.stored_key, EXCHANGE)
        assert not proof.verify_client(key, keys.stored_key, EXCHANGE)


@given(secrets, st.text(max_size=8), st.text(max_size=8))
def test_a_replayed_enrolment_is_another_person(secret: bytes, one: str, other: str) -> None:
    names = [proof.identity(stored(secret), challenge) for challenge in (one, other)]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert (names[0] == names[1]) == (one == other)


def test_login_keys_are_not_printed() -> None:
    keys = LoginKeys(b"stored-key", b"server-key")
    assert "key-" not in f"{keys}{keys!r}"
    assert not re.search("stored|server", repr(keys))
