"""Recognises the head of a usual websocket handshake. Anything else is left to the HTTP parser."""

import re
from collections import Counter

from server.protocol.address import WEBSOCKET_PATH

MAX_HEAD_BYTES = 4096

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_HEAD = re.compile(
    rb"GET %b(?:\?[\x21-\x7e]*+)? HTTP/1\.1\r\n(?:%b:[\t\x20-\x7e]*+\r\n)++\r\n"
    % (re.escape(WEBSOCKET_PATH.encode()), _TOKEN)
)
_ONCE = {b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"}
_NEVER = {b"content-length", b"transfer-encoding", b"expect"}
_HOST = re.compile(rb"[0-9A-Za-z.:\[\]\-]++")
_CONNECTION = {b"upgrade", b"keep-alive, upgrade"}


def websocket_headers(data: bytes) -> Headers | None:
    """Return the headers if the data is the head of a usual websocket handshake and nothing else; otherwise None."""
    if len(data) > MAX_HEAD_BYTES or not _HEAD.fullmatch(data):
        return None
    lines = [line.partition(b":") for line in data.split(b"\r\n")[1:-2]]
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in lines]
    count, values = Counter(name for name, _ in headers), dict(headers)
    usual = (
        all(count[name] == 1 for name in _ONCE)
        and not any(name in count for name in _NEVER)
        and values[b"upgrade"].lower() == b"websocket"
        and values[b"connection"].lower() in _CONNECTION
        and _HOST.fullmatch(values[b"host"])
    )
    return headers if usual else None
