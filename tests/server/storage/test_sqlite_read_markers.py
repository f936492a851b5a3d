"""The list of conversations in a SQLite file: by its indices, and after an upgrade."""

from pathlib import Path

from server.storage import schema
from server.storage.sqlite_connection import SqliteConnection
from tests.server.storage.test_read_markers import ALICE, BOB, places, say


def test_sqlite_uses_indexes_and_does_not_scan_all_messages(sqlite: SqliteConnection) -> None:
    """Counted in steps of SQLite's machine, for a reader of few among very many messages."""
    say(sqlite, BOB, ALICE)
    columns = "at, author, author_identity, channel, author_key, peer, peer_identity, peer_key, text"
    rows = [
        *[("Bob", "b-1", "elsewhere", "bob", None, None, None)] * 5000,
        *[("Bob", "b-1", "", "bob", "alice", "a-1", "alice")] * 5000,
        *[("Bob", "b-1", "", "bob", "carol", "c-1", "carol")] * 5000,
        *[("Bob", "b-1", "lobby", "bob", None, None, None)] * 5000,
    ]
    sqlite.execute("BEGIN")
    insert = f"INSERT INTO message ({columns}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, '')"
    sqlite.executemany(insert, rows)
    sqlite.execute("COMMIT")
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    sqlite.set_progress_handler(step, 100)
    assert len(places(sqlite)) == 2
    assert steps * 100 < 20_000


def test_sqlite_upgraded_file_has_only_messages_unread_that_arrived_while_away(tmp_path: Path) -> None:
    connection = schema.connect(str(tmp_path / "old.sqlite"))
    step = schema.STEPS.index(schema.READ_MARKERS)
    connection.executescript(
        f"{''.join(schema.STEPS[:step])} PRAGMA user_version = {step}; INSERT INTO epoch VALUES('e')"
    )
    said = (
        "INSERT INTO message (at, author, author_identity, channel, text, author_key)"
        " VALUES (1, 'carol', 'c-1', 'lobby', 'hello', 'carol') RETURNING id"
    )
    numbers = [connection.execute(said).fetchone()[0] for _ in range(3)]
    insert = "INSERT INTO person (identity, name, seen_at, last_message) VALUES (?, ?, 1, ?)"
    connection.executemany(insert, [(*ALICE[::-1], numbers[0]), (*BOB[::-1], 0)])
    schema.prepare(connection)
    assert places(connection, ALICE) == {"lobby": (numbers[2], numbers[0], 2, 0)}
    assert places(connection, BOB) == {"lobby": (numbers[2], numbers[2], 0, 0)}
    connection.close()
