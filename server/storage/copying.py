"""Copies a room from one database to another, of the same or another kind, and verifies that their content is equal."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from server.storage.base import StorageError
from server.storage.sql import SqlConnection, Value

BATCH = 500
"""Number of rows in memory at once."""

TOGETHER = 50
"""Number of rows in one INSERT, which is far cheaper than an INSERT for each. SQLite accepts at least 999 values."""

TABLES = {
    "message": ("id",),
    "message_version": ("msg_id", "number"),
    "withheld": ("id",),
    "reaction": ("msg_id", "identity", "emoji"),
    # Before the deliveries, which refer to it.
    "trail": ("seq",),
    "report": ("id",),
    "delivery": ("id",),
    "attempt": ("id",),
    "webhook": ("name",),
    "person": ("identity",),
    "held_name": ("identity", "name"),
    "member": ("identity",),
    "login_key": ("identity",),
    "hidden": ("identity", "other"),
    "site_block": ("identity", "other"),
    "read_marker": ("identity", "place"),
    "ban": ("key",),
}
"""All tables with the content of a room, each with the columns of its key; `Numbering` has the rest."""

Row = tuple[Value, ...]


class Numbering(NamedTuple):
    """The IDs and counters of a room."""

    epoch: str
    server: str
    id_key: str
    message: int
    """The last number assigned to a message, even if that message is deleted."""
    trail: int
    changes: int
    """See the table message_changes."""


class Content(NamedTuple):
    """A summary of a table's content; equal for equal rows in any order."""

    table: str
    rows: int
    digest: int


def copy(source: SqlConnection, target: SqlConnection) -> Iterator[Content]:
    """Copy all tables, within a transaction of each database; yield a summary of each table. Raises StorageError."""
    for table in TABLES:
        columns = _columns(source, table)
        if _columns(target, table) != columns:
            raise StorageError(
                f"table {table} has different columns in the two databases; upgrade both to one version of Flagpost"
            )
        copied = _content(source, table, partial(_insert, target, table, columns))
        if _content(target, table) != copied:
            raise StorageError(f"table {table} differs in the copy; run `doctor` on both databases")
        yield copied


def contents(connection: SqlConnection) -> Iterator[Content]:
    """Yield a summary of each table. Raises StorageError for a value that cannot be copied."""
    return (_content(connection, table) for table in TABLES)


def _content(
    connection: SqlConnection, table: str, each: Callable[[Sequence[Row]], object] = lambda _rows: None
) -> Content:
    """Return a summary of a table, and pass its rows to `each`, in batches."""
    count = digest = 0
    for batch in _batches(connection, table, _columns(connection, table)):
        for row in batch:
            encoded = msgspec.json.encode(row)
            if rb"\u0000" in encoded:
                _check_zeros(connection, table, row)
            digest += int.from_bytes(hashlib.sha256(encoded).digest(), "big")
        each(batch)
        count += len(batch)
    return Content(table, count, digest)


def _insert(target: SqlConnection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    marks = f"({', '.join('?' * len(columns))})"
    for start in range(0, len(rows), TOGETHER):
        part = rows[start : start + TOGETHER]
        values = ", ".join([marks] * len(part))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}"  # noqa: S608 - names of the schema
        target.execute(insert, [value for row in part for value in row])


def _batches(connection: SqlConnection, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
    key = TABLES[table]
    names, order = ", ".join(columns), ", ".join(key)
    query = f"SELECT {names} FROM {table} {{}} ORDER BY {order} LIMIT {BATCH}"  # noqa: S608 - names of the schema
    batch = connection.execute(query.format("")).fetchall()
    following = query.format(f"WHERE ({order}) > ({', '.join('?' * len(key))})")
    while batch:
        yield batch
        batch = connection.execute(following, batch[-1][: len(key)]).fetchall()


def _columns(connection: SqlConnection, table: str) -> list[str]:
    """Return the columns, those of the key first."""
    found = connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()  # noqa: S608 - a name of the schema
    key = TABLES[table]
    return [*key, *sorted({str(name) for name, *_ in found} - set(key))]


def _check_zeros(connection: SqlConnection, table: str, row: Row) -> None:
    """Raise StorageError if a text has a character that PostgreSQL cannot store."""
    columns = _columns(connection, table)
    where = " AND ".join(f"{name} = {_literal(part)}" for name, part in zip(TABLES[table], row, strict=False))
    for column, value in zip(columns, row, strict=True):
        if isinstance(value, str) and "\0" in value:
            raise StorageError(
                f"column {column} of table {table} has the character U+0000, which PostgreSQL cannot store, where"
                f" {where}; remove it first, see docs/cluster.md"
            )


def _literal(value: Value) -> str:
    if not isinstance(value, str):
        return str(value)
    quoted = value.replace("'", "''")
    return " || char(0) || ".join(f"'{part}'" for part in quoted.split("\0"))
