"""One POST to a real site on loopback, which answers well, badly or not at all."""

import asyncio
import base64
import json
import secrets
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import trustme
from standardwebhooks import Webhook

from server.settings import SigningSecret, SigningSecrets, WebhookSecurity
from server.webhooks.webhook_client import MAX_ANSWER_BYTES, SiteAnswer, WebhookClient, WebhookError
from tests.support.bad_answers import bomb, never_ends, resets
from tests.support.receiver import (
    BIG_BODY,
    GARBAGE,
    WAIT_SECONDS,
    Behaviour,
    Receiver,
    answers,
    answers_gzipped,
    closed_port_url,
    drips,
    in_turn,
    redirects,
    sends,
    stays_silent,
)

BODY = b'{"Action": "\\u003creport\\u003e"}'
UNSIGNED = SigningSecrets()


async def post(
    url: str, signed: SigningSecrets = UNSIGNED, *, block_private: bool = False, deadline_seconds: float = 10
) -> SiteAnswer:
    """Post once."""
    client = WebhookClient(
        signed, security=WebhookSecurity(block_private=block_private), deadline_seconds=deadline_seconds
    )
    try:
        return await client.post(url, BODY, "msg_1")
    finally:
        await client.close()


@contextmanager
def spoken(greeting: bytes) -> Iterator[tuple[str, Future[socket.socket]]]:
    """Accept one connection and send only this; return its https URL and the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(WAIT_SECONDS)

        def accept() -> socket.socket:
            peer, _ = listener.accept()
            peer.settimeout(WAIT_SECONDS)
            peer.sendall(greeting)
            return peer

        taken = pool.submit(accept)
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/", taken
        finally:
            taken.result().close()


ANSWERS: dict[str, tuple[Behaviour, SiteAnswer]] = {
    **{
        str(status): (answers(status, b"words"), SiteAnswer(status, b"words"))
        for status in (200, 201, 400, 401, 410, 503)
    },
    "204": (answers(204), SiteAnswer(204, b"")),
    "301": (redirects(301), SiteAnswer(301, b"")),
    "429 in seconds": (answers(429, b"", "Retry-After: 120"), SiteAnswer(429, b"", retry_after="120")),
    "429 negative": (answers(429, b"", "Retry-After: -5"), SiteAnswer(429, b"", retry_after="-5")),
    "429 huge": (answers(429, b"", "Retry-After: " + "9" * 99), SiteAnswer(429, b"", retry_after="9" * 99)),
    "503 with a date": (
        answers(503, b"", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"),
        SiteAnswer(503, b"", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"),
    ),
    "70 KiB": (answers(500, BIG_BODY), SiteAnswer(500, BIG_BODY[:MAX_ANSWER_BYTES], whole=False)),
    "an endless body": (never_ends(200), SiteAnswer(200, b"x" * MAX_ANSWER_BYTES, whole=False)),
    "compressed": (answers_gzipped(200, b"{}"), SiteAnswer(200, b"", whole=False)),
    "a bomb": (bomb(200), SiteAnswer(200, b"", whole=False)),
}


@pytest.mark.parametrize(("behaviour", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_the_answer_of_the_site_is_returned(receiver: Receiver, behaviour: Behaviour, answer: SiteAnswer) -> None:
    receiver.behaviour = behaviour
    assert await post(receiver.url) == answer
    assert len(receiver.requests) == 1


FAILURES: dict[str, tuple[Behaviour, str]] = {
    "reset in the middle": (resets, "its answer broke off"),
    "closed in the middle": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"), "its answer broke off"),
    "closed at once": (sends(b""), "its answer broke off"),
    "garbage": (sends(GARBAGE), "its answer broke off"),
}


@pytest.mark.parametrize(("behaviour", "words"), FAILURES.values(), ids=FAILURES.keys())
async def test_an_incomplete_answer_is_an_error(receiver: Receiver, behaviour: Behaviour, words: str) -> None:
    receiver.behaviour = behaviour
    with pytest.raises(WebhookError, match=words):
        await post(receiver.url)


@pytest.mark.parametrize("behaviour", [stays_silent, drips])
async def test_a_slow_site_times_out(receiver: Receiver, behaviour: Behaviour) -> None:
    receiver.behaviour = behaviour
    # Longer than a second, so that each read of a byte a second is in time.
    with pytest.raises(WebhookError, match="it did not answer in time"):
        await post(receiver.url, deadline_seconds=1.5)


async def test_an_unreachable_site_is_an_error_until_it_is_back() -> None:
    url = closed_port_url()
    with pytest.raises(WebhookError, match="it cannot be reached"):
        await post(url)
    with Receiver(port=urlsplit(url).port or 0):
        assert await post(url) == SiteAnswer(200, b"")


async def test_nothing_is_sent_to_a_site_with_an_untrusted_certificate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Receiver(tls=context) as site:
        with pytest.raises(WebhookError, match="its certificate is not trusted") as caught:
            await post(site.url)
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.cause
        assert not site.requests


async def test_a_site_without_tls_on_its_https_port_is_an_error() -> None:
    with (
        spoken(b"220 mail.example ESMTP\r\n") as (url, _),
        pytest.raises(WebhookError, match="the TLS handshake failed"),
    ):
        await post(url)


async def test_a_handshake_that_hangs_times_out_and_is_closed() -> None:
    with spoken(b"") as (url, peer):
        with pytest.raises(WebhookError, match="it did not answer in time"):
            await post(url, deadline_seconds=0.5)
        async with asyncio.timeout(WAIT_SECONDS):
            # Ends when the other side has closed.
            assert await asyncio.to_thread(lambda: peer.result().makefile("rb").read())


async def test_blocked_private_addresses_are_not_connected_to(receiver: Receiver) -> None:
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost"), receiver.url.replace("127.0.0.1", "0")):
        with pytest.raises(WebhookError, match="its address is not allowed") as caught:
            await post(url, block_private=True)
        assert "BlockPrivate" in caught.value.cause
        assert (await post(url)).status == 200
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"])
async def test_a_metadata_address_is_never_connected_to(host: str) -> None:
    with pytest.raises(WebhookError, match="its address is not allowed") as caught:
        await post(f"http://{host}/latest/meta-data/")
    assert "metadata" in caught.value.cause


async def test_a_receiver_can_verify_what_it_was_sent(receiver: Receiver) -> None:
    keys = ["whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2)]
    await post(receiver.url, SigningSecrets(SigningSecret(key) for key in keys))
    (request,) = receiver.requests
    for key in keys:
        assert Webhook(key).verify(request.body, dict(request.headers)) == json.loads(BODY)


async def test_each_call_has_its_own_connection(receiver: Receiver) -> None:
    receiver.behaviour = in_turn(answers(503), answers(429), answers(200))
    client = WebhookClient()
    assert [(await client.post(receiver.url, BODY, "msg_1")).status for _ in range(4)] == [503, 429, 200, 200]
    await client.close()
    assert {request.header("webhook-id") for request in receiver.requests} == {"msg_1"}
    assert {request.header("Connection") for request in receiver.requests} == {"close"}
