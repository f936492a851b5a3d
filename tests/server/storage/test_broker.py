"""Messages in a database: numbered, committed in groups, and readable by the right people."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.protocol.codes import ErrorCode
from server.rules.messages import EVERYWHERE, MessageDraft, Person, Publication
from server.rules.refusal import Refusal
from server.storage.base import Page, Published, Reader
from server.storage.broker import Broker
from server.storage.events import MessageChange
from server.storage.pending import MAX_COMMIT
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.empty_room import EmptyRoom, SqliteRoom
from tests.support.write_ahead_log import commits

ON_A_FILE = pytest.mark.parametrize("empty_room", ["sqlite"], indirect=True)
AT = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
ALICE, BOB, CAROL = Person("alice", "a-1"), Person("bob", "b-1"), Person("carol", "c-1")


@asynccontextmanager
async def opened(room: EmptyRoom) -> AsyncIterator[Broker]:
    """Open a broker on the same room each time, with a constant clock."""
    database = room.open(lambda: AT)
    try:
        yield Broker(database)
    finally:
        await database.close()


@pytest.fixture
async def broker(empty_room: EmptyRoom) -> AsyncIterator[Broker]:
    async with opened(empty_room) as one:
        yield one


def said(text: str, author: Person = ALICE, channel: str = "lobby", nonce: str | None = None) -> MessageDraft:
    """Return a message to a channel."""
    return MessageDraft(author, channel, None, text, nonce)


def whispered(text: str, author: Person, peer: Person, nonce: str | None = None) -> MessageDraft:
    """Return a direct message."""
    return MessageDraft(author, "", peer, text, nonce)


async def publish(broker: Broker, *drafts: MessageDraft) -> list[Published]:
    """Publish all in one turn of the loop, and wait for them."""
    return await asyncio.gather(*[broker.publish(draft) for draft in drafts])


def texts(page: Page | Sequence[Publication]) -> list[str]:
    """Return the texts of a page, in order."""
    return [one.text for one in (page.publications if isinstance(page, Page) else page)]


async def test_messages_are_delivered_once_in_the_order_of_their_numbers(broker: Broker) -> None:
    heard: list[Publication] = []
    broker.subscribe(lambda news: heard.extend(one.publication for one in news))
    await publish(broker, *[said(str(number)) for number in range(2500)])
    assert texts(heard) == [str(number) for number in range(2500)]
    assert [one.msg_id for one in heard] == list(range(1, 2501))


@ON_A_FILE
async def test_sqlite_message_is_stored_before_it_is_delivered(broker: Broker, tmp_path: Path) -> None:
    stored: list[int] = []

    def look(_: Sequence[MessageChange]) -> None:
        with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as other:
            stored.extend(other.execute("SELECT count(*) FROM message").fetchone())

    broker.subscribe(look)
    await publish(broker, said("hello"))
    assert stored == [1]


async def test_a_message_is_confirmed_after_it_was_delivered(broker: Broker) -> None:
    events: list[str] = []
    broker.subscribe(lambda _: events.append("handed out"))
    await broker.publish(said("hello"))
    events.append("confirmed")
    assert events == ["handed out", "confirmed"]


async def test_a_message_is_read_as_it_was_confirmed(broker: Broker) -> None:
    for draft in (said("a\x01b 🦊\n*c*", nonce="n-1"), whispered("psst", BOB, ALICE)):
        published = await broker.publish(draft)
        sent = draft.author, draft.channel, draft.peer, draft.text, draft.nonce
        assert published.fresh
        assert [published.publication] == await broker.find_all([published.publication.msg_id])
        assert published.publication == Publication(published.publication.msg_id, AT, *sent)


async def test_an_unknown_number_finds_no_message(broker: Broker) -> None:
    await publish(broker, said("hello"))
    assert await broker.find_all([2]) == []
    assert await broker.find_all([2**63 - 1]) == []


@ON_A_FILE
async def test_sqlite_messages_of_one_turn_are_stored_in_as_few_commits_as_possible(
    broker: Broker, tmp_path: Path
) -> None:
    before = commits(tmp_path / "room.sqlite")
    await publish(broker, *[said(str(number)) for number in range(2 * MAX_COMMIT)])
    assert commits(tmp_path / "room.sqlite") - before == 2


@ON_A_FILE
async def test_sqlite_single_messages_are_committed_one_by_one(broker: Broker, tmp_path: Path) -> None:
    before = commits(tmp_path / "room.sqlite")
    for number in range(10):
        await broker.publish(said(str(number)))
    assert commits(tmp_path / "room.sqlite") - before == 10


async def test_writes_that_can_wait_share_a_commit_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    order: list[str] = []
    database = SqliteDatabase(str(tmp_path / "soon.sqlite"), committed=lambda size, _: sizes.append(size))
    await database.write_soon(lambda _: order.append("alone"))
    monkeypatch.setattr("server.storage.pending.SOON_SECONDS", 600.0)
    for name in ("first", "second"):
        database.write_soon(partial(_note, order, name))
        await asyncio.sleep(0)
    await database.write(partial(_note, order, "at once"))
    waiting = database.write_soon(partial(_note, order, "at the end"))
    await database.close()
    await waiting
    assert (order, sizes) == (["alone", "first", "second", "at once", "at the end"], [1, 3, 1])


def _note(order: list[str], name: str, _connection: SqlConnection) -> None:
    order.append(name)


async def test_a_nonce_counts_once_per_author(broker: Broker) -> None:
    heard: list[Publication] = []
    broker.subscribe(lambda news: heard.extend(one.publication for one in news))
    first, again, other = await publish(
        broker, said("hello", nonce="n-1"), said("hello", nonce="n-1"), said("me too", BOB, nonce="n-1")
    )
    assert [first.fresh, again.fresh, other.fresh] == [True, False, True]
    assert again.publication == first.publication
    assert texts(heard) == ["hello", "me too"]
    later = await broker.publish(said("hello", nonce="n-1"))
    assert later == again


OTHERS = [said("bye", nonce="n"), said("hello", channel="tea", nonce="n"), whispered("hello", ALICE, BOB, "n")]


@pytest.mark.parametrize("other", OTHERS)
async def test_a_nonce_is_unique_for_messages_for_a_day(empty_room: EmptyRoom, other: MessageDraft) -> None:
    now = AT
    database = empty_room.open(lambda: now)
    broker = Broker(database)
    first = await broker.publish(said("hello", nonce="n"))
    with pytest.raises(Refusal) as refused:
        await broker.publish(other)
    assert refused.value.code == ErrorCode.NONCE_USED
    now += timedelta(hours=24) - timedelta(milliseconds=1)
    assert (await broker.publish(said("hello", nonce="n"))) == replace(first, fresh=False)
    now += timedelta(milliseconds=1)
    assert (await broker.publish(other)).fresh
    with pytest.raises(Refusal):
        await broker.publish(said("hello", nonce="n"))
    await database.close()


async def test_a_nonce_of_a_deleted_message_still_counts_as_used(broker: Broker) -> None:
    first = await broker.publish(said("hello", nonce="n-1"))
    await broker.take_back(first.publication.msg_id, ALICE, EVERYWHERE)
    again = await broker.publish(said("hello", nonce="n-1"))
    assert (again.fresh, again.publication.taken_back) == (False, True)


async def test_messages_without_a_nonce_never_count_as_resent(broker: Broker) -> None:
    await publish(broker, said("hello"), said("hello"))
    assert texts(await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 0, 10)) == ["hello", "hello"]


async def test_history_is_read_page_by_page_from_the_newest(broker: Broker) -> None:
    await publish(broker, *[said(str(number)) for number in range(1, 8)])
    pages = []
    before, more = 0, True
    while more:
        page = await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", before, 3)
        pages.append(texts(page))
        before, more = page.publications[0].msg_id, page.more
    assert pages == [["5", "6", "7"], ["2", "3", "4"], ["1"]]


async def test_a_page_that_is_exactly_full_reports_no_more(broker: Broker) -> None:
    await publish(broker, said("1"), said("2"))
    assert not (await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 0, 2)).more
    assert await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 1, 2) == Page([], more=False)


async def test_the_history_of_a_channel_has_no_other_messages(broker: Broker) -> None:
    await publish(broker, said("one"), said("two", channel="tea"), whispered("psst", ALICE, BOB))
    assert texts(await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 0, 10)) == ["one"]
    assert texts(await broker.history(Reader(ALICE, ["lobby", "tea"]), "", 0, 10)) == []


async def test_both_people_can_read_a_conversation(broker: Broker) -> None:
    await publish(
        broker, whispered("1", ALICE, BOB), whispered("2", BOB, ALICE), whispered("x", BOB, CAROL), said("lobby")
    )
    assert texts(await broker.history(Reader(ALICE, ["lobby", "tea"]), "@bob", 0, 10)) == ["1", "2"]
    assert texts(await broker.history(Reader(BOB, ["lobby", "tea"]), "@alice", 0, 10)) == ["1", "2"]
    assert texts(await broker.history(Reader(CAROL, ["lobby", "tea"]), "@alice", 0, 10)) == []


async def test_the_next_holder_of_a_name_does_not_get_its_conversations(broker: Broker) -> None:
    await publish(broker, whispered("1", ALICE, BOB), whispered("2", BOB, ALICE))
    assert texts(await broker.history(Reader(Person("bob", "b-2"), ["lobby", "tea"]), "@alice", 0, 10)) == []


async def test_a_conversation_is_read_page_by_page(broker: Broker) -> None:
    await publish(
        broker, *[whispered(str(number), *((BOB, ALICE) if number % 2 else (ALICE, BOB))) for number in range(1, 8)]
    )
    newest = await broker.history(Reader(ALICE, ["lobby", "tea"]), "@bob", 0, 3)
    assert (texts(newest), newest.more) == (["5", "6", "7"], True)
    middle = await broker.history(Reader(ALICE, ["lobby", "tea"]), "@bob", 5, 3)
    assert (texts(middle), middle.more) == (["2", "3", "4"], True)
    oldest = await broker.history(Reader(ALICE, ["lobby", "tea"]), "@bob", 2, 3)
    assert (texts(oldest), oldest.more) == (["1"], False)


async def test_missed_messages_are_the_readable_ones_after_a_number(broker: Broker) -> None:
    await publish(
        broker,
        said("1"),
        said("2", channel="tea"),
        whispered("3", ALICE, BOB),
        whispered("4", BOB, CAROL),
        whispered("5", CAROL, ALICE),
    )
    assert texts(await broker.missed(Reader(ALICE, ["lobby", "tea"]), 1, 10)) == ["2", "3", "5"]
    assert texts(await broker.missed(Reader(CAROL, ["lobby", "tea"]), 0, 10)) == ["1", "2", "4", "5"]
    assert texts(await broker.missed(Reader(Person("bob", "b-2"), ["lobby", "tea"]), 0, 10)) == ["1", "2"]
    assert await broker.missed(Reader(ALICE, ["lobby", "tea"]), 5, 10) == Page([], more=False)


async def test_only_the_newest_of_many_missed_messages_are_returned_and_more_is_set(broker: Broker) -> None:
    await publish(broker, *[said(str(number)) for number in range(1, 6)])
    page = await broker.missed(Reader(ALICE, ["lobby", "tea"]), 1, 3)
    assert (texts(page), page.more) == (["3", "4", "5"], True)


async def test_epoch_numbers_and_nonces_survive_a_restart(empty_room: EmptyRoom) -> None:
    async with opened(empty_room) as broker:
        epoch = broker.epoch
        await publish(broker, said("1", nonce="n-1"), said("2"))
    async with opened(empty_room) as broker:
        assert broker.epoch == epoch
        again, third = await publish(broker, said("1", nonce="n-1"), said("3"))
        assert (again.publication.msg_id, again.fresh) == (1, False)
        assert third.publication.msg_id > 2
        assert texts(await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 0, 10)) == ["1", "2", "3"]


async def test_sqlite_another_file_has_another_epoch(tmp_path: Path) -> None:
    async with opened(SqliteRoom(tmp_path / "one")) as one, opened(SqliteRoom(tmp_path / "other")) as other:
        assert one.epoch != other.epoch


async def test_waiting_writes_are_stored_on_close(empty_room: EmptyRoom) -> None:
    async with opened(empty_room) as broker:
        waiting = [broker.publish(said(str(number))) for number in range(50)]
    assert all([(await one).fresh for one in waiting])
    async with opened(empty_room) as broker:
        assert len((await broker.history(Reader(ALICE, ["lobby", "tea"]), "lobby", 0, 100)).publications) == 50


async def test_a_cancelled_sender_does_not_stop_the_delivery(broker: Broker) -> None:
    heard: list[Publication] = []
    broker.subscribe(lambda news: heard.extend(one.publication for one in news))
    gone, stays = broker.publish(said("1")), broker.publish(said("2"))
    gone.cancel()
    await stays
    assert texts(heard) == ["1", "2"]
