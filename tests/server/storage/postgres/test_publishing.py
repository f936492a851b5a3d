"""A database function stores new messages, with the same results as the shared SQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from server.rules.messages import MessageDraft, Person
from server.rules.refusal import Refusal
from server.storage.base import Published, StorageError
from server.storage.database import Database
from server.storage.events import StoredChange
from server.storage.postgres import database
from server.storage.postgres.connecting import FIRST_PAUSE
from server.storage.postgres.database import PostgresDatabase
from server.storage.sqlite_database import SqliteDatabase
from tests.support.cutting_proxy import Cut, cutting_proxy
from tests.support.postgres_database import servers, until

START = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
PEOPLE = Person("Ann", "ann-id"), Person("Bób", "bob-id")


class Clock:
    """A clock that the test sets."""

    now = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def batches(random: Random) -> list[list[MessageDraft]]:
    """Return drafts of two people that often have the nonce of an earlier one."""

    def draft() -> MessageDraft:
        peer = random.choice([None, None, *PEOPLE])
        nonce = random.choice([None, "1", "2", "3", "4"])
        return MessageDraft(random.choice(PEOPLE), "" if peer else "lobby", peer, random.choice("äb"), nonce)

    return [[draft() for _ in range(random.randint(1, 6))] for _ in range(40)]


async def results(database: Database, clock: Clock, drafts: Sequence[Sequence[MessageDraft]]) -> list[object]:
    """Publish batches, with half a day between them; return what callers and listeners got, and what is stored."""
    heard: list[StoredChange] = []
    database.hear(StoredChange, heard.extend)
    clock.now = START
    found: list[object] = []
    for batch in drafts:
        answers = await asyncio.gather(*map(database.publish, batch), return_exceptions=True)
        found.append([str(answer) if isinstance(answer, Refusal) else answer for answer in answers])
        clock.now += timedelta(hours=12)
    columns = "id, at, author, author_identity, channel, peer, peer_identity, text, nonce, author_key, peer_key, folded"
    query = f"SELECT {columns} FROM message ORDER BY id"
    found.append(await database.read(lambda connection: connection.execute(query).fetchall()))
    await database.close()
    return [*found, heard]


async def test_function_has_the_results_of_the_shared_sql(url: str, tmp_path: Path) -> None:
    drafts, clock = batches(Random(18)), Clock()
    expected = await results(SqliteDatabase(str(tmp_path / "room.sqlite"), clock=clock), clock, drafts)
    refused = [
        answer for batch in expected[:-2] if isinstance(batch, list) for answer in batch if isinstance(answer, str)
    ]
    assert refused
    assert await results(PostgresDatabase(url, clock=clock), clock, drafts) == expected


async def test_messages_without_an_answer_are_published_once(url: str, tmp_path: Path) -> None:
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied, url) as (one, other):
            await one.publish("old", "old")
            proxy.arm(Cut.AFTER_COMMIT)
            batch = [
                one.publish("a", "a"),
                one.publish("old", "old"),
                one.publish("b"),
                one.publish("a", "a"),
                one.publish("b"),
            ]
            published: list[Published] = await asyncio.gather(*batch)
            assert proxy.cuts == 1
            assert [(each.publication.msg_id, each.fresh) for each in published] == [
                (2, True),
                (1, False),
                (3, True),
                (2, False),
                (4, True),
            ]
            assert await other.texts() == one.heard == ["old", "a", "b", "b"]
            await until(lambda: other.heard == one.heard)


async def test_messages_that_did_not_arrive_are_published_once(url: str, tmp_path: Path) -> None:
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied, url) as (one, other):
            await one.publish("first")
            proxy.cut_all()
            await asyncio.gather(one.publish("second"), one.publish("third"))
            assert await other.texts() == one.heard == ["first", "second", "third"]


async def test_failing_message_does_not_affect_others(url: str) -> None:
    async with servers(url) as (one,):
        answers = await asyncio.gather(*map(one.publish, ["a", "\0", "b"]), return_exceptions=True)
        assert [isinstance(answer, Published) for answer in answers] == [True, False, True]
        assert await one.texts() == one.heard == ["a", "b"]


async def test_messages_are_stored_after_a_write_that_was_rolled_back(url: str) -> None:
    async with servers(url) as (one,):
        for text in ("a", "b", "c"):
            await one.publish(text)
            # Within its transaction; psycopg then deallocates all prepared statements.
            with pytest.raises(StorageError, match="NUL"):
                await one.say("\0")
        await one.publish("d")
        assert await one.texts() == one.heard == ["a", "b", "c", "d"]


async def test_messages_are_stored_after_another_write_waited_too_long_for_the_lock(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.WRITING, "lock_timeout", "50ms")
    with psycopg.connect(url) as holder:
        async with servers(url) as (one,):
            await one.publish("a")
            holder.execute("SELECT FROM room FOR UPDATE")
            waiting = one.say("b")
            await until(lambda: one.database._writer.link._pause > FIRST_PAUSE)
            holder.rollback()
            await waiting
            await one.publish("c")
            assert await one.texts() == one.heard == ["a", "b", "c"]


async def test_messages_and_other_writes_keep_their_order(url: str) -> None:
    async with servers(url, url) as (one, other):
        await asyncio.gather(*[(one.say, one.publish)[number // 3 % 2](str(number)) for number in range(30)])
        assert await one.texts() == one.heard == [str(number) for number in range(30)]
        await until(lambda: other.heard == one.heard)


async def test_new_message_is_received_as_it_was_whatever_happened_to_it_since(url: str) -> None:
    async with servers(url) as (one,):
        await one.publish("kept")
        published = await one.publish("deleted")
        await one.publish("gone")
        await one.database.write(
            lambda connection: connection.execute("UPDATE message SET taken_back_at = 5 WHERE id = 2").rowcount
        )
        await one.database.write(lambda connection: connection.execute("DELETE FROM message WHERE id = 3").rowcount)
        # As a server that is behind reads it.
        late = PostgresDatabase(url)
        heard: list[StoredChange] = []
        late.hear(StoredChange, heard.extend)
        late._hearing._position = late._hearing._position._replace(number=0)
        late._tail._must_read = True
        said = published.publication
        await late.publish(MessageDraft(said.author, said.channel, said.peer, "new", None))
        assert [change.publication.text for change in heard] == ["kept", "deleted", "new"]
        assert heard[1].publication == said
        await late.close()
