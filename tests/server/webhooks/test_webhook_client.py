"""One POST to the site: what is sent, and that no answer can block, flood or redirect the server."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from server.settings import SigningSecret, SigningSecrets
from server.webhooks import signature
from server.webhooks.targets import ForbiddenTargetError
from server.webhooks.webhook_client import MAX_ANSWER_BYTES, SiteAnswer, WebhookClient, WebhookError
from tests.support.receiver import Receiver
from tests.support.site_answers import answer

URL = "https://site.internal:8443/hooks?token=t0ken"
BODY = b'{"Action": "\\u003creport\\u003e"}'
SECRETS = SigningSecrets([SigningSecret("whsec_" + "c2lnbmVk" * 4)])


class Drip(httpx.AsyncByteStream):
    """A body that arrives byte by byte and never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.005)


class Flood(httpx.AsyncByteStream):
    """An endless body that arrives at once; counts what was read of it."""

    taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += 1024
            yield b"x" * 1024


class Broken(httpx.AsyncByteStream):
    """A body that is cut off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.ReadError("Connection reset by 10.0.0.5")


async def post(
    handler: Callable[[httpx.Request], httpx.Response], deadline_seconds: float = 5, times: int = 1
) -> SiteAnswer:
    """Post to a site that gives these answers; return the last one."""
    client = WebhookClient(SECRETS, transport=httpx.MockTransport(handler), deadline_seconds=deadline_seconds)
    try:
        async with asyncio.timeout(10):
            for _ in range(times - 1):
                await client.post(URL, BODY, "msg_1")
            return await client.post(URL, BODY, "msg_1")
    finally:
        await client.close()


async def test_the_body_is_posted_as_json_and_byte_for_byte() -> None:
    seen: list[httpx.Request] = []

    def site(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(200, b"thanks")

    assert await post(site) == SiteAnswer(200, b"thanks")
    (request,) = seen
    assert (request.method, str(request.url), request.content) == ("POST", URL, BODY)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("Flagpost/")
    assert request.headers.get_list("Accept-Encoding") == ["identity"]


async def test_each_call_is_signed_over_what_was_sent() -> None:
    seen: list[httpx.Request] = []

    def site(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(200)

    before = datetime.now(UTC)
    await post(site, times=2)
    for request in seen:
        assert request.headers["webhook-id"] == "msg_1"
        at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        assert before - timedelta(seconds=1) < at <= datetime.now(UTC)
        signed = signature.headers("msg_1", at, request.content, SECRETS)["webhook-signature"]
        assert request.headers.get_list("webhook-signature") == [signed]


async def test_without_a_secret_a_call_has_an_id_and_no_signature() -> None:
    seen: list[httpx.Headers] = []

    def site(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return answer(200)

    client = WebhookClient(transport=httpx.MockTransport(site))
    await client.post(URL, BODY, "msg_1")
    await client.close()
    assert seen[0]["webhook-id"] == "msg_1"
    assert "webhook-signature" not in seen[0]


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 500, 503])
async def test_every_status_is_returned_as_an_answer(status: int) -> None:
    assert (await post(lambda _: answer(status))).status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def site(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return answer(status, headers={"Location": "https://elsewhere.example/"})

    assert (await post(site)).status == status
    assert asked == [URL]


async def test_a_slow_answer_times_out() -> None:
    with pytest.raises(WebhookError, match="did not answer in time"):
        await post(lambda _: httpx.Response(200, stream=Drip()), deadline_seconds=0.1)


async def test_a_site_that_stays_silent_times_out() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    client = WebhookClient(transport=httpx.MockTransport(silent), deadline_seconds=0.1)
    with pytest.raises(WebhookError, match="did not answer in time"):
        async with asyncio.timeout(10):
            await client.post(URL, b"{}", "msg_1")
    await client.close()


async def test_a_large_answer_is_cut_and_not_read_to_its_end() -> None:
    flood = Flood()
    assert await post(lambda _: httpx.Response(200, stream=flood)) == SiteAnswer(
        200, b"x" * MAX_ANSWER_BYTES, whole=False
    )
    assert flood.taken == MAX_ANSWER_BYTES + 1024


@pytest.mark.parametrize(("size", "whole"), [(MAX_ANSWER_BYTES, True), (MAX_ANSWER_BYTES + 1, False)])
async def test_an_answer_is_cut_at_64_kib(size: int, whole: bool) -> None:
    assert MAX_ANSWER_BYTES == 65536
    assert await post(lambda _: answer(200, b"x" * size)) == SiteAnswer(200, b"x" * MAX_ANSWER_BYTES, whole)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-unknown", "GZIP", "gzip, identity"])
async def test_a_compressed_answer_is_not_unpacked(encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Retry-After": "7"}
    assert await post(lambda _: answer(429, gzip.compress(b"{}"), headers)) == SiteAnswer(429, b"", False, "7")


@pytest.mark.parametrize("encoding", ["identity", "Identity"])
async def test_an_answer_with_identity_encoding_is_accepted(encoding: str) -> None:
    assert await post(lambda _: answer(200, b"{}", {"Content-Encoding": encoding})) == SiteAnswer(200, b"{}")


@pytest.mark.parametrize("value", ["120", "-1", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
async def test_retry_after_is_passed_on_unchanged(value: str) -> None:
    assert await post(lambda _: answer(503, b"", {"Retry-After": value})) == SiteAnswer(503, b"", True, value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError("[Errno 111] site.internal:8443 refused"), "cannot be reached"),
        (httpx.ConnectTimeout("site.internal"), "did not answer in time"),
        (httpx.ReadTimeout("site.internal"), "did not answer in time"),
        (httpx.PoolTimeout("site.internal"), "did not answer in time"),
        (httpx.RemoteProtocolError("illegal status line from site.internal"), "broke off"),
        (httpx.ReadError("site.internal"), "broke off"),
        (AttributeError("'NoneType' object has no attribute 'getpeername'"), "broke off"),
        (ForbiddenTargetError("site.internal is a loopback address"), "address is not allowed"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] not for site.internal"), "certificate is not trusted"),
        (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "TLS handshake"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_every_failure_has_a_message_without_the_address(error: Exception, words: str) -> None:
    def site(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(WebhookError, match=words) as caught:
        await post(site)
    assert "site.internal" not in str(caught.value)
    assert caught.value.cause


async def test_an_unusable_url_is_an_error() -> None:
    client = WebhookClient()
    with pytest.raises(WebhookError, match="cannot be reached"):
        await client.post("https://①②⑦.0.0.1/", BODY, "msg_1")
    await client.close()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_truncated_answer_is_an_error(encoding: str) -> None:
    with pytest.raises(WebhookError, match="broke off") as caught:
        await post(lambda _: httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Broken()))
    assert "10.0.0.5" not in str(caught.value)


async def test_cookies_are_not_sent_with_the_next_request() -> None:
    cookies: list[str | None] = []

    def site(request: httpx.Request) -> httpx.Response:
        cookies.append(request.headers.get("Cookie"))
        return answer(200, headers={"Set-Cookie": "session=alice; Path=/"})

    await post(site, times=2)
    assert cookies == [None, None]


async def test_proxies_in_the_environment_are_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        client = WebhookClient()
        assert (await client.post(receiver.url, b"{}", "msg_1")).status == 200
        await client.close()
        assert len(receiver.requests) == 1
        assert not proxy.requests
