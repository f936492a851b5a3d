"""Frequent queries find their rows by an index, whatever PostgreSQL knew about the tables when it planned them.

Rows are counted by PostgreSQL itself, which also counts what happens within functions.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from server.rules.messages import NONCE_MILLISECONDS, MessageDraft, Person
from server.rules.search import query
from server.storage import (
    edits,
    history,
    leases,
    message_rows,
    messages,
    people,
    read_markers,
    report_rows,
    reports,
    retention,
    searches,
)
from server.storage.base import Reader, Search
from server.storage.leases import Claim
from server.storage.outbox import Attempt
from server.storage.postgres import news
from server.storage.postgres.connecting import connect
from server.storage.postgres.connection import PostgresConnection
from server.storage.reports import Submission
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from tests.support.empty_room import PostgresRoom
from tests.support.postgres import SharedPostgres
from tests.support.stored_reports import FAILED, TERMS, evidence

Work = Callable[[PostgresConnection], object]

MANY = 4000
"""Rows of each large table."""
FEW = 300
"""Rows that a query may read of one: a few pages, but no scan."""
LARGE = ("message", "trail", "delivery", "report", "attempt", "news")
NOW = 1_000 * DAY_MILLISECONDS
ALICE, BOB = Person("alice", "i-7"), Person("bob", "i-8")
READER = Reader(ALICE, ["lobby", "tea"])

FILL = f"""
INSERT INTO message (id, at, author, author_identity, channel, author_key, peer, peer_identity, peer_key, text, nonce,
    folded, taken_back_at, reacted_at, edited_at)
SELECT n, {NOW} - {MANY} + n, 'user' || n % 50, 'i-' || n % 50,
    CASE n % 4 WHEN 0 THEN '' WHEN 1 THEN 'tea' ELSE 'lobby' END,
    'user' || n % 50, CASE n % 4 WHEN 0 THEN 'user' || n % 49 END, CASE n % 4 WHEN 0 THEN 'i-' || n % 49 END,
    CASE n % 4 WHEN 0 THEN 'user' || n % 49 END, 'message ' || n, 'n-' || n, 'message ' || n,
    CASE n % 500 WHEN 1 THEN n END, CASE n % 500 WHEN 2 THEN n END, CASE n % 500 WHEN 3 THEN n END
