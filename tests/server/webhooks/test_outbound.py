"""Webhooks trust the administrator's own authority, and leave through the administrator's proxy."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from server.operator.reachability import Unreachable, reach
from server.settings import Secret, SettingsError, WebhookSecurity, parse
from server.webhooks.outbound import trust
from server.webhooks.webhook_client import WebhookClient, WebhookError

AUTHORITY = trustme.CA()
BODY = b'{"Action":"report"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
LOGIN = "Proxy-Authorization: Basic bWU6czNjcmV0OnA="
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Heard(list[str]):
    """The heads of the requests that a server has received."""


@asynccontextmanager
async def listening(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve connections at a port of this machine, and end them all at the end."""
    tasks: list[asyncio.Task[None]] = []

    async def track(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.append(task)
        try:
            await serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            await close(writer)

    async with await asyncio.start_server(track, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def site(heard: Heard, *, secure: bool = True) -> AsyncIterator[int]:
    """Serve a site for the name site.example; return its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        await reader.readexactly(len(BODY))
        writer.write(ANSWER)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("site.example", "localhost").configure_cert(context)
    async with listening(serve, context if secure else None) as port:
        yield port


@asynccontextmanager
async def proxy(heard: Heard, to: int, status: str = "200 OK") -> AsyncIterator[str]:
    """Serve a proxy that knows all names as the site at this port; return its URL."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        await close(writer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head.decode())
        if not status.startswith("200"):
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        from_site, to_site = await asyncio.open_connection("127.0.0.1", to)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            to_site.write(head)
        try:
            await asyncio.gather(pipe(reader, to_site), pipe(from_site, writer), return_exceptions=True)
        finally:
            await close(to_site)

    async with listening(serve) as port:
        yield f"http://me:s3cret%3Ap@127.0.0.1:{port}"


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    return str(file)


async def post(url: str, security: WebhookSecurity) -> int:
    """Return the status of the answer."""
    client = WebhookClient(security=security)
    try:
        return (await client.post(url, BODY, "msg_1")).status
    finally:
        await client.close()


async def test_a_private_authority_is_trusted_only_if_the_settings_name_it(ca_file: str) -> None:
    heard = Heard()
    async with site(heard) as port:
        url = f"https://localhost:{port}/hooks"
        assert await post(url, WebhookSecurity(ca_file=ca_file)) == 200
        with pytest.raises(WebhookError, match="certificate is not trusted"):
            await post(url, WebhookSecurity())
        reached = await reach(url, trust(WebhookSecurity(ca_file=ca_file)), WebhookSecurity())
        assert reached.certificate_days
        with pytest.raises(Unreachable, match="set CAFile in"):
            await reach(url, trust(WebhookSecurity()), WebhookSecurity())
    assert len(heard) == 1


def test_the_public_authorities_stay_trusted(ca_file: str) -> None:
    both, public = trust(WebhookSecurity(ca_file=ca_file)), trust(WebhookSecurity())
    assert both.cert_store_stats()["x509_ca"] == public.cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\xfe"])
def test_a_file_without_certificates_is_named_in_the_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"WebhookSecurity.CAFile: .*authority\.pem .*name a"):
        trust(WebhookSecurity(ca_file=str(file)))


def test_the_authority_file_is_relative_to_the_settings_file(tmp_path: Path) -> None:
    settings = parse('[WebhookSecurity]\nCAFile = "ca.pem"', {}, tmp_path).settings
    assert settings.webhook_security.ca_file == str(tmp_path / "ca.pem")


@pytest.mark.parametrize("secure", [True, False])
async def test_a_proxy_resolves_the_name_and_learns_no_more_than_it_must(ca_file: str, secure: bool) -> None:
    at_proxy, at_site = Heard(), Heard()
    scheme = "https" if secure else "http"
    async with site(at_site, secure=secure) as port, proxy(at_proxy, port) as url:
        security = WebhookSecurity(ca_file=ca_file, proxy=Secret(url))
        assert await post(f"{scheme}://site.example/hooks", security) == 200
    (request,), (asked,) = at_site, at_proxy
    line = "CONNECT site.example:443 HTTP/1.1" if secure else "POST http://site.example/hooks HTTP/1.1"
    assert asked.startswith(line)
    assert LOGIN in asked
    assert "webhook-id: msg_1" in request
    if secure:
        assert "webhook-id" not in asked
        assert "Proxy-Authorization" not in request


async def test_the_certificate_of_the_site_is_verified_behind_a_proxy() -> None:
    at_site = Heard()
    async with site(at_site) as port, proxy(Heard(), port) as url:
        security = WebhookSecurity(proxy=Secret(url))
        with pytest.raises(WebhookError, match="certificate is not trusted"):
            await post("https://site.example/hooks", security)
        with pytest.raises(Unreachable, match="CAFile"):
            await reach("https://site.example/hooks", trust(security), security)
    assert not at_site


@pytest.mark.parametrize(
    ("url", "block_private", "why"),
    [
        ("http://169.254.169.254/", False, "metadata"),
        ("http://[::ffff:169.254.169.254]/", False, "metadata"),
        ("http://10.0.0.1/", True, "a private address"),
        ("http://localhost/", True, "a loopback address"),
        ("http://a.LOCALHOST./", True, "a loopback address"),
        ("http://[::1]/", True, "a loopback address"),
    ],
)
async def test_a_forbidden_address_is_not_requested_from_a_proxy(url: str, block_private: bool, why: str) -> None:
    heard = Heard()
    async with proxy(heard, 1) as at:
        security = WebhookSecurity(block_private=block_private, proxy=Secret(at))
        with pytest.raises(WebhookError) as caught:
            await post(url, security)
        assert why in caught.value.cause
        with pytest.raises(Unreachable, match=why):
            await reach(url, trust(security), security)
    assert not heard


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
async def test_a_proxy_that_refuses_is_named_without_its_password(status: str) -> None:
    async with proxy(Heard(), 1, status) as url:
        security = WebhookSecurity(proxy=Secret(url))
        with pytest.raises(WebhookError, match="cannot be reached") as caught:
            await post("https://site.example/", security)
        assert "the proxy 127.0.0.1 port" in caught.value.cause
        assert status in caught.value.cause
        with pytest.raises(Unreachable, match=f"it answered {status[:3]}; check Proxy") as found:
            await reach("https://site.example/", trust(security), security)
    assert "s3cret" not in f"{caught.value.cause} {found.value} {security!r}"


async def test_an_unreachable_proxy_is_named_without_its_password() -> None:
    async with proxy(Heard(), 1) as url:
        pass
    security = WebhookSecurity(proxy=Secret(url))
    with pytest.raises(WebhookError, match="cannot be reached") as caught:
        await post("https://site.example/", security)
    assert "through the proxy 127.0.0.1 port" in caught.value.cause
    with pytest.raises(Unreachable, match=r"the proxy 127\.0\.0\.1 port"):
        await reach("https://site.example/", trust(security), security)
    assert "s3cret" not in caught.value.cause


async def test_proxy_variables_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, at_site = Heard(), Heard()
    async with site(at_site, secure=False) as port, proxy(heard, port) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, url)
        assert await post(f"http://127.0.0.1:{port}/", WebhookSecurity()) == 200
    assert (len(heard), len(at_site)) == (0, 1)


@pytest.mark.parametrize("proxy_url", ["proxy:3128", "socks5://proxy:1080", "http://proxy/path", "http://0177.1/", " "])
def test_a_proxy_that_is_not_an_http_proxy_is_refused(proxy_url: str) -> None:
    with pytest.raises(SettingsError, match=r"WebhookSecurity\.Proxy"):
        parse(f'[WebhookSecurity]\nProxy = "{proxy_url}"', {})


def test_a_proxys_password_is_in_no_error() -> None:
    with pytest.raises(SettingsError) as caught:
        parse('[WebhookSecurity]\nProxy = "ftp://me:s3cret@proxy"', {})
    assert "s3cret" not in str(caught.value)
