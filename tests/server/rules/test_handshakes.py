"""Which handshakes need no HTTP parser: both parsers must read these alike."""

import h11
import pytest
from hypothesis import given, settings
from websockets.http11 import Request
from websockets.server import ServerProtocol

from server.rules import requests
from server.rules.handshakes import MAX_HEAD_BYTES, websocket_headers
from tests.support.handshakes import CLIENTS, PLAIN, heads

START = b"GET /ws HTTP/1.1"


def head(*lines: bytes, start: bytes = START) -> bytes:
    return b"\r\n".join([start, *lines, b"", b""])


def parsed(data: bytes) -> Request:
    """Return a handshake as websockets reads it."""
    protocol = ServerProtocol()
    protocol.receive_data(data)
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize("lines", CLIENTS.values(), ids=CLIENTS)
def test_usual_clients_need_no_http_parser(lines: tuple[bytes, ...]) -> None:
    assert websocket_headers(head(*lines)) is not None


UNUSUAL = {
    "another path": head(*PLAIN, start=b"GET /wsx HTTP/1.1"),
    "another method": head(*PLAIN, start=b"POST /ws HTTP/1.1"),
    "HTTP/1.0": head(*PLAIN, start=b"GET /ws HTTP/1.0"),
    "a body": head(*PLAIN, b"Content-Length: 1"),
    "no body, but its length": head(*PLAIN, b"content-length: 0"),
    "chunks": head(*PLAIN, b"Transfer-Encoding: chunked"),
    "expectations": head(*PLAIN, b"Expect: 100-continue"),
    "bytes after the head": head(*PLAIN) + b"x",
    "an incomplete head": head(*PLAIN)[:-2],
    "two hosts": head(*PLAIN, b"Host: other"),
    "no host": head(*PLAIN[1:]),
    "two upgrades": head(*PLAIN, b"Upgrade: h2c"),
    "no upgrade": head(PLAIN[0], *PLAIN[2:]),
    "no connection header": head(*PLAIN[:2], *PLAIN[3:]),
    "another connection option": head(*PLAIN[:2], b"Connection: upgrade, close", *PLAIN[3:]),
    "a folded line": head(*PLAIN, b" folded"),
    "a bare line feed": head(*PLAIN, b"X: a\nY: b"),
    "a space before the colon": head(*PLAIN, b"X : a"),
    "a character beyond ASCII": head(*PLAIN, b"X: \xe4"),
    "a NUL": head(*PLAIN, b"X: \0"),
    "too long": head(*PLAIN, b"X: " + b"x" * MAX_HEAD_BYTES),
    "nothing": b"",
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_anything_unusual_is_for_the_http_parser(data: bytes) -> None:
    assert websocket_headers(data) is None


@settings(max_examples=150)
@given(heads())
def test_both_parsers_read_the_same(data: bytes) -> None:
    headers = websocket_headers(data)
    if headers is None:
        return
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data)
    request = parser.next_event()
    assert isinstance(request, h11.Request)
    assert isinstance(parser.next_event(), h11.EndOfMessage)
    assert parser.trailing_data == (b"", False)
    assert [*request.headers] == headers
    requests.check_body(data)
    # As uvicorn writes it for the websocket's parser.
    lines = [b"%b: %b" % each for each in request.headers]
    again = head(*lines, start=b"%b %b HTTP/1.1" % (request.method, request.target))
    assert [*parsed(again).headers.raw_items()] == [
        (name.lower(), value) for name, value in parsed(data).headers.raw_items()
    ]
    assert parsed(again).path == parsed(data).path
