"""A server with its own certificate, and clients that verify it."""

import asyncio
import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from server.protocol.codec import decode_server
from server.protocol.frames import Welcome
from tests.support.certificates import tls_settings, trusting
from tests.support.server_process import KEY, ServerProcess, run, write_settings

AUTHORITY = trustme.CA()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Write settings of a TLS server for 127.0.0.1."""
    file = write_settings(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + tls_settings(tmp_path, AUTHORITY), encoding="utf-8")
    return file


async def test_websocket_and_http_are_served_with_the_certificate(settings: Path) -> None:
    with ServerProcess(settings) as server:
        assert server.url.startswith("wss://")
        async with connect(server.url, ssl=trusting(AUTHORITY), proxy=None) as client:
            assert isinstance(decode_server(await client.recv(decode=False)), Welcome)
        async with httpx.AsyncClient(verify=trusting(AUTHORITY), trust_env=False) as site:
            assert (await site.get(f"https://127.0.0.1:{server.port}/healthz")).status_code == 200
        assert await asyncio.to_thread(server.terminate) == 0
        assert server.log == ""


async def test_peers_without_tls_or_trust_in_the_authority_get_no_data(settings: Path) -> None:
    with ServerProcess(settings) as server:
        with pytest.raises((InvalidHandshake, OSError)):
            await connect(server.url.replace("wss://", "ws://"), proxy=None)
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server.url, ssl=trusting(trustme.CA()), proxy=None)
        async with connect(server.url, ssl=trusting(AUTHORITY), proxy=None) as client:
            assert isinstance(decode_server(await client.recv(decode=False)), Welcome)
        assert "Traceback" not in server.log


async def test_a_handshake_that_never_starts_does_not_delay_the_shutdown(settings: Path) -> None:
    with ServerProcess(settings) as server, socket.create_connection(("127.0.0.1", server.port)):
        async with connect(server.url, ssl=trusting(AUTHORITY), proxy=None):
            assert await asyncio.to_thread(server.terminate) == 0
        assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("cert", "key", "where", "what"),
    [
        ("cert.pem", "nowhere.pem", "TLS.KeyFile", "nowhere.pem"),
        ("key.pem", "key.pem", "TLS: ", "PEM files"),
        ("cert.pem", "other.pem", "TLS.KeyFile", "is not the key of"),
        ("cert.pem", "", "TLS: ", "belong together"),
    ],
)
def test_an_unusable_certificate_is_reported_in_one_line(
    settings: Path, cert: str, key: str, where: str, what: str
) -> None:
    (settings.parent / "other.pem").write_bytes(AUTHORITY.issue_cert("other.example").private_key_pem.bytes())
    text = settings.read_text(encoding="utf-8").replace("cert.pem", cert).replace('"key.pem"', f'"{key}"')
    settings.write_text(text, encoding="utf-8")
    ended = run("--settings", str(settings), "--address", "127.0.0.1:0", directory=settings.parent)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert where in line
    assert what in line
    assert KEY not in line


def test_startup_notices_are_written_to_a_json_log(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    more = 'PermitNSFW = true\nDatabase = "no/where.sqlite"\n[Log]\nFormat = "json"\n'
    settings.write_text(more, encoding="utf-8")
    ended = run("--settings", str(settings), "--address", "0.0.0.0:0", directory=tmp_path)
    assert ended.returncode == 2
    said = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["level"] for line in said] == ["warning", "warning", "error"]
    for line, words in zip(said, ("PermitNSFW", "TrustedProxies", "Database: "), strict=True):
        assert words in line["event"]


@pytest.mark.parametrize(
    ("address", "more", "said"),
    [
        ("0.0.0.0:0", "", True),
        ("127.0.0.1:0", "", False),
        ("0.0.0.0:0", '[Limits]\nTrustedProxies = ["10.0.0.0/8"]', False),
        ("0.0.0.0:0", "tls", False),
    ],
)
def test_listening_for_others_without_encryption_is_logged_at_the_start(
    tmp_path: Path, address: str, more: str, *, said: bool
) -> None:
    settings = tmp_path / "settings.toml"
    table = tls_settings(tmp_path, AUTHORITY) if more == "tls" else more
    settings.write_text(f'Database = "room.sqlite"\n{table}', encoding="utf-8")
    with ServerProcess(settings, "--address", address) as server:
        assert server.terminate() == 0
        lines = server.log.splitlines()
    assert len(lines) == said
    assert all("WARNING: 0.0.0.0:" in line and "TrustedProxies" in line for line in lines)