FROM generate_series(1, {MANY}) AS n;
INSERT INTO news (seq, kind, ref, at) SELECT n, 'StoredChange', n, {NOW} FROM generate_series(1, {MANY}) AS n;
INSERT INTO trail (seq, report_id, at, content, hash)
SELECT n, 'rep_' || n, {NOW} - {DAY_MILLISECONDS}, '{{}}', '' FROM generate_series(1, {MANY}) AS n;
INSERT INTO report (id, seq, reporter, reporter_identity, msg_id, status)
SELECT 'rep_' || n, n, 'user', 'i-' || n % 500, n, 'delivered' FROM generate_series(1, {MANY}) AS n;
INSERT INTO delivery (id, seq, report_id, webhook, state, due, changed_at)
SELECT 'msg_' || n, n, 'rep_' || n, 'report', CASE n % 200 WHEN 0 THEN 'waiting' ELSE 'delivered' END, n, n
FROM generate_series(1, {MANY}) AS n;
INSERT INTO attempt (id, delivery_id, at, milliseconds, answer, error)
SELECT n, 'msg_' || n, {NOW}, 1, '', '' FROM generate_series(1, {MANY}) AS n;
UPDATE room SET message = {MANY}, trail = {MANY}, news = {MANY}, names_changed = 0
"""


def said(nonce: str, connection: PostgresConnection) -> object:
    return messages.insert(MessageDraft(ALICE, "lobby", None, "message 7", nonce), NOW, connection)


def published(connection: PostgresConnection) -> object:
    """Publish as a server does, by one call."""
    draft = {"author": "a", "author_identity": "i-7", "channel": "lobby", "text": "hi", "nonce": "new"}
    drafts = json.dumps([{**draft, "author_key": "a", "folded": "hi"}])
    connection.execute("INSERT INTO node (id, beat) VALUES ('n', 0)")
    query = "SELECT * FROM publish('n', '1', ?, ?, ?)"
    return connection.execute(query, (NOW, NONCE_MILLISECONDS, drafts)).fetchall()


def attempted(connection: PostgresConnection) -> None:
    claim = Claim("msg_200", 200, "rep_200", "report", 1, "one")
    leases.renew(connection, claim)
    reports.record_attempt(claim, Attempt(NOW, 3, FAILED), 0.0, connection)


FREQUENT: dict[str, Work] = {
    "a page of a channel": partial(history.page, READER, history.IN_CHANNEL, ("lobby",), 0, 50),
    "an earlier page": partial(history.page, READER, history.IN_CHANNEL, ("tea",), MANY // 2, 50),
    "a conversation": partial(history.conversation, READER, "user7", 0, 50),
    "messages missed": partial(history.missed, READER, MANY - 60, 0, 50),
    "messages by number": partial(message_rows.find_all, [5, 6, 3999]),
    "deletions": partial(history.taken_back, READER, MANY, 500),
    "reactions": partial(history.reacted, READER, MANY, 500),
    "edits": partial(edits.edited, READER, MANY, 500),
    "a new message": partial(said, "new"),
    "a resent message": partial(said, "n-7"),
    "messages published": published,
    "the tail": lambda connection: connection.execute(news.READ, (MANY - 20, 500)).fetchall(),
    "a login": partial(people.store_joined, ALICE, NOW),
    "places": partial(read_markers.places, READER, MANY),
    "a search": partial(searches.search, READER, Search(query("sage 3999"), "", 0, 50)),
    "when the next delivery is due": lambda connection: leases.next_due(connection, "report", ["msg_200"]),
    "claimed deliveries": lambda connection: leases.claim(connection, "report", "one", 4, ["msg_200"]),
    "a failed attempt": attempted,
    "a person's reports": partial(report_rows.sent_by, "i-7", 100, "report"),
    "a new report": partial(reports.submit, TERMS, Submission(ALICE, evidence(9999), "new", add=False)),
    "what expired": lambda connection: retention.sweep(connection, NOW, KeptDays(30, 30)),
}

Counts = dict[str, tuple[int, int]]
"""For each table its sequential scans, and the rows that were read."""


def counted(work: Work, connection: PostgresConnection) -> Counts:
    """Do this in a transaction, and roll it back."""
    connection.raw.execute("BEGIN")
    connection.begin(NOW)
    before = counts(connection)
    work(connection)
    after = counts(connection)
    connection.raw.execute("ROLLBACK")
    read = {table: (scans - before[table][0], rows - before[table][1]) for table, (scans, rows) in after.items()}
    return {table: each for table, each in read.items() if each != (0, 0)}


def counts(connection: PostgresConnection) -> Counts:
    """Return what was read since PostgreSQL last published its statistics."""
    query = (
        "SELECT relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE schemaname = current_schema()"
    )
    return {name: (scans, rows) for name, scans, rows in connection.raw.execute(query) if name in LARGE}


def analyse(connection: PostgresConnection) -> None:
    """Collect statistics of the tables of this room; other tests may drop theirs meanwhile."""
    tables = connection.raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    connection.raw.execute(f"ANALYZE {', '.join(name for (name,) in tables)}".encode())


@pytest.fixture(scope="module")
def measured(postgres: SharedPostgres) -> Iterator[dict[tuple[str, str], Counts]]:
    """The reads of each query, by what was known when it was planned: only that a table is empty, nothing, or all."""
    found: dict[tuple[str, str], Counts] = {}
    with postgres.schema() as url:
        room = PostgresRoom(url)
        for table in LARGE:
            room.connection.raw.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
        for work in FREQUENT.values():
            counted(work, room.connection)
        room.connection.raw.execute(FILL.encode())
        for known in ("empty", "nothing", "analysed"):
            connection = room.connection if known == "empty" else connect(url, {})
            if known == "analysed":
                analyse(connection)
            for name, work in FREQUENT.items():
                found[known, name] = counted(work, connection)
            connection.raw.close()
        yield found


@pytest.mark.parametrize("known", ["empty", "nothing", "analysed"])
@pytest.mark.parametrize("name", FREQUENT)
def test_rows_are_found_by_an_index(measured: dict[tuple[str, str], Counts], known: str, name: str) -> None:
    assert {table: rows for table, (scans, rows) in measured[known, name].items() if scans or rows > FEW} == {}


def test_every_query_reads_rows(measured: dict[tuple[str, str], Counts]) -> None:
    """A query that reads nothing would prove nothing."""
    assert {name for (_, name), counts in measured.items() if not counts} == {"a new message", "messages published"}
