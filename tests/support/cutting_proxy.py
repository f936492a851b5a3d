"""A TCP proxy before PostgreSQL that cuts a connection around a COMMIT, so that nobody knows whether it took place."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

READY = b"Z\x00\x00\x00\x05"
"""The beginning of ReadyForQuery; a letter follows: idle, in a transaction, or in one that failed."""


PUBLISHED = b"news_before"
"""A column of the function that publishes, which is a transaction of its own."""


class Cut(Enum):
    """What the database does before the connection is cut."""

    BEFORE_COMMIT = "nothing of the request in a transaction arrives"
    AFTER_COMMIT = "the commit takes place, and its answer is lost"


class CuttingProxy:
    """Listens on a Unix socket; `arm` has the next connection that commits cut."""

    def __init__(self, server: str, directory: Path) -> None:
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / ".s.PGSQL.5432"))
        self._listener.listen()
        self._armed: Cut | None = None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._relays: list[_Relay] = []
        self.cuts = 0
        """The number of connections that were cut."""
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, cut: Cut) -> None:
        """Cut the next connection that writes in a transaction."""
        self._armed = cut

    def cut_all(self) -> None:
        """Cut all connections."""
        for each in self._sockets:
            _end(each)

    def freeze(self) -> None:
        """Forward nothing more on the connections that are open, without closing them."""
        for each in self._relays:
            each.frozen = True

    def close(self) -> None:
        """Accept no more connections, and cut those that are open."""
        # Closing alone does not end an `accept` that waits, which would take one more connection.
        _end(self._listener)
        self.cut_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._sockets += [client, server]
                self._relays.append(_Relay(self, client, server))

    def takes(self, cut: Cut) -> bool:
        """Return whether a connection is to be cut in this way, once."""
        with self._lock:
            if self._armed is not cut:
                return False
            self._armed = None
            self.cuts += 1
            return True


class _Relay:
    """One connection through the proxy."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._in_transaction = False
        self.frozen = False
        """Nothing is forwarded."""
        threading.Thread(target=self._forward, daemon=True).start()
        threading.Thread(target=self._answer, daemon=True).start()

    def _forward(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(1 << 16):
                if self._in_transaction and self._proxy.takes(Cut.BEFORE_COMMIT):
                    break
                if not self.frozen:
                    self._server.sendall(data)
        self._end()

    def _answer(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(1 << 16):
                status = data[-1:] if data[-6:-1] == READY else b""
                ended = status == b"I" and (self._in_transaction or PUBLISHED in data)
                if ended and self._proxy.takes(Cut.AFTER_COMMIT):
                    break
                if status:
                    self._in_transaction = status == b"T"
                if not self.frozen:
                    self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        _end(self._client)
        _end(self._server)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def cutting_proxy(url: str, directory: Path) -> Iterator[tuple[str, CuttingProxy]]:
    """Yield the URL of a database through a proxy, whose socket is in this directory, and the proxy."""
    parts = urlsplit(url)
    place = parse_qs(parts.query)
    proxy = CuttingProxy(f"{place['host'][0]}/.s.PGSQL.{place['port'][0]}", directory)
    try:
        yield f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(directory))}&port=5432", proxy
    finally:
        proxy.close()
