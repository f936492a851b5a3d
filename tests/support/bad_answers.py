"""Answers of a website that break off, never end, or are misleading."""

import gzip
import socket
import struct
import threading
import time
from functools import cache

from tests.support.receiver import LONG_SILENCE_SECONDS, Behaviour, Request, answers

BOMB_BYTES = 64 * 1024 * 1024


def resets(client: socket.socket, _request: Request, _over: threading.Event) -> None:
    """Begin a valid answer, and reset the connection in the middle of it."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
    # Without time to linger, closing resets the connection.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def never_ends(status: int) -> Behaviour:
    """Answer with a body that continues for as long as the client reads it."""

    def behave(client: socket.socket, _request: Request, over: threading.Event) -> None:
        client.sendall(f"HTTP/1.1 {status} Whatever\r\nContent-Type: text/plain\r\n\r\n".encode())
        until = time.monotonic() + LONG_SILENCE_SECONDS
        while time.monotonic() < until and not over.is_set():
            client.sendall(b"x" * 65536)

    return behave


def bomb(status: int) -> Behaviour:
    """Answer with a small body that decompresses to a large one."""

    def behave(client: socket.socket, request: Request, over: threading.Event) -> None:
        answers(status, _packed(), "Content-Encoding: gzip")(client, request, over)

    return behave


@cache
def _packed() -> bytes:
    return gzip.compress(bytes(BOMB_BYTES), 1)
