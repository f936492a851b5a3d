"""The doctor's checks of a room in PostgreSQL: durability, clock, servers, and the lock that all writes need."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from server.operator import report_checks
from server.operator.finding import Finding, Grade
from server.operator.printing import span
from server.settings import Settings
from server.storage.base import StorageError
from server.storage.clock import milliseconds, utc_now
from server.storage.postgres import schema
from server.storage.postgres.store import PostgresStore
from server.storage.presence import SILENT_SECONDS
from server.storage.sql import SqlConnection

LONG_LOCK_MILLISECONDS = 1_000
NOTABLE_CLOCK_MILLISECONDS = 1_000
CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
CHARACTERS = "SELECT datctype FROM pg_database WHERE datname = current_database()"
NODES = """
SELECT address, id, version, now_milliseconds() - beat, now_milliseconds() - started_at, longest_lock, settings
FROM node ORDER BY address, started_at
"""
LOCK = """
SELECT pid, coalesce(host(client_addr), 'this machine'),
    (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint, coalesce(wait_event, '')
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = 'room'::regclass AND mode = 'RowShareLock' AND granted AND pid != pg_backend_pid()
    AND wait_event_type IS DISTINCT FROM 'Lock' AND xact_start IS NOT NULL
ORDER BY xact_start LIMIT 1
"""
"""Finds the client that has locked the row of the room: it has this lock on the table, and waits for no other lock."""


class Durability(NamedTuple):
    """Settings of the database that decide what survives which failure."""

    fsync: str
    full_page_writes: str
    synchronous_commit: str
    synchronous_standby_names: str
    standbys: int
    """The number of connected standbys, synchronous or not."""


class NodeRow(NamedTuple):
    """A server of the room; durations are in milliseconds."""

    address: str
    id: str
    version: str
    silent: int
    age: int
    longest_lock: int
    settings: str
    """Digests of its settings by name."""


def findings(settings: Settings) -> Iterator[Finding]:
    """Run all checks in order."""
    store = PostgresStore(settings.database)
    try:
        with store.connected() as connection:
            yield from _of_database(connection)
            problem = schema.misfit(connection.raw)
            yield from _of_lock(connection) if problem is None else ()
        if problem is not None:
            # A database without tables only waits for its first server.
            yield Finding(Grade.WARNING if "create the tables" in problem else Grade.BAD, f"database: {problem}")
            return
        store.check_writable()
        yield Finding(Grade.GOOD, f"database: up to date (schema {len(schema.STEPS)}) and writable")
        with store.transaction() as connection:
            yield from _of_nodes([NodeRow(*row) for row in connection.execute(NODES)])
            yield from report_checks.findings(settings, connection)
    except StorageError as error:
        problem = str(error).removeprefix("Database: ").removesuffix("; run `doctor` for details")
        yield Finding(Grade.BAD, f"database: {problem}")


def _of_database(connection: SqlConnection) -> Iterator[Finding]:
    (version,) = connection.execute("SELECT current_setting('server_version')").fetchone()
    yield Finding(Grade.GOOD, f"database: PostgreSQL {version} answers")
    (extension,) = connection.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
    if not extension:
        advice = "install PostgreSQL's contrib modules (Debian: part of postgresql)"
        yield Finding(Grade.BAD, f"database: the extension pg_trgm is not available; {advice}")
    yield from search(*connection.execute(CHARACTERS).fetchone())
    names = ", ".join(f"current_setting('{name}')" for name in Durability._fields[:-1])
    query = f"SELECT {names}, (SELECT count(*) FROM pg_stat_replication)"  # noqa: S608 - constants
    yield from durability(Durability(*connection.execute(query).fetchone()))
    before = milliseconds(utc_now())
    (now,) = connection.execute(CLOCK).fetchone()
    yield clock(now - (before + milliseconds(utc_now())) // 2)


def search(characters: str) -> Iterator[Finding]:
    """Warn if LC_CTYPE of the database prevents the search index from handling all letters."""
    if characters in {"C", "POSIX"}:
        problem = f"LC_CTYPE of the database is {characters}, so words with letters outside ASCII are searched slowly"
        yield Finding(Grade.WARNING, f"search: {problem}; create the database with LC_CTYPE 'C.UTF-8'")


def durability(found: Durability) -> Iterator[Finding]:
    """Judge what survives a crash of the database, or the loss of its machine."""
    for name in ("fsync", "full_page_writes"):
        if getattr(found, name) != "on":
            yield Finding(Grade.BAD, f"durability: {name} is off, so a crash can destroy the database; turn it on")
    if found.synchronous_commit in {"off", "local", "remote_write"}:
        grade = Grade.BAD if found.synchronous_commit == "off" else Grade.WARNING
        lost = "crash" if found.synchronous_commit == "off" else "failover"
        problem = f"synchronous_commit is {found.synchronous_commit}, so a {lost} loses the latest confirmed data"
        yield Finding(grade, f"durability: {problem}; set it to on for this user")
    elif found.fsync == "on":
        yield Finding(Grade.GOOD, "durability: confirmed data survives a crash of the database")
    if found.synchronous_standby_names and not found.standbys:
        problem = f"commits wait for {found.synchronous_standby_names}, and no standby is connected: nothing is stored"
        yield Finding(Grade.BAD, f"standby: {problem} until you start one")
    elif found.synchronous_standby_names:
        yield Finding(Grade.GOOD, f"standby: commits wait for {found.synchronous_standby_names}")
    else:
        problem = "no synchronous standby, so the latest confirmed data is lost with the database's machine"
        yield Finding(Grade.WARNING, f"standby: {problem}, unless its disk is replicated; see docs/cluster.md")


def clock(ahead: int) -> Finding:
    """Judge how far the database's clock is ahead of this machine's, in milliseconds."""
    if abs(ahead) < NOTABLE_CLOCK_MILLISECONDS:
        return Finding(Grade.GOOD, "clock: this machine and the database agree")
    apart = f"this machine's clock is {span(abs(ahead))} {'behind' if ahead > 0 else 'ahead of'} the database's"
    return Finding(Grade.WARNING, f"clock: {apart}; synchronise them, because signatures and the log depend on it")


def _of_nodes(rows: Sequence[NodeRow]) -> Iterator[Finding]:
    if not rows:
        yield Finding(Grade.WARNING, "servers: none is using this room")
    yield from map(node, rows)
    versions = [version for version, _ in groupby(sorted(row.version for row in rows))]
    if len(versions) > 1:
        yield Finding(Grade.WARNING, f"servers: different versions: {', '.join(versions)}; finish the upgrade")
    if len({row.settings for row in rows}) > 1:
        yield Finding(
            Grade.WARNING, "servers: their settings differ; the log of the one that started last names the keys"
        )


def node(row: NodeRow) -> Finding:
    """Judge a server of the room."""
    said = (
        f"server {row.address} ({row.id}): {row.version}, up for {span(row.age)}, last heartbeat {span(row.silent)} ago"
    )
    if row.silent > SILENT_SECONDS * 1000:
        return Finding(Grade.WARNING, f"{said}; it has stopped, or cannot reach the database: see its log")
    said += f", longest recent lock of the room {row.longest_lock} ms"
    if row.longest_lock > LONG_LOCK_MILLISECONDS:
        return Finding(Grade.WARNING, f"{said}, while all others waited; check its machine and network")
    return Finding(Grade.GOOD, said)


def _of_lock(connection: SqlConnection) -> Iterator[Finding]:
    found = connection.execute(LOCK).fetchone()
    if not found or found[2] <= LONG_LOCK_MILLISECONDS:
        yield Finding(Grade.GOOD, "lock: no client locks the room for long")
        return
    process, where, held, waits_for = found
    problem = f"process {process} of the database, for {where}, has locked the room for {span(held)}"
    advice = f"all writes wait for it: end it with pg_terminate_backend({process})"
    if waits_for == "SyncRep":
        # Ending it would acknowledge the commit without the standby.
        advice = "it waits for the synchronous standby: start the standby, and do not end the process"
    yield Finding(Grade.BAD, f"lock: {problem}; {advice}")
