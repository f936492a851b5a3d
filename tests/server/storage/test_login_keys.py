"""Keys of people without data are deleted after a while; all others are kept."""

from contextlib import closing

import pytest

from server.protocol.proof import LoginKeys
from server.storage import login_keys, retention, schema
from server.storage.retention import KeptDays
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection

DAY = retention.DAY_MILLISECONDS
KEYS = LoginKeys(b"s" * 32, b"k" * 32)
LONG_AGO, NOW = 0, (retention.KEY_DAYS + 1) * DAY
MESSAGE = (
    "INSERT INTO message (at, author, author_identity, channel, author_key, peer, peer_identity, peer_key, text, nonce)"
    " VALUES (0, 'ada', ?, 'lobby', 'ada', ?, ?, ?, 'hi', ?)"
)


def sweep(connection: SqlConnection) -> None:
    """Sweep until nothing is left to do."""
    while retention.sweep(connection, NOW, KeptDays(1000, 1000)):
        pass


def leave(what: str, connection: SqlConnection) -> None:
    """Store something that belongs to Ada."""
    statements: dict[str, tuple[str, tuple[str | None, ...]]] = {
        "message": (MESSAGE, ("ada", None, None, None, "n-1")),
        "message without nonce": (MESSAGE, ("ada", None, None, None, None)),
        "message to them": (MESSAGE, ("bob", "ada", "ada", "ada", "n-1")),
        "relation": ("INSERT INTO hidden (identity, other, other_name, blocked) VALUES ('ada', 'bob', 'bob', 1)", ()),
        "report": (
            "INSERT INTO report (id, seq, reporter, reporter_identity, msg_id, status)"
            " VALUES ('r', 1, 'ada', 'ada', 1, 'received')",
            (),
        ),
    }
    connection.execute(*statements[what])


def test_keys_of_people_without_data_are_deleted_after_a_while(connection: SqlConnection) -> None:
    login_keys.add("ada", KEYS, LONG_AGO, connection)
    login_keys.add("bob", KEYS, NOW - DAY, connection)
    login_keys.add("carol", KEYS, LONG_AGO, connection)
    login_keys.seen("carol", NOW - DAY, connection)
    sweep(connection)
    assert [login_keys.find(name, connection) for name in ("ada", "bob", "carol")] == [None, KEYS, KEYS]


@pytest.mark.parametrize("what", ["message", "message without nonce", "message to them", "relation", "report"])
def test_keys_of_people_with_data_are_never_deleted(connection: SqlConnection, what: str) -> None:
    login_keys.add("ada", KEYS, LONG_AGO, connection)
    leave(what, connection)
    sweep(connection)
    assert login_keys.find("ada", connection) == KEYS


def test_each_key_is_examined_once(connection: SqlConnection) -> None:
    for number in range(25):
        login_keys.add(f"{number}", KEYS, LONG_AGO, connection)
        if number % 2:
            connection.execute(MESSAGE, (f"{number}", None, None, None, None))
    assert [login_keys.sweep(connection, NOW, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert [number for number in range(25) if login_keys.find(f"{number}", connection)] == list(range(1, 25, 2))


def test_sqlite_server_id_survives_a_restart(sqlite: SqliteConnection) -> None:
    first = schema.prepare(sqlite).server
    assert len(first) == 32
    assert schema.prepare(sqlite).server == first
    with closing(schema.connect(":memory:")) as other:
        assert schema.prepare(other).server != first
