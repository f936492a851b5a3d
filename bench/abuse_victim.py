"""A server process from a checkout at default limits, the content of its database, and its use of resources."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from enum import Enum
from pathlib import Path
from time import monotonic, time
from typing import NamedTuple, Self

import trustme

from bench.abuse_people import Target
from tests.support.certificates import tls_settings
from tests.support.server_process import environment

DESCRIPTORS = 1024
"""The soft limit that most systems give a service; the hard limit is inherited."""
START_SECONDS = 30.0
END_SECONDS = 8.0
TICKS = os.sysconf("SC_CLK_TCK")
SETTINGS = """
AdminAPIKey = "bench-admin-key-0001"
Database = "room.sqlite"

[[WebhookURLs]]
Name = "report"
Enabled = true
URL = "{website}"
MessageFormat = "html"

[Limits]
ExemptAddresses = []
"""
MESSAGES, LETTERS, NAMES = 100, 4000, 25
EMOJI = "😀😁😂😃😄😅😆😉😊😋😎😍😘😗😙😚🙂🤗🤔😐"


class Stage(Enum):
    """State of the server before the attack."""

    PLAIN = "plain"
    TLS = "tls"
    HEAVY = "heavy"
    """The room has 100 messages of 4,000 letters with 500 reactions each."""
    NO_RATE = "no rate"
    """The rate of one person's messages is not limited."""


class Sample(NamedTuple):
    """Seconds of CPU used so far by the server and its children, and the number of its open descriptors."""

    at: float
    cpu: float
    descriptors: int


class Victim:
    """A running server; a context manager that ends it, by force if necessary."""

    def __init__(self, checkout: Path, directory: Path, stage: Stage, website: str) -> None:
        self._checkout = checkout
        self._directory = directory
        self._stage = stage
        self.database = directory / "room.sqlite"
        self._authority = directory / "authority.pem"
        (directory / "settings.toml").write_text(self._settings(website), encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None
        self.target = Target(0)

    def __enter__(self) -> Self:
        self._start()
        if self._stage is Stage.HEAVY:
            # The server has created its own tables.
            self.end()
            fill(self.database)
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def sample(self) -> Sample:
        return Sample(monotonic(), _cpu(self.pid), sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def peak(self) -> float:
        """Return the peak resident memory in MiB; 0 if the process is gone."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int((status.partition("VmHWM:")[2].split() or ["0"])[0]) / 1024

    def end(self) -> bool:
        """End the server, by force if necessary; return whether SIGTERM was enough."""
        assert self._process
        self._process.terminate()
        try:
            return self._process.wait(END_SECONDS) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        finally:
            if self._process.stdout:
                self._process.stdout.close()

    def _start(self) -> None:
        python = self._checkout / ".venv" / "bin" / "python"
        interpreter = str(python) if python.exists() else sys.executable
        command = [interpreter, "-m", "server", "--settings", "settings.toml", "--address", "127.0.0.1:0"]
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f'ulimit -S -n {DESCRIPTORS}; exec "$@"', "sh", *command],
                cwd=self._directory,
                env=environment({"PYTHONPATH": str(self._checkout)}),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        guard = threading.Timer(START_SECONDS, self._process.kill)
        guard.start()
        line = self._process.stdout.readline() if self._process.stdout else ""
        guard.cancel()
        label, _, url = line.strip().partition(": ")
        if label != "Chat room":
            self.end()
            raise SystemExit(f"the server did not start: {line!r} {(self._directory / 'server.log').read_text()}")
        port = int(url.rpartition(":")[2].partition("/")[0])
        self.target = Target(port, str(self._authority) if self._stage is Stage.TLS else "")

    def _settings(self, website: str) -> str:
        text = SETTINGS.format(website=website)
        if self._stage is Stage.NO_RATE:
            return f"{text}MessagesPerSecond = 0\nBytesPerSecond = 0\n"
        if self._stage is Stage.TLS:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(self._authority))
            return text + tls_settings(self._directory, authority)
        return text


def fill(database: Path) -> None:
    """Insert the rows of Stage.HEAVY."""
    now, text = int(time() * 1000), "lorem ipsum " * (LETTERS // 12)
    names = [f"somebody with a long name {number:04}" for number in range(NAMES)]
    message = "INSERT INTO message (at, author, author_identity, channel, author_key, text) VALUES (?, ?, ?, ?, ?, ?)"
    reaction = "INSERT INTO reaction (msg_id, identity, emoji, name, at) VALUES (?, ?, ?, ?, ?)"
    with closing(sqlite3.connect(database)) as connection, connection:
        for _ in range(MESSAGES):
            msg_id = connection.execute(message, (now, "eve", "e" * 32, "lobby", "eve", text)).lastrowid
            rows = [(msg_id, f"{name:->32}", emoji, name, now) for name in names for emoji in EMOJI]
            connection.executemany(reaction, rows)


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process and its children, including those that have ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        children = [each.read_text(encoding="ascii").split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
        return sum(map(int, fields[11:15])) / TICKS + sum(_cpu(int(child)) for each in children for child in each)
    return 0.0
