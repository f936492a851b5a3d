"""A room moves to PostgreSQL and back unchanged."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from server.operator.backup import backup
from server.operator.migrate import migrate, rehearse
from server.operator.printing import CommandError
from server.storage import copying, trail
from server.storage.base import StorageError
from server.storage.copying import Content, Numbering
from server.storage.opening import open_store
from server.storage.postgres.store import PostgresStore
from tests.server.operator.test_migrate import held, written
from tests.support.postgres import SharedPostgres


def content(url: str) -> tuple[list[Content], Numbering]:
    """Return the content of a room."""
    store = PostgresStore(url)
    with store.transaction() as connection:
        return list(copying.contents(connection)), store.numbering(connection)


def is_empty(url: str) -> bool:
    """Return whether a room could be copied there."""
    with PostgresStore(url).created() as connection:
        return not any(each.rows for each in copying.contents(connection))


class Moved(NamedTuple):
    """A room in a file, and its copy in PostgreSQL."""

    source: Path
    url: str


@pytest.fixture(scope="module")
def moved(postgres: SharedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Yield a room that was moved; tests leave it unchanged."""
    with postgres.schema() as url:
        source = written(tmp_path_factory.mktemp("moved") / "room.sqlite", 1)
        before = source.read_bytes()
        migrate(str(source), url)
        assert source.read_bytes() == before
        yield Moved(source, url)


def test_a_room_is_unchanged_after_a_migration_to_postgresql_and_back(moved: Moved, tmp_path: Path) -> None:
    assert "The trail of " in migrate(moved.url, str(tmp_path / "back.sqlite"))
    assert held(tmp_path / "back.sqlite") == content(moved.url) == held(moved.source)


def test_a_backup_is_a_file_with_the_room_and_its_own_epoch(moved: Moved, tmp_path: Path) -> None:
    assert "12 messages" in backup(open_store(moved.url), tmp_path / "backup.sqlite")
    rows, numbering = held(tmp_path / "backup.sqlite")
    epoch = held(moved.source)[1].epoch
    assert (rows, numbering._replace(epoch=epoch)) == held(moved.source)
    assert numbering.epoch != epoch


def test_a_migration_that_fails_leaves_the_target_empty(
    url: str, moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(PostgresStore, "renumber", lambda *_: None)
        with pytest.raises(CommandError, match="differs from the source"):
            migrate(str(moved.source), url)
    assert "stop the server and run" in rehearse(str(moved.source), url)
    assert is_empty(url)


def test_a_target_with_a_room_in_it_is_refused(moved: Moved) -> None:
    with pytest.raises(StorageError, match="table message has rows; name an empty database"):
        migrate(str(moved.source), moved.url)


def test_migration_is_refused_and_names_the_servers_that_use_the_room(moved: Moved, tmp_path: Path) -> None:
    store = PostgresStore(moved.url)
    with store.transaction(write=True) as connection:
        connection.execute("INSERT INTO node (id, beat, address) VALUES ('one', ?, 'chat-1')", (connection.now,))
    with pytest.raises(StorageError, match="used by servers on chat-1; stop them"):
        migrate(moved.url, str(tmp_path / "back.sqlite"))
    assert not (tmp_path / "back.sqlite").exists()
    with store.transaction(write=True) as connection:
        connection.execute("UPDATE node SET beat = beat - 9000")
    migrate(moved.url, str(tmp_path / "back.sqlite"))


def test_servers_of_an_empty_target_must_end_and_are_removed(moved: Moved, postgres: SharedPostgres) -> None:
    with postgres.schema() as url:
        with PostgresStore(url).created() as connection:
            connection.execute("INSERT INTO node (id, beat, address) VALUES ('one', ?, 'chat-1')", (connection.now,))
        with pytest.raises(StorageError, match="used by servers on chat-1; stop them"):
            migrate(str(moved.source), url)
        with PostgresStore(url).transaction(write=True) as connection:
            connection.execute("UPDATE node SET beat = beat - 9000")
        migrate(str(moved.source), url)
        with PostgresStore(url).transaction() as connection:
            assert connection.execute("SELECT count(*) FROM node").fetchone() == (0,)


def test_a_snapshot_does_not_change_while_others_write(moved: Moved) -> None:
    store = PostgresStore(moved.url)
    with store.transaction() as connection:
        before = trail.verify(connection)
        with store.transaction(write=True) as other:
            other.execute("UPDATE trail SET at = at + 1")
        assert trail.verify(connection) == before
    with store.transaction(write=True) as other:
        other.execute("UPDATE trail SET at = at - 1")


def fail_half_way(url: str) -> None:
    """Fail after a write."""
    with PostgresStore(url).transaction(write=True) as connection:
        connection.execute("DELETE FROM webhook")
        raise CommandError


def test_a_command_that_fails_changes_nothing(moved: Moved) -> None:
    before = content(moved.url)
    with pytest.raises(CommandError):
        fail_half_way(moved.url)
    assert content(moved.url) == before
