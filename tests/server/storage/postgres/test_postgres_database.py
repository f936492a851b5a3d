"""Several servers on one PostgreSQL: one order of events, and failures that lose and repeat nothing."""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

from server.protocol.codes import ErrorCode
from server.rules.messages import Person, Publication
from server.rules.refusal import Refusal
from server.storage.base import Published, StorageError
from server.storage.events import FrameSent, NodeGone, PersonLeft, UnkeptChange
from server.storage.postgres import database, membership, tail
from server.storage.postgres.connecting import FIRST_PAUSE, connect
from server.storage.postgres.database import PostgresDatabase
from server.storage.postgres.membership import FencedError
from server.storage.sql import SqlConnection, touch
from tests.support.cutting_proxy import Cut, cutting_proxy
from tests.support.postgres import SharedPostgres
from tests.support.postgres_database import ANN, saying, servers, until


async def test_all_servers_receive_the_same_events_in_the_order_of_their_numbers(url: str) -> None:
    async with servers(url, url) as (one, other):
        published = await asyncio.gather(*[(one, other)[number % 2].say(f"message {number}") for number in range(250)])
        numbers = {each.publication.text: each.publication.msg_id for each in published}
        await until(lambda: len(one.heard) == len(other.heard) == 250)
        assert one.heard == other.heard == sorted(numbers, key=numbers.__getitem__)
        assert sorted(numbers.values()) == list(range(1, 251))


async def test_write_completes_after_its_events_are_received(url: str) -> None:
    async with servers(url, url) as (one, other):
        await one.say("first")
        assert one.heard == ["first"]
        await other.say("second")
        assert other.heard == ["first", "second"]


async def test_a_test_write_changes_nothing(url: str) -> None:
    async with servers(url, url) as (one, other):
        await one.database.write(touch)
        await other.say("first")
        await until(lambda: one.heard == other.heard == ["first"])


async def test_failing_write_does_not_affect_others(url: str) -> None:
    def broken(connection: SqlConnection) -> NoReturn:
        connection.execute("SELECT 1 / 0")
        raise AssertionError("not reached")

    async with servers(url) as (one,):
        results = await asyncio.gather(
            one.say("before"), one.database.write(broken), one.say("nul \0"), one.say("after"), return_exceptions=True
        )
        assert [isinstance(result, Published) for result in results] == [True, False, False, True]
        assert "division by zero" in str(results[1])
        assert "NUL" in str(results[2])
        assert await one.texts() == one.heard == ["before", "after"]


async def test_refusal_reaches_only_its_caller(url: str) -> None:
    def refused(connection: SqlConnection) -> NoReturn:
        connection.announce(PersonLeft(ANN, 0))
        raise Refusal(ErrorCode.BAD_MESSAGE, "no")

    async with servers(url) as (one,):
        results = await asyncio.gather(one.say("before"), one.database.write(refused), return_exceptions=True)
        assert isinstance(results[0], Published)
        assert isinstance(results[1], Refusal)
        assert one.heard == ["before"]


@pytest.mark.parametrize("nonce", [None, "n"])
@pytest.mark.parametrize("cut", Cut)
async def test_commit_without_an_answer_is_stored_once(cut: Cut, nonce: str | None, url: str, tmp_path: Path) -> None:
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied, url) as (one, other):
            proxy.arm(cut)
            batch = [one.say(f"{number}", nonce and f"{nonce}{number}") for number in range(5)]
            published = await asyncio.gather(*batch)
            assert proxy.cuts == 1
            assert [each.fresh for each in published] == [True] * 5
            assert await other.texts() == one.heard == ["0", "1", "2", "3", "4"]
            await until(lambda: other.heard == one.heard)


async def test_lost_connections_are_opened_again(url: str, postgres: SharedPostgres) -> None:
    async with servers(url, url) as (one, other):
        with psycopg.connect(postgres.url, autocommit=True) as administrator:
            for turn in range(3):
                batch = [one.say(f"{turn} {number}") for number in range(20)]
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename ="
                    " (SELECT usename FROM pg_stat_activity WHERE usename LIKE %s LIMIT 1)",
                    (url.partition("//")[2].partition("@")[0],),
                )
                await asyncio.gather(*batch)
        assert await other.texts() == one.heard == [f"{turn} {number}" for turn in range(3) for number in range(20)]
        await until(lambda: other.heard == one.heard)


