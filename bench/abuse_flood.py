"""Raw connections from one address that all send the same bytes as fast as the server reads them."""

import resource
import socket
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic
from typing import NamedTuple

from bench.abuse_people import Target

ATTACKER = "127.0.0.3"
CONNECTS = 1000
"""Maximum connections opened per second, after the first ones; otherwise the benchmark would measure the kernel."""
BLOCK_BYTES = 256 * 1024


class Script(NamedTuple):
    """What each connection sends: the opening once, then the unit repeatedly; if `waits`, only after an answer."""

    opening: bytes = b""
    unit: bytes = b""
    waits: bool = False


class Flood:
    """A number of open connections, each with the same script."""

    def __init__(self, script: Script, connections: int, target: Target) -> None:
        self._script = script
        self._connections = connections
        self._target = target
        self._block = script.unit * (BLOCK_BYTES // len(script.unit)) if script.unit else b""
        self._selector = DefaultSelector()
        self._lines: dict[int, _Line] = {}
        """By file descriptor."""
        self._opened = 0
        self._streamed = 0

    def run(self, until: float) -> int:
        """Reopen each connection that ends; return the number of units sent, or of connections if there is no unit."""
        allow_many_descriptors()
        began = monotonic()
        with self._selector:
            while (now := monotonic()) < until:
                self._open(self._connections + int(CONNECTS * (now - began)))
                for key, events in self._selector.select(0.01):
                    self._serve(self._lines[key.fd], events)
            for line in list(self._lines.values()):
                self._close(line)
        return self._streamed // len(self._script.unit) if self._script.unit else self._opened

    def _open(self, most: int) -> None:
        while len(self._lines) < self._connections and self._opened < most:
            self._opened += 1
            line = _Line(_dial(self._target.port), self._script, self._block)
            self._lines[line.sock.fileno()] = line
            self._selector.register(line.sock, EVENT_READ | EVENT_WRITE)

    def _serve(self, line: "_Line", events: int) -> None:
        try:
            if events & EVENT_READ:
                line.read()
            more = line.write()
        except BlockingIOError:
            return
        except (OSError, EOFError):
            self._close(line)
        else:
            self._selector.modify(line.sock, EVENT_READ | EVENT_WRITE if more else EVENT_READ)

    def _close(self, line: "_Line") -> None:
        self._selector.unregister(line.sock)
        del self._lines[line.sock.fileno()]
        self._streamed += line.streamed
        line.sock.close()


class _Line:
    """One connection: the bytes left to send, and whether the opening still lacks an answer."""

    def __init__(self, sock: socket.socket, script: Script, block: bytes) -> None:
        self.sock = sock
        self._opening = len(script.opening)
        self._sent = 0
        self._left = memoryview(script.opening)
        self._block = block
        self._waits = script.waits

    @property
    def streamed(self) -> int:
        """Return the number of bytes sent after the opening."""
        return max(0, self._sent - self._opening)

    def read(self) -> None:
        """Discard what arrived. Raises EOFError if the server closed the connection."""
        if not self.sock.recv(65536):
            raise EOFError
        self._waits = False

    def write(self) -> bool:
        """Send as much as the socket accepts; return whether more is left to send."""
        if not self._left and not self._waits:
            self._left = memoryview(self._block)
        if self._left:
            count = self.sock.send(self._left)
            self._left = self._left[count:]
            self._sent += count
        return bool(self._left) or (bool(self._block) and not self._waits)


def _dial(port: int) -> socket.socket:
    sock = socket.socket()
    sock.settimeout(0)
    # Bytes that wait in the kernel do not count as sent.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    sock.bind((ATTACKER, 0))
    sock.connect_ex(("127.0.0.1", port))
    return sock


def allow_many_descriptors() -> None:
    """Raise the soft limit of open files of this process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
