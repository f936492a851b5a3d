"""The headers of Standard Webhooks, checked with the verifier that receivers use."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from server.settings import SigningSecret, SigningSecrets
from server.webhooks import signature

KEYS = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
IDS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-", min_size=1, max_size=40)
BODIES = st.text(st.characters(codec="utf-8")).map(str.encode)
ZONES = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


def secrets(*keys: str) -> SigningSecrets:
    """Return the settings for these keys."""
    return SigningSecrets(SigningSecret(key) for key in keys)


def verify(key: str, body: bytes, headers: dict[str, str]) -> None:
    """Verify as a receiver does. Raises WebhookVerificationError."""
    Webhook(key).verify(body, headers, json_parse=False)


@given(IDS, BODIES, KEYS, ZONES)
def test_a_receiver_accepts_what_was_signed(webhook_id: str, body: bytes, key: str, zone: timezone) -> None:
    verify(key, body, signature.headers(webhook_id, datetime.now(zone), body, secrets(key)))


@given(IDS, BODIES, st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_during_a_rotation_either_secret_verifies(webhook_id: str, body: bytes, keys: list[str]) -> None:
    headers = signature.headers(webhook_id, datetime.now(UTC), body, secrets(*keys))
    for key in keys:
        verify(key, body, headers)


@given(st.data(), st.binary(min_size=1).map(lambda body: body.hex().encode()), KEYS)
def test_a_changed_byte_is_refused(data: st.DataObject, body: bytes, key: str) -> None:
    headers = signature.headers("msg_1", datetime.now(UTC), body, secrets(key))
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + b"." + body[place + 1 :]
    with pytest.raises(WebhookVerificationError):
        verify(key, changed, headers)


@given(BODIES, st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_another_secret_is_refused(body: bytes, keys: list[str]) -> None:
    headers = signature.headers("msg_1", datetime.now(UTC), body, secrets(keys[0]))
    with pytest.raises(WebhookVerificationError):
        verify(keys[1], body, headers)


@pytest.mark.parametrize(("name", "value"), [("webhook-id", "msg_2"), ("webhook-timestamp", "other")])
def test_id_and_time_are_signed_too(name: str, value: str) -> None:
    key, now = "whsec_" + base64.b64encode(b"k" * 24).decode(), datetime.now(UTC)
    headers = signature.headers("msg_1", now, b"{}", secrets(key))
    headers[name] = str(int(now.timestamp()) + 1) if value == "other" else value
    with pytest.raises(WebhookVerificationError):
        verify(key, b"{}", headers)


def test_the_headers_are_those_of_the_standard() -> None:
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330.9, UTC)
    # The example of the standard's own libraries.
    assert signature.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', secrets(key)) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_without_a_secret_nothing_is_signed() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signature.headers("msg_1", at, b"{}", SigningSecrets()) == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
    }
