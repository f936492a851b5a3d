"""Which prepared statements a connection keeps."""

from collections.abc import Iterator

import pytest

from server.storage.postgres.connecting import connect
from server.storage.postgres.connection import PostgresConnection


@pytest.fixture
def connection(url: str) -> Iterator[PostgresConnection]:
    """An open connection."""
    connection = connect(url, {})
    yield connection
    connection.raw.close()


def prepared(connection: PostgresConnection) -> set[str]:
    """Return the names of the prepared statements."""
    return {name for (name,) in connection.raw.execute("SELECT name FROM pg_prepared_statements")}


def test_snapshot_keeps_prepared_statements(connection: PostgresConnection) -> None:
    connection.execute("SELECT ?", (1,))
    connection.call("SELECT 2", [])
    before = prepared(connection)
    with connection.snapshot():
        connection.execute("SELECT ?", (1,))
    assert len(before) == 2
    assert prepared(connection) >= before


@pytest.mark.parametrize("others", [True, False], ids=["among others", "alone"])
def test_statement_is_prepared_again_after_a_rollback(connection: PostgresConnection, others: bool) -> None:
    for _ in range(3):
        if others:
            connection.execute("SELECT ?", (1,))
        assert connection.call("SELECT 2", []) == [[b"2"]]
        connection.raw.execute("BEGIN")
        connection.roll_back()


def test_statement_is_prepared_again_after_a_snapshot_that_failed(connection: PostgresConnection) -> None:
    for _ in range(3):
        connection.execute("SELECT ?", (1,))
        assert connection.call("SELECT 2", []) == [[b"2"]]
        with pytest.raises(ZeroDivisionError), connection.snapshot():
            raise ZeroDivisionError
