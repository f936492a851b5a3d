"""Fills every table of a room with rows that hold what is hard to copy."""

from itertools import count
from random import Random

from server.storage.copying import TABLES
from server.storage.sql import Value
from server.storage.sqlite_connection import SqliteConnection
from tests.support.empty_room import in_memory
from tests.support.stored_reports import ACCEPTED, BOB, FAILED, Desk

TEXTS = (
    "",
    "'",
    '"',
    "\\u0000",
    "\\",
    "%_",
    "a\r\nb\t",
    "\x01\x7f\x1b",
    "ÿ",
    "漢字",
    "e\u0301",
    "👩‍👩‍👧",
    "\uffff",
    "\U0010ffff",
)
NUMBERS = (0, 1, 2**31 - 1)
REPORTING = {"trail", "report", "delivery", "attempt", "webhook"}
"""Tables that agree with each other; their own functions fill them."""


def filled(seed: int, rows: int = 12) -> SqliteConnection:
    """Return a room in memory, with rows in every table."""
    connection = in_memory()
    random, desk = Random(seed), Desk(connection=connection)
    for msg_id in range(1, 5):
        report = desk.submit(msg_id)
    desk.submit(1, BOB)
    desk.withdraw(report.id)
    desk.try_next(ACCEPTED)
    desk.try_next(FAILED)
    for table in TABLES:
        if table not in REPORTING:
            _fill(connection, table, random, rows)
    connection.execute("UPDATE message_changes SET number = 41")
    # Later numbers were assigned, and their messages deleted.
    connection.execute("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = 'message'")
    return connection


def _fill(connection: SqliteConnection, table: str, random: Random, rows: int) -> None:
    columns = connection.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,)).fetchall()
    numbers = count(random.randrange(1, 1000))
    for _ in range(rows):
        unique = next(numbers)
        row = [_value(random, kind, unique if key else None, optional=not need) for _, kind, need, key in columns]
        names, marks = ", ".join(name for name, *_ in columns), ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def _value(random: Random, kind: str, unique: int | None, *, optional: bool) -> Value:
    if kind == "INTEGER":
        return unique if unique is not None else random.choice([None, *NUMBERS] if optional else NUMBERS)
    text = random.choice(TEXTS) + ("" if unique is None else str(unique))
    if kind == "BLOB":
        return text.encode() + bytes(range(256))
    return random.choice([None, text]) if optional and unique is None else text
