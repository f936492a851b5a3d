"""A room moves to PostgreSQL and back, and nothing of it changes."""

from pathlib import Path

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


def content(url: str) -> tuple[list[Content], Numbering]:
    """Return what a room holds."""
    store = PostgresStore(url)
    with store.transaction() as connection:
        return list(copying.contents(connection)), store.numbering(connection)


def is_empty(url: str) -> bool:
    """Return whether a room could be copied there."""
    with PostgresStore(url).created() as connection:
        return not any(each.rows for each in copying.contents(connection))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_room_is_the_same_in_postgresql_and_back(url: str, tmp_path: Path, seed: int) -> None:
    source, back = written(tmp_path / "room.sqlite", seed), tmp_path / "back.sqlite"
    before = source.read_bytes()
    migrate(str(source), url)
    said = migrate(url, str(back))
    assert held(back) == content(url) == held(source)
    assert source.read_bytes() == before
    assert "The trail of " in said


def test_a_backup_is_the_room_in_a_file_with_an_epoch_of_its_own(url: str, tmp_path: Path) -> None:
    source = written(tmp_path / "room.sqlite", 3)
    migrate(str(source), url)
    assert "12 messages" in backup(open_store(url), tmp_path / "backup.sqlite")
    rows, numbering = held(tmp_path / "backup.sqlite")
    assert (rows, numbering._replace(epoch=held(source)[1].epoch)) == held(source)
    assert numbering.epoch != held(source)[1].epoch


def test_a_migration_that_fails_leaves_the_target_empty(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "room.sqlite", 1)
    with monkeypatch.context() as patched:
        patched.setattr(PostgresStore, "renumber", lambda *_: None)
        with pytest.raises(CommandError, match="differs from the source"):
            migrate(str(source), url)
    assert "stop the server and run" in rehearse(str(source), url)
    assert is_empty(url)
    migrate(str(source), url)
    with pytest.raises(StorageError, match="table message has rows; name an empty database"):
        migrate(str(source), url)


def test_servers_of_the_room_are_named(url: str, tmp_path: Path) -> None:
    source = written(tmp_path / "room.sqlite", 1)
    migrate(str(source), url)
    with PostgresStore(url).transaction(write=True) as connection:
        connection.execute("INSERT INTO node (id, beat, address) VALUES ('one', ?, 'chat-1')", (connection.now,))
    with pytest.raises(StorageError, match="used by servers on chat-1; stop them"):
        migrate(url, str(tmp_path / "back.sqlite"))
    assert not (tmp_path / "back.sqlite").exists()
    with PostgresStore(url).transaction(write=True) as connection:
        connection.execute("UPDATE node SET beat = beat - 9000")
    migrate(url, str(tmp_path / "back.sqlite"))


def test_a_snapshot_does_not_move_while_others_write(url: str, tmp_path: Path) -> None:
    migrate(str(written(tmp_path / "room.sqlite", 1)), url)
    store = PostgresStore(url)
    with store.transaction() as connection:
        before = trail.verify(connection)
        with store.transaction(write=True) as other:
            other.execute("DELETE FROM trail")
        assert trail.verify(connection) == before


def fail_half_way(url: str) -> None:
    """Fail after a write."""
    with PostgresStore(url).transaction(write=True) as connection:
        connection.execute("DELETE FROM webhook")
        raise CommandError


def test_a_command_that_fails_leaves_nothing(url: str, tmp_path: Path) -> None:
    migrate(str(written(tmp_path / "room.sqlite", 1)), url)
    before = content(url)
    with pytest.raises(CommandError):
        fail_half_way(url)
    assert content(url) == before