async def test_writes_fail_with_advice_once_the_database_is_unavailable_for_too_long(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.postgres.writer.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("server.storage.postgres.reader.PATIENCE_SECONDS", 0.1)
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied) as (one,):
            proxy.close()
            with pytest.raises(StorageError, match="check that PostgreSQL runs"):
                await one.say("lost")
            with pytest.raises(StorageError, match="check that PostgreSQL runs"):
                await one.texts()


async def test_removed_server_answers_nothing_and_logs_its_removal_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with servers(url, url) as (one, other):
        await other.database.write(lambda connection: remove(connection, one.database.node))
        waiting = [one.say("too late"), one.say("too late")]
        await until(lambda: one.losses)
        await until(lambda: not one.database._writer.is_alive() and not one.database._tail.is_alive())
        await asyncio.sleep(0)
        assert one.losses == 1
        assert not any(future.done() for future in waiting)
        assert await other.texts() == []
        health = one.database.health()
        assert health.fenced
    removals = [record.levelno for record in caplog.records if "no longer belongs to the room" in record.message]
    assert removals == [logging.CRITICAL]


def remove(connection: SqlConnection, node: str) -> None:
    connection.execute("DELETE FROM node WHERE id = ?", (node,))


async def test_silent_server_is_removed_by_the_others(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(membership, "GONE_SECONDS", 0.2)
    async with servers(url) as (one,):
        gone: list[NodeGone] = []
        one.database.hear(NodeGone, gone.extend)
        await one.database.write(
            lambda connection: connection.execute("INSERT INTO node (id, beat) VALUES ('ghost', ?)", (0,)).rowcount
        )
        await until(lambda: gone)
        assert gone == [NodeGone("ghost")]


def test_other_servers_have_time_for_a_heartbeat_after_an_outage() -> None:
    steadiness, gone = membership.Steadiness(), membership.GONE_SECONDS
    assert not steadiness.succeed(100)
    assert steadiness.succeed(100 + gone)
    steadiness.fail()
    assert not steadiness.succeed(200)
    assert not steadiness.succeed(199 + gone)
    assert steadiness.succeed(200 + gone)


async def test_server_that_knows_more_than_the_database_begins_a_new_history(
    url: str, postgres: SharedPostgres, tmp_path: Path
) -> None:
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied) as (one,):
            await one.say("first")
            await one.say("lost by the failover")
            epoch = one.database.room.epoch
            with psycopg.connect(url, autocommit=True) as standby:
                standby.execute("UPDATE room SET message = 1, news = 1")
                standby.execute("DELETE FROM news WHERE seq = 2")
                standby.execute("DELETE FROM message WHERE id = 2")
            proxy.cut_all()
            await until(lambda: one.losses)
            assert one.losses == 1
        async with servers(url) as (again,):
            assert again.database.room.epoch != epoch
            assert again.database.room.last_message == 1


async def test_event_of_a_newer_version_is_skipped(url: str, caplog: pytest.LogCaptureFixture) -> None:
    item = '[{"kind": "FromTheFuture", "ref": 0, "body": "[1]"}]'
    async with servers(url, url) as (one, other):
        newer = PostgresDatabase(url)
        await newer.write(
            lambda connection: connection.execute(
                "SELECT store_news(?, ?, ?)", (newer.node, connection.now, item)
            ).fetchone()
        )
        await other.say("known")
        await until(lambda: one.heard == other.heard == ["known"])
        await newer.close()
    assert "newer version" in caplog.text


@pytest.mark.parametrize("kept", [1, 0])
async def test_old_news_is_deleted_except_the_latest(kept: int, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "PRUNE", membership.PRUNE.replace(str(membership.KEPT_NEWS), str(kept)))
    async with servers(url) as (one,):
        for text in ("first", "second"):
            await one.say(text)
        epoch, position = one.database.room.epoch, one.database._hearing.position
        connection = connect(url, {})
        assert not membership.prune(connection, one.database.now() + 2 * membership.KEPT_MILLISECONDS)
        left = [number for (number,) in connection.execute("SELECT seq FROM news").fetchall()]
        assert left == [2][:kept]
        if kept:
            membership.check_history(connection, epoch, position)
        else:
            # It cannot know what it missed, but the numbers still stand for the same messages.
            with pytest.raises(FencedError, match="events are missing"):
                membership.check_history(connection, epoch, position)
        assert connection.execute("SELECT epoch FROM room").fetchone() == (epoch,)
        connection.raw.close()


