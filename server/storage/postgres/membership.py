"""The membership of this server in a shared room: it enters, sends heartbeats, and detects servers that stopped."""

import secrets
import socket
import time
from typing import NamedTuple

from server.protocol.version import VERSION
from server.storage.base import StorageError
from server.storage.events import FrameSent, StoredChange, UnkeptChange, WaitingDelivered
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.hearing import Position
from server.storage.presence import GONE_MILLISECONDS

BEAT_SECONDS = 2.0
GONE_SECONDS = GONE_MILLISECONDS / 1000
KEPT_MILLISECONDS = 3600_000
"""Time for which events are kept. A server that falls so far behind was removed long before."""
KEPT_NEWS = 1000
"""Number of the latest events that are always kept, because a server verifies its position by them."""
PRUNED = 5000
"""Number of events that are deleted at once."""

ENTER = """
INSERT INTO node (id, beat, started_at, address, version) VALUES (?1, now_milliseconds(), now_milliseconds(), ?2, ?3)
"""
BEAT = """
UPDATE node SET beat = now_milliseconds(), longest_lock = ?3 WHERE id = ?1
RETURNING beat, (SELECT count(*) FROM node WHERE id <> ?1),
    (SELECT count(*) FROM node WHERE id <> ?1 AND beat < now_milliseconds() - ?2)
"""
PRUNE = f"""
DELETE FROM news WHERE seq IN (
    SELECT seq FROM (SELECT seq, at FROM news ORDER BY seq LIMIT ?1) AS oldest
    WHERE at < ?2 AND seq <= (SELECT news FROM room) - {KEPT_NEWS}
)
"""  # noqa: S608 - constants

FORGET_TEXTS = f"""
UPDATE news SET body = '' WHERE seq > (SELECT news FROM room) - {KEPT_NEWS} AND at < ? AND body <> ''
AND kind IN (
    '{StoredChange.__name__}', '{UnkeptChange.__name__}', '{WaitingDelivered.__name__}', '{FrameSent.__name__}'
)
"""  # noqa: S608 - constants
"""Erases texts from events that are kept for longer: these only mark a position, and no server needs the texts."""

MISSED = "this server was away for so long that events are missing"


class FencedError(StorageError):
    """The other servers have removed this one, or the database lacks events that it needs; it has to restart."""


class Entered(NamedTuple):
    """A server that has entered the room, and the position at which it starts reading events."""

    node: str
    position: Position
    last_message: int


def enter(connection: PostgresConnection) -> Entered:
    """Add this server to those of the room. Raises psycopg.Error."""
    node = secrets.token_hex(6)
    with connection.raw.transaction():
        message, number = connection.execute("SELECT message, news FROM room FOR UPDATE").fetchone()
        row = connection.execute("SELECT at FROM news WHERE seq = ?", (number,)).fetchone()
        connection.execute(ENTER, (node, socket.gethostname(), VERSION))
    return Entered(node, Position(number, row[0] if row else 0), message)


def check_history(connection: PostgresConnection, epoch: str, position: Position) -> None:
    """Raise FencedError if a restore or failover lost what this server knows, or events that it missed are deleted."""
    query = "SELECT epoch, news, (SELECT at FROM news WHERE seq = ?) FROM room"
    present, number, at = connection.execute(query, (position.number,)).fetchone()
    if present != epoch or number < position.number or (position.at and at not in {None, position.at}):
        # A new epoch, unless another server has set one: the numbers will be assigned to other messages.
        connection.execute("UPDATE room SET epoch = ? WHERE epoch = ?", (secrets.token_hex(8), epoch))
        raise FencedError("the database lost what this server had stored, or was replaced")
    if position.at and at is None:
        raise FencedError(MISSED)


class Beat(NamedTuple):
    """The time of the database, the number of other servers, and how many of these are silent."""

    now: int
    others: int
    silent: int


def beat(connection: PostgresConnection, node: str, longest_lock: float = 0.0) -> Beat:
    """Record a heartbeat, with the longest time for which this server locked the room. Raises FencedError."""
    row = connection.execute(BEAT, (node, GONE_MILLISECONDS, round(longest_lock * 1000))).fetchone()
    if row is None:
        raise FencedError("the other servers have removed this one")
    return Beat(*row)


class Steadiness:
    """Measures the current run of successful heartbeats. After an outage, other servers need time to resume, too."""

    def __init__(self) -> None:
        self._since: float | None = None

    def succeed(self, at: float) -> bool:
        """Record a heartbeat; return whether every other running server must have sent one during this run."""
        self._since = at if self._since is None else self._since
        return at - self._since >= GONE_SECONDS

    def fail(self) -> None:
        """End the run: the connection was lost."""
        self._since = None


def prune(connection: PostgresConnection, now: int) -> bool:
    """Delete a batch of events that every server has received; return whether there may be more."""
    connection.execute(FORGET_TEXTS, (now - KEPT_MILLISECONDS,))
    return connection.execute(PRUNE, (PRUNED, now - KEPT_MILLISECONDS)).rowcount == PRUNED


class SharedClock:
    """The time of the database, computed from this machine's monotonic clock and the database's last answer."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._learned_at = 0.0

    def learn(self, now: int) -> None:
        """Set the clock to the time of the database, in milliseconds."""
        self._learned_at = time.monotonic()
        self._offset = now - self._learned_at * 1000

    def now(self) -> int:
        """Return the time in milliseconds."""
        return int(time.monotonic() * 1000 + self._offset)

    @property
    def age(self) -> float:
        """Seconds since the database answered last."""
        return time.monotonic() - self._learned_at
