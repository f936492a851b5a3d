"""The client trusts a certificate only if this machine does, and says what to do about one that it rejects."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import SSLCertVerificationError

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve

from server.protocol.codec import encode
from server.protocol.frames import Pong
from tests.tui.net.test_server_connection import client, serving
from tui.net.server_connection import Received
from tui.net.trust import unverified

AUTHORITY = trustme.CA()
PAST = datetime.now(UTC) - timedelta(days=2)


@asynccontextmanager
async def secured(certificate: trustme.LeafCert, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Run a websocket server with this certificate that sends one frame; yield its URL."""

    async def say(connection: ServerConnection) -> None:
        await connection.send(encode(Pong()), text=True)
        await connection.wait_closed()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    async with serve(say, "127.0.0.1", 0, ssl=context, close_timeout=1) as server:
        yield f"wss://{host}:{next(iter(server.sockets)).getsockname()[1]}/ws"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority through SSL_CERT_FILE."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_in_ssl_cert_file_is_trusted() -> None:
    async with secured(AUTHORITY.issue_cert("127.0.0.1")) as url, client(url) as ada:
        await ada.until(lambda told: Received([Pong()]) in told)


async def test_a_certificate_of_an_unknown_authority_is_refused_in_one_line_with_advice() -> None:
    async with secured(AUTHORITY.issue_cert("127.0.0.1")) as url, client(url) as ada:
        why = (await ada.lost()).why
        assert "not signed by an authority" in why
        assert "SSL_CERT_FILE" in why
        assert len(why.splitlines()) == 1
        assert not any(isinstance(event, Received) for event in ada.told)


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_name_or_time_is_refused() -> None:
    for certificate, words in (
        (AUTHORITY.issue_cert("chat.example"), "for another name"),
        (AUTHORITY.issue_cert("127.0.0.1", not_before=PAST, not_after=PAST + timedelta(days=1)), "has expired"),
        (AUTHORITY.issue_cert("127.0.0.1", not_before=PAST + timedelta(days=4)), "not valid yet"),
    ):
        async with secured(certificate) as url, client(url) as ada:
            assert words in (await ada.lost()).why


async def test_a_server_without_tls_is_named_as_the_reason() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    async with server, client(url) as ada:
        assert "does not support TLS" in (await ada.lost()).why


async def test_a_server_that_hangs_up_during_the_handshake_is_reported() -> None:
    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serving(silent) as url, client(url.replace("ws://", "wss://")) as ada:
        assert (await ada.lost()).why


def test_error_messages_of_openssl_are_cleaned() -> None:
    error = SSLCertVerificationError()
    error.verify_code, error.verify_message = 23, "certificate \x1b revoked"
    assert unverified(error) == "its certificate is rejected (certificate ␛ revoked); tell its administrator"
