"""Opens connections to PostgreSQL, detects lost ones, and reopens them."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, LockNotAvailable

from server.settings.database_url import environment_password
from server.storage.base import StorageError
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.schema import PLANNING

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
LIBPQ: dict[str, str | int | None] = {
    "application_name": "flagpost",
    "connect_timeout": CONNECT_SECONDS,
    # After a failover, only the new primary is useful.
    "target_session_attrs": "read-write",
    # Notice within about 8 s that the network or the machine of the database is down.
    "keepalives_idle": 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6000,
}
"""Connection parameters, unless the URL says otherwise."""
MINIMUM_VERSION = 14
ENCODING = "UTF8"
PATIENCE_SECONDS = 15.0
"""Time for which writes and reads wait for a database that does not answer; then they fail."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
SILENT_SECONDS = 60.0
"""Time after which a connection that is in use is cut. The database limits each statement to less, but a pooler between
can stay silent although the database is back."""
_LOST = ("08", "57P", "25", "26", "0A000")
"""Prefixes of the SQLSTATEs of an unusable connection: it is broken or closed by the server, leads to a standby, is in
a wrong transaction, or its prepared statements are missing or outdated, because tables or functions were changed."""

Parameters = Mapping[str, str]


def connect(url: str, parameters: Parameters) -> PostgresConnection:
    """Open a connection with these session parameters.

    Raises psycopg.Error, or StorageError if the version or the encoding is unsuitable.
    """
    password = environment_password(url, os.environ)
    secret = {"password": password.reveal()} if password else {}
    options: dict[str, str | int | None] = {**LIBPQ, **secret, **conninfo_to_dict(url)}
    raw = psycopg.connect(make_conninfo("", **options), autocommit=True)
    try:
        if (version := raw.info.server_version // 10_000) < MINIMUM_VERSION:
            raise StorageError(f"{url}: PostgreSQL {version} is too old; use version {MINIMUM_VERSION} or newer")
        if (encoding := raw.info.parameter_status("server_encoding")) != ENCODING:
            advice = "create another database with --encoding UTF8 --template template0"
            raise StorageError(f"{url}: its encoding is {encoding}, which cannot store all texts; {advice}")
        settings = {**PLANNING, **parameters}
        calls = ", ".join("set_config(%s, %s, false)" for _ in settings)
        raw.execute(f"SELECT {calls}".encode(), [text for pair in settings.items() for text in pair])
    except BaseException:
        raw.close()
        raise
    return PostgresConnection(raw)


def ends_connection(error: psycopg.Error) -> bool:
    """Return whether a connection is unusable after this error."""
    if error.sqlstate is None:
        # libpq raised it, not the server.
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(_LOST)


def one_line(error: Exception) -> str:
    """Return the text of an error of PostgreSQL as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def opening_problem(url: str, error: psycopg.Error) -> str:
    """Return in one line why the database cannot be opened, and what to do."""
    advice = "check that PostgreSQL runs, and that it accepts this user and password"
    if isinstance(error, InsufficientPrivilege | InvalidSchemaName):
        advice = "make this user the owner of the database"
    elif isinstance(error, LockNotAvailable):
        advice = "another program uses the tables; start again once it has ended, for example a backup"
    return f"{url}: {one_line(error)}; {advice}"


class DatabaseLink:
    """A thread's connection, which is reopened after it is lost."""

    def __init__(self, open_it: Callable[[], PostgresConnection]) -> None:
        """Open the connection. Raises psycopg.Error."""
        self._open = open_it
        self._connection: PostgresConnection | None = open_it()
        self._pause = FIRST_PAUSE
        self._lock = threading.Lock()
        """Held to close or cut the connection."""
        self._used_since: float | None = None

    @contextmanager
    def in_use(self) -> Iterator[PostgresConnection]:
        """Yield the connection for some work. Raises psycopg.Error."""
        connection = self._opened()
        self._used_since = time.monotonic()
        try:
            yield connection
        finally:
            self._used_since = None

    def _opened(self) -> PostgresConnection:
        """Return the connection, and open it if it is closed."""
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def recover(self, error: psycopg.Error) -> bool:
        """Close the connection, in whatever state the error left it; return whether a new one may solve the problem."""
        if self._connection is None:
            return True
        raw = self._connection.raw
        lost = bool(raw.closed or raw.broken or ends_connection(error))
        if lost:
            log.warning("the connection to the database is lost", extra={"error": one_line(error)})
        self.close()
        return lost

    def succeed(self) -> None:
        """Let the next pause be short again."""
        self._pause = FIRST_PAUSE

    def wait(self) -> None:
        """Pause before the next attempt; each pause is twice as long as the one before, up to a second."""
        time.sleep(self._pause)
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def close(self) -> None:
        """Close the connection, if it is open."""
        with self._lock:
            if self._connection is not None:
                self._connection.raw.close()
                self._connection = None

    def cut_if_silent(self) -> None:
        """Cut the connection if it has been in use for too long, so that the work fails. Callable on any thread."""
        with self._lock:
            since = self._used_since
            if self._connection is None or since is None or time.monotonic() - since < SILENT_SECONDS:
                return
            with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self._connection.raw.fileno())) as used:
                used.shutdown(socket.SHUT_RDWR)