async def test_texts_of_messages_are_removed_from_the_news_after_an_hour(url: str) -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    psst = UnkeptChange(Publication(1, at, ANN, "", Person("bob", "b-1"), "psst", None))

    def announce(connection: SqlConnection) -> None:
        connection.announce(psst)
        connection.announce(FrameSent("ann-id", '{"message":"psst"}', "node"))
        connection.announce(PersonLeft(ANN, 1))

    async with servers(url, url) as (one, other):
        await one.database.write(announce)
        connection = connect(url, {})
        query = "SELECT body FROM news ORDER BY seq"
        *texts, left_body = [body for (body,) in connection.execute(query).fetchall()]
        assert ["psst" in text for text in texts] == [True, True]
        membership.prune(connection, one.database.now() + membership.KEPT_MILLISECONDS + 1000)
        assert connection.execute(query).fetchall() == [("",), ("",), (left_body,)]
        connection.raw.close()
        await one.say("after")
        await until(lambda: other.heard == ["after"])


def test_postgresql_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.postgres.connecting.MINIMUM_VERSION", 99)
    with pytest.raises(StorageError, match=r"PostgreSQL \d+ is too old; use version 99 or newer"):
        connect(url, {})


def test_database_in_another_encoding_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.postgres.connecting.ENCODING", "UTF16")
    with pytest.raises(StorageError, match=r"its encoding is UTF8, .*; create another database with --encoding UTF8"):
        connect(url, {})


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ("CREATE TABLE room (number bigint)", "its table room is not Flagpost's; name a database"),
        ("CREATE TABLE room (schema bigint, schema_min bigint)", "the room has no row; restore the database"),
        ("CREATE TABLE message (number bigint)", r"it is not empty \(relation \"message\" already exists\); name a"),
        ("REVOKE CREATE ON SCHEMA {schema} FROM {schema}", "permission denied .*; make this user the owner"),
    ],
)
async def test_unusable_database_is_explained(found: str, problem: str, url: str, postgres: SharedPostgres) -> None:
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute(found.format(schema=administrator.info.user).encode())
    with pytest.raises(StorageError, match=problem):
        PostgresDatabase(url)


async def test_missing_extension_says_what_to_run(postgres: SharedPostgres) -> None:
    with postgres.schema() as url, postgres.database() as empty:
        role = url.partition("//")[2].partition("@")[0]
        with psycopg.connect(empty, autocommit=True) as administrator:
            administrator.execute(f"CREATE SCHEMA own AUTHORIZATION {role}".encode())
        place = empty.replace("//flagpost@", f"//{role}@") + "&options=-csearch_path%3Down"
        with pytest.raises(StorageError, match="have the owner of the database run: CREATE EXTENSION pg_trgm"):
            PostgresDatabase(place)


async def test_server_that_missed_news_is_removed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with servers(url, url) as (one, other):
        for text in ("first", "second"):
            await one.say(text)
        await until(lambda: len(other.heard) == 2)
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute("UPDATE room SET news = 3")
            administrator.execute("INSERT INTO news (seq, kind, at) VALUES (4, 'StoredChange', now_milliseconds())")
        await until(lambda: one.losses and other.losses)


async def test_event_announced_aside_reaches_all_servers(url: str) -> None:
    async with servers(url, url) as (one, other):
        left: list[PersonLeft] = []
        one.database.hear(PersonLeft, left.extend)
        other.database.hear(PersonLeft, left.extend)
        # As if it had noticed the other one at its last heartbeat.
        one.database._tail.others = 1
        one.database.announce_aside(PersonLeft(ANN, 5))
        assert left == [PersonLeft(ANN, 5)]
        await until(lambda: len(left) == 2)
        assert left == [PersonLeft(ANN, 5)] * 2


async def test_time_is_that_of_the_database(url: str) -> None:
    async with servers(url) as (one,):
        (now,) = await one.database.read(lambda connection: connection.execute("SELECT now_milliseconds()").fetchone())
        assert abs(one.database.now() - now) < 10_000
        published = await one.say("now")
        assert abs(published.publication.at.timestamp() * 1000 - now) < 30_000


async def test_write_waits_for_the_lock_and_fails_with_advice(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database.WRITING, "lock_timeout", "50ms")
    with psycopg.connect(url) as holder:
        async with servers(url) as (one,):
            holder.execute("SELECT FROM room FOR UPDATE")
            future = one.database.write(saying("patient"))
            await until(lambda: one.database._writer.link._pause > FIRST_PAUSE)
            holder.rollback()
            await future
            assert one.heard == ["patient"]
            holder.execute("SELECT FROM room FOR UPDATE")
            monkeypatch.setattr("server.storage.postgres.writer.PATIENCE_SECONDS", 0.0)
            with pytest.raises(StorageError, match="another server holds the lock of the room; run `doctor`"):
                await one.say("impatient")
