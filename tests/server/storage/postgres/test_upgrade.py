"""Servers of two versions share a room while one after the other is upgraded, or are refused with an explanation."""

import asyncio

import psycopg
import pytest

from server.storage.base import StorageError
from server.storage.postgres import schema
from server.storage.postgres.store import PostgresStore
from tests.support.postgres import SharedPostgres
from tests.support.postgres_database import servers, until

OLD = schema.STEPS
NEW = (
    *OLD,
    "ALTER TABLE message ADD COLUMN extra bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE person ADD COLUMN extra bigint NOT NULL DEFAULT 0;",
)
"""The tables of a later version, which has more columns."""

WHILE_OTHERS_WAIT = """
DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    -- Longer than their deadlock_timeout.
    PERFORM pg_sleep(0.1);
END $$;
ALTER TABLE room ADD COLUMN extra bigint NOT NULL DEFAULT 0;
"""


def upgrade(monkeypatch: pytest.MonkeyPatch, *, compatible: bool = True) -> None:
    """Let servers that start from now on be of the later version; `compatible`: older ones can use its tables."""
    monkeypatch.setattr(schema, "STEPS", NEW)
    if not compatible:
        monkeypatch.setattr(schema, "OLDEST", len(NEW))


async def test_an_older_server_keeps_running_while_a_newer_one_extends_the_tables(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(url) as (older,):
        await older.say("before")
        upgrade(monkeypatch)
        async with servers(url) as (newer,):
            await older.say("of the older")
            await newer.say("of the newer")
            await until(lambda: older.heard == ["before", "of the older", "of the newer"])
            assert newer.heard == ["of the older", "of the newer"]
            assert await older.texts() == await newer.texts() == older.heard
            assert not older.losses


async def test_older_servers_can_wait_for_the_room_while_a_newer_one_extends_its_table(
    url: str, postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = url.partition("//")[2].partition("@")[0]
    with psycopg.connect(postgres.url, autocommit=True) as administrator:
        administrator.execute(f"ALTER ROLE {role} SET deadlock_timeout = '10ms'".encode())
    async with servers(url) as (older,):
        await older.say("before")
        monkeypatch.setattr(schema, "STEPS", (*OLD, WHILE_OTHERS_WAIT))
        with PostgresStore(url).connected() as connection:
            upgrading = asyncio.create_task(asyncio.to_thread(schema.prepare, connection.raw))
            while not upgrading.done():
                await older.publish("meanwhile")
            await upgrading
        assert await older.texts() == older.heard


async def test_upgrade_that_has_to_wait_for_a_backup_gives_up_and_stops_nobody(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(url) as (older,):
        upgrade(monkeypatch)
        monkeypatch.setattr(schema, "LOCK_TIMEOUT", "50ms")
        with PostgresStore(url).connected() as backup, backup.raw.transaction():
            backup.execute("SELECT FROM room").fetchall()
            with pytest.raises(StorageError, match="lock timeout; another program uses the tables; start again once"):
                async with servers(url):
                    pass
            await older.publish("meanwhile")
        monkeypatch.setattr(schema, "LOCK_TIMEOUT", "30s")
        async with servers(url) as (newer,):
            assert await newer.texts() == ["meanwhile"]


async def test_an_older_server_starts_beside_newer_ones_as_long_as_it_can_use_the_tables(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(monkeypatch)
    async with servers(url) as (newer,):
        monkeypatch.setattr(schema, "STEPS", OLD)
        async with servers(url) as (older,):
            await older.say("of the older")
            await until(lambda: newer.heard == ["of the older"])
        with PostgresStore(url).transaction(write=True) as connection:
            connection.execute("UPDATE room SET schema_min = schema")
        with pytest.raises(StorageError, match=r"from a newer version of Flagpost \(schema \d+, not \d+\); use that"):
            async with servers(url):
                pass


async def test_a_newer_server_does_not_start_beside_older_ones_that_could_not_go_on(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(url) as (older,):
        await older.say("before")
        upgrade(monkeypatch, compatible=False)
        with pytest.raises(StorageError, match=r"servers of an older version, on .*, cannot use the tables of this"):
            async with servers(url):
                pass
        await older.say("after")
        assert await older.texts() == ["before", "after"]


async def test_an_older_server_that_wakes_up_beside_newer_tables_writes_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(url) as (older,):
        await older.say("before")
        upgrade(monkeypatch, compatible=False)
        with PostgresStore(url).connected() as connection, connection.raw.transaction():
            # As if it had been stopped for long.
            connection.execute("UPDATE node SET beat = 0")
            schema.prepare(connection.raw)
        unanswered = older.say("after")
        await until(lambda: older.losses)
        assert not unanswered.done()
        async with servers(url) as (newer,):
            assert await newer.texts() == ["before"]
