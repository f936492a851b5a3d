"""A PostgreSQL for the tests: one server for all workers of a session, started by the first test that needs it."""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO, NamedTuple

import msgspec
import psycopg
from filelock import FileLock

from server.demo.postgres_process import START_SECONDS, USER, socket_url

ROOT = Path(__file__).parents[2]
PROGRAMS_VARIABLE = "TEST_POSTGRES"
"""The environment variable with the folder of PostgreSQL's programs, if not the best ones that are installed."""
QUICK = ("fsync=off", "full_page_writes=off", "max_connections=300")
"""What is written survives a crash of the server all the same, and only a crash of the machine loses it."""

_HELD: list[IO[bytes]] = []
"""The lock that says that this process uses the server: the system lets it go when the process ends, in any way."""

_KEEPERS: list["subprocess.Popen[bytes]"] = []
"""Processes that end after this one at the earliest."""


class SharedPostgres(NamedTuple):
    """The running server."""

    directory: str
    """Contains its socket, which needs no password."""
    port: int
    password: str
    """For its port on loopback, which needs one."""

    @property
    def url(self) -> str:
        """Return a URL for its superuser."""
        return socket_url(self.directory, self.port, USER, "postgres")

    @contextmanager
    def schema(self) -> Iterator[str]:
        """Yield the URL of an empty schema, first in the search path of a user of its own; drop it.

        `pg_trgm` is there already, as it belongs to the database.
        """
        name = f"t{token_hex(8)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN".encode())
            connection.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}".encode())
        yield socket_url(self.directory, self.port, name, "postgres")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))
            connection.execute(f"DROP SCHEMA {name} CASCADE".encode())
            connection.execute(f"DROP OWNED BY {name}".encode())
            connection.execute(f"DROP ROLE {name}".encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of an empty database; drop it. Takes longer than a schema."""
        name = f"t{token_hex(8)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        yield socket_url(self.directory, self.port, USER, name)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def running(shared: Path) -> SharedPostgres:
    """Return the server of the processes that share this directory; start it if it does not run."""
    shared.mkdir(exist_ok=True)
    users = (shared / "users").open("ab")
    with FileLock(shared / "lock"):
        # Waits for a server that is just being removed.
        fcntl.flock(users, fcntl.LOCK_SH)
        _HELD.append(users)
        found = shared / "server.json"
        if not found.exists():
            _start(shared, found)
        return msgspec.json.decode(found.read_bytes(), type=SharedPostgres)


def _start(shared: Path, found: Path) -> None:
    with (shared / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.postgres_keeper", str(shared)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _KEEPERS.append(keeper)
    deadline = time.monotonic() + START_SECONDS
    while not found.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(shared / 'keeper.log').read_text()}")
        time.sleep(0.02)
