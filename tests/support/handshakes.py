"""Heads of requests: usual websocket handshakes, and strange variations of them."""

from hypothesis import strategies as st

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = b"Sec-WebSocket-Version: 13"
PLAIN = (b"Host: room", b"Upgrade: websocket", b"Connection: Upgrade", KEY, VERSION)
CLIENTS = {
    "websockets": (
        b"Host: chat.example",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        KEY,
        VERSION,
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        b"User-Agent: Python/3.11 websockets/17.4",
    ),
    "a browser": (
        b"Host: chat.example:9000",
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        b"Accept: */*",
        b"Accept-Language: en-US,en;q=0.5",
        VERSION,
        b"Origin: https://chat.example",
        KEY,
        b"Connection: keep-alive, Upgrade",
        b"Cookie: session=c29tZSBzZXNzaW9u; theme=dark",
        b"Upgrade: websocket",
    ),
    "a proxy": (*PLAIN, b"X-Forwarded-For: 203.0.113.9, 198.51.100.7", b"X-Forwarded-Proto: https"),
}

LINES = [
    *PLAIN,
    b"X-Forwarded-For: 203.0.113.9",
    b"X-Forwarded-For: not an address",
    b"Origin: https://chat.example",
    b"Origin: https://elsewhere.example",
    b"Sec-WebSocket-Version: 12",
    b"Sec-WebSocket-Key: short",
    b"Upgrade: WebSocket",
    b"Upgrade: h2c",
    b"UPGRADE:websocket ",
    b"Connection: keep-alive, Upgrade",
    b"Connection: close",
    b"connection:\tupgrade",
    b"Host: \xe4",
    b"Host:",
    b"host: localhost",
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b"Cookie: a=b",
    b" folded",
    b"No-Colon",
    b"Space : x",
    b"X-Nul: \0",
    b"X-Latin: \xe4",
    b"X-CR: a\rb",
    b"",
]
STARTS = [
    b"GET /ws HTTP/1.1",
    b"GET /ws?a=b HTTP/1.1",
    b"GET /ws HTTP/1.0",
    b"GET  /ws HTTP/1.1",
    b"POST /ws HTTP/1.1",
    b"GET /wss HTTP/1.1",
    b"GET / HTTP/1.1",
    b"GET /ws",
    b"\r\nGET /ws HTTP/1.1",
]


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Draw a head that differs in a few places from a usual one."""
    lines = list(draw(st.sampled_from([PLAIN, *CLIENTS.values()])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines)))
        change = draw(st.sampled_from(["add", "drop", "replace", "cut"]))
        if change == "add":
            lines.insert(at, draw(st.sampled_from(LINES)))
        elif change == "replace":
            lines[at : at + 1] = [draw(st.sampled_from(LINES))]
        elif change == "cut" and at < len(lines):
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        else:
            del lines[at : at + 1]
    start = draw(st.one_of(st.just(STARTS[0]), st.sampled_from(STARTS)))
    end = draw(st.one_of(st.just(b"\r\n\r\n"), st.sampled_from([b"\r\n", b"\n\n", b"\r\n\r\nx", b"\r\n\r\n\r\n"])))
    return b"\r\n".join([start, *lines]) + end
