"""A website on loopback that records its requests and answers as badly as it is told to."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

LONG_SILENCE_SECONDS = 30.0
WAIT_SECONDS = 10.0


class Request(NamedTuple):
    """One request as received: its first line, its header fields in order, its body."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header field; the case of its name does not matter."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


Behaviour = Callable[[socket.socket, Request, threading.Event], None]


def answers(status: int, body: bytes = b"", *headers: str) -> Behaviour:
    """Answer every request in valid HTTP."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close", *headers]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    # A 204 has no body, and no length either.
    head = head.replace(b"Content-Length: 0\r\n", b"") if status == 204 else head

    def behave(client: socket.socket, _request: Request, _over: threading.Event) -> None:
        client.sendall(head + body)

    return behave


def answers_gzipped(status: int, body: bytes) -> Behaviour:
    """Answer with a compression that the client did not ask for."""
    return answers(status, gzip.compress(body), "Content-Encoding: gzip")


def redirects(status: int = 302) -> Behaviour:
    """Redirect every request to another path of the same site."""
    return answers(status, b"", "Location: /elsewhere")


def sends(data: bytes) -> Behaviour:
    """Send these bytes, HTTP or not, and close the connection."""

    def behave(client: socket.socket, _request: Request, _over: threading.Event) -> None:
        client.sendall(data)

    return behave


def stays_silent(client: socket.socket, _request: Request, over: threading.Event) -> None:
    """Read the request, and send nothing for a long time."""
    del client
    over.wait(LONG_SILENCE_SECONDS)


def drips(client: socket.socket, _request: Request, over: threading.Event) -> None:
    """Begin a valid answer and send one byte a second, too slow ever to end."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    until = time.monotonic() + LONG_SILENCE_SECONDS
    while time.monotonic() < until and not over.wait(1):
        client.sendall(b" ")


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Answer the first request with the first behaviour, the second with the second; the last one repeats."""
    left = list(behaviours)
    turn = threading.Lock()

    def behave(client: socket.socket, request: Request, over: threading.Event) -> None:
        with turn:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(client, request, over)

    return behave


GARBAGE = b"\x00\xff\x13SSH-2.0-OpenSSH_9.9\r\n\x1b[31m\r\n\r\n"
BIG_BODY = b'{"padding":"' + b"x" * (70 * 1024) + b'"}'


class Receiver:
    """The website; a context manager. `behaviour` may be changed while it runs; `tls` is its certificate."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.behaviour = behaviour or answers(200)
        self.requests: list[Request] = []
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._host = host
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="receiver", daemon=True)

    @property
    def port(self) -> int:
        """Return the port on which it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Return the URL to which webhooks are posted."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/internal/webhook"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        # Wakes the thread that accepts connections.
        socket.create_connection((self._host, self.port)).close()
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> list[Request]:
        """Return the requests, once there are this many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, WAIT_SECONDS):
                raise AssertionError(f"{len(self.requests)} requests came instead of {count}")
            return list(self.requests)

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._over.is_set():
                client.close()
                return
            thread = threading.Thread(target=self._serve, args=(client,), name="request", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(WAIT_SECONDS)
        # The client may hang up, for example at a deadline, or reject the certificate.
        with client, suppress(OSError):
            self._answer(self._tls.wrap_socket(client, server_side=True) if self._tls else client)

    def _answer(self, client: socket.socket) -> None:
        with client:
            request = _read(client)
            if request is None:
                return
            with self._changed:
                self.requests.append(request)
                self._changed.notify_all()
            self.behaviour(client, request, self._over)


def _read(client: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = client.recv(65536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    request = Request(line, headers, body)
    length = int(request.header("Content-Length") or 0)
    while len(body) < length:
        chunk = client.recv(65536)
        if not chunk:
            return None
        body += chunk
    return request._replace(body=body)


def closed_port_url() -> str:
    """Return a URL on loopback where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/internal/webhook"
