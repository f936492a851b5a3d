"""Programs forked from a process that has imported them, so that they start in a tenth of the time."""

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Protocol, Self

import msgspec

from tests.support.fork_server import Request

ROOT = Path(__file__).parents[2]
IMPORTED = {
    "server": ["server.app", "server.operator.commands", "server.demo.bots", "server.demo.nodes", "uvloop"],
    "tui": ["tui.cli", "tui.fullscreen.app", "tui.web.serve", "tests.support.warm_client"],
}


PACKAGES = {"server.demo": "server", "tests.support.stuck_client": "tui"}
"""The package that a program needs, if it is not its own."""


def can_fork(extra: Mapping[str, str] | None) -> bool:
    """Return whether a program with these extra variables can be forked; if not, it is started.

    Not if they configure Python or Textual, which read them when they are imported, and not in benchmarks, which
    measure the memory of a process of its own.
    """
    configures_imports = any(name.startswith(("PYTHON", "TEXTUAL")) for name in extra or {})
    return sys.platform == "linux" and "PYTEST_VERSION" in os.environ and not configures_imports


class Process(Protocol):
    """The part of `subprocess.Popen[str]` that tests use."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Fork:
    """A program that was forked, with the interface of `subprocess.Popen`."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        streams: Sequence[int],
        *,
        new_session: bool = False,
        constants: Mapping[str, float] | None = None,
    ) -> None:
        """Run a package with these descriptors as its standard streams, and these values of its constants."""
        self.returncode: int | None = None
        request = Request(program, [*arguments], str(directory), dict(environment), new_session, dict(constants or {}))
        self._report, report = os.pipe()
        with _LOCK:
            socket.send_fds(
                _fork_server(PACKAGES.get(program, program)), [msgspec.json.encode(request)], [*streams, report]
            )
        os.close(report)
        self.pid = int(self._line())

    @classmethod
    def piped(
        cls,
        program: str,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        log: int,
        constants: Mapping[str, float] | None = None,
    ) -> Self:
        """Run a package with pipes to its input and from its output, and its errors in `log`."""
        (input_end, into), (out, output_end) = os.pipe(), os.pipe()
        streams = [input_end, output_end, log]
        fork = cls(program, arguments, directory, environment, streams, constants=constants)
        os.close(input_end)
        os.close(output_end)
        fork.stdin, fork.stdout = os.fdopen(into, "w", encoding="utf-8"), os.fdopen(out, encoding="utf-8")
        return fork

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = int(self._line())
        os.close(self._report)

    def _line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            read = os.read(self._report, 1)
            assert read, "the fork server has ended"
            line += read
        return line.decode()


_LOCK = Lock()


@cache
def _fork_server(package: str) -> socket.socket:
    """Return a connection to the fork server of a package's programs, which ends when the connection is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno()), *IMPORTED[package]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours
