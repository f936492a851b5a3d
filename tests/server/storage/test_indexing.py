"""The search index behind the commits: nothing is missed meanwhile, and nothing erased is left in the file."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from operator import methodcaller
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.protocol.mentions import mentions
from server.rules.messages import EVERYWHERE, MessageDraft, Person
from server.rules.search import Query, fold, mentioning, query
from server.storage import edits, indexing, messages, personal_data, retention, schema, searches
from server.storage import sqlite_database as database_module
from server.storage.base import Reader, Search
from server.storage.broker import Broker
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

ALICE, BOB = Person("alice", "a-1"), Person("bob", "b-1")
READER = Reader(ALICE, ["lobby", "tea"])
TEXTS = [
    "rope",
    "a Rope light",
    "light, rope",
    "ana nan ban",
    "one BANANA",
    "zwei ÄPFEL",
    "Alice, look",
    "malice",
    "ro",
]
SECRET = "ꙮꙮꙮ"
"""A single token of the index, which shares no letters with others, so that it is in the file as it is."""
DEADLINE = 30.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[SqliteConnection]:
    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as made:
        schema.prepare(made)
        yield made


def say(connection: SqliteConnection, text: str, author: Person = ALICE, at: int = 1) -> int:
    """Store a message in the lobby, and return its number."""
    return messages.insert(MessageDraft(author, "lobby", None, text, None), at, connection).publication.msg_id


def indexed_up_to(connection: SqliteConnection) -> int:
    """Return the number up to which messages are in the index."""
    return int(connection.execute("SELECT up_to FROM search_index").fetchone()[0])


def found(connection: SqliteConnection, wanted: Query, channel: str = "") -> list[int]:
    """Return the numbers of all results, page by page as a client requests them."""
    numbers: list[int] = []
    before = 0
    while True:
        page, searched_to = searches.search(READER, Search(wanted, channel, before, 2), connection)
        numbers = [each.msg_id for each in page.publications] + numbers
        if not page.more and not searched_to:
            return numbers
        before = page.publications[0].msg_id if page.more else searched_to


class Stored(NamedTuple):
    """A message as a search without an index sees it."""

    author: Person
    channel: str
    peer: Person | None
    text: str
    at: int

    @property
    def place(self) -> str:
        return self.channel or ("@bob" if self.peer else "")


class Room:
    """A database file, and the messages that it should have."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.stored: dict[int, Stored] = {}
        self.now = 0
        self._open()

    def restart(self) -> None:
        """Open the file, like a server that starts after a crash."""
        self.close()
        self._open()

    def close(self) -> None:
        self.connection.close()

    def _open(self) -> None:
        self.now += DAY_MILLISECONDS
        self.connection = schema.connect(self._path)
        # Nothing here depends on the disk.
        self.connection.execute("PRAGMA synchronous = OFF")
        schema.prepare(self.connection)

    def say(self, text: str, author: Person, channel: str, *, direct: bool) -> None:
        peer = (BOB if author == ALICE else ALICE) if direct else None
        draft = MessageDraft(author, "" if peer else channel, peer, text, None)
        msg_id = messages.insert(draft, self.now, self.connection).publication.msg_id
        self.stored[msg_id] = Stored(author, draft.channel, peer, text, self.now)

    def edit(self, which: int, text: str) -> None:
        if msg_id := self._pick(which):
            edits.edit(msg_id, self.stored[msg_id].author, text, EVERYWHERE, self.now, self.connection)
            self.stored[msg_id] = self.stored[msg_id]._replace(text=text)

    def take_back(self, which: int) -> None:
        if msg_id := self._pick(which):
            messages.take_back(msg_id, self.stored.pop(msg_id).author, EVERYWHERE, self.now, self.connection)

    def index(self, steps: int) -> None:
        for _ in range(steps):
            indexing.step(self.connection)

    def sweep(self, days: int) -> None:
        """Delete messages that are older than this."""
        retention.sweep(self.connection, self.now, KeptDays(0, 30, messages=days))
        oldest = self.now - days * DAY_MILLISECONDS
        self.stored = {msg_id: each for msg_id, each in self.stored.items() if each.at >= oldest}

    def erase(self, person: Person) -> None:
        personal_data.erase(person.identity, self.now, self.connection)
        self.stored = {
            msg_id: each._replace(peer=None if each.peer == person else each.peer)
            for msg_id, each in self.stored.items()
            # The reader could no longer read what they received.
            if each.author != person and not person == each.peer == ALICE
        }

    def check(self) -> None:
        """Compare searches with a scan of every message."""
        for words in ("rope", '"rope light"', "banana", "äpfel", "ro", "light rope"):
            assert found(self.connection, query(words)) == self._with(*query(words).words)
        assert found(self.connection, query("from:bob rope")) == [
            each for each in self._with("rope") if self.stored[each].author == BOB
        ]
        for channel in ("tea", "@bob"):
            assert found(self.connection, query("rope"), channel) == [
                each for each in self._with("rope") if channel == self.stored[each].place
            ]
        assert found(self.connection, mentioning("alice", "")) == [
            number
            for number, each in sorted(self.stored.items())
            if each.author != ALICE and mentions(each.text, ["alice"])
        ]

    def _with(self, *words: str) -> list[int]:
        return [
            number for number, each in sorted(self.stored.items()) if all(word in fold(each.text) for word in words)
        ]

    def _pick(self, which: int) -> int | None:
        return sorted(self.stored)[which % len(self.stored)] if self.stored else None


def acts(method: str, **drawn: st.SearchStrategy[object]) -> st.SearchStrategy[Callable[[Room], None]]:
    """Draw calls of a method of a room."""
    return st.fixed_dictionaries(drawn).map(lambda values: methodcaller(method, **values))


TEXT, PERSON, WHICH = st.sampled_from(TEXTS), st.sampled_from([ALICE, BOB]), st.integers(0, 20)
SAYS = acts("say", text=TEXT, author=PERSON, channel=st.sampled_from(["lobby", "tea"]), direct=st.booleans())
ACTS = st.one_of(
    SAYS,
    SAYS,
    acts("edit", which=WHICH, text=TEXT),
    acts("take_back", which=WHICH),
    acts("index", steps=st.integers(1, 4)),
    acts("restart"),
    acts("sweep", days=st.integers(1, 3)),
    acts("erase", person=PERSON),
)


@settings(max_examples=25)
@given(st.lists(ACTS, min_size=5, max_size=25))
def test_search_finds_the_same_as_a_scan_of_every_message(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Callable[[Room], None]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # So that messages are often between commit and index, and searches often stop.
        patch.setattr(indexing, "BATCH", 3)
        patch.setattr(searches, "MAX_SCANNED", 3)
        with closing(Room(str(tmp_path_factory.mktemp("room") / "room.sqlite"))) as room:
            for act in drawn:
                act(room)
            room.check()
            room.index(len(drawn))
            room.check()


def test_step_indexes_a_batch_and_says_whether_there_is_more(connection: SqliteConnection) -> None:
    connection.execute("BEGIN")
    for _ in range(indexing.BATCH + 1):
        say(connection, "rope")
    connection.execute("COMMIT")
    assert indexing.step(connection)
    assert indexed_up_to(connection) == indexing.BATCH
    assert indexing.finish(connection)
    assert indexed_up_to(connection) == indexing.BATCH + 1
    assert not indexing.step(connection)


def delete(connection: SqliteConnection, msg_id: int) -> None:
    """Delete a message, and then its evidence."""
    messages.take_back(msg_id, ALICE, EVERYWHERE, 1, connection)
    retention.sweep(connection, 3 * DAY_MILLISECONDS, KeptDays(1, 30))


def edit_and_delete(connection: SqliteConnection, msg_id: int) -> None:
    """Replace the text, and then delete the message with its versions."""
    edits.edit(msg_id, ALICE, "kind words", EVERYWHERE, 1, connection)
    delete(connection, msg_id)


def expire(connection: SqliteConnection, msg_id: int) -> None:
    """Delete messages after MessageDays."""
    assert msg_id
    retention.sweep(connection, 3 * DAY_MILLISECONDS, KeptDays(1, 30, messages=1))


def erase(connection: SqliteConnection, msg_id: int) -> None:
    """Erase the author."""
    assert msg_id
    personal_data.erase(ALICE.identity, 1, connection)


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "behind the index"])
@pytest.mark.parametrize("remove", [delete, edit_and_delete, expire, erase])
def test_no_part_of_an_erased_text_is_left_in_the_files(
    tmp_path: Path, remove: Callable[[SqliteConnection, int], None], *, indexed: bool
) -> None:
    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection:
        schema.prepare(connection)
        for _ in range(3):
            say(connection, "of others", BOB, at=3 * DAY_MILLISECONDS)
        msg_id = say(connection, SECRET)
        say(connection, "the rest", BOB, at=3 * DAY_MILLISECONDS)
        if indexed:
            assert indexing.finish(connection)
        assert traces(tmp_path)
        remove(connection, msg_id)
        assert traces(tmp_path)
        assert indexing.finish(connection)
        assert not traces(tmp_path)
        assert len(found(connection, query("others"))) == 3
        connection.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")


def test_index_is_not_merged_for_texts_that_it_does_not_have(connection: SqliteConnection) -> None:
    assert indexing.finish(connection)
    direct = MessageDraft(ALICE, "", BOB, SECRET, None)
    unsearchable = messages.insert(direct, 1, connection, searchable=False).publication.msg_id
    assert indexing.finish(connection)
    behind = say(connection, SECRET)
    messages.delete([unsearchable, behind], connection)
    assert connection.execute("SELECT traces FROM search_index").fetchone() == (indexing.Traces.IN_LOG,)


def traces(directory: Path) -> bool:
    """Return whether the secret is in a file of the database."""
    return any(fold(SECRET).encode() in file.read_bytes() for file in directory.iterdir())


def test_files_keep_traces_while_somebody_reads_an_earlier_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "READER_SECONDS", 0.0)
    with (
        closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection,
        closing(schema.connect(str(tmp_path / "room.sqlite"))) as reader,
    ):
        schema.prepare(connection)
        msg_id = say(connection, SECRET)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM message").fetchall()
        delete(connection, msg_id)
        assert not indexing.finish(connection)
        assert traces(tmp_path)
        reader.execute("COMMIT")
        assert indexing.finish(connection)
        assert not traces(tmp_path)


async def until(done: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(DEADLINE):
        while not done():
            await asyncio.sleep(0.01)


async def test_writer_indexes_after_many_writes_when_idle_and_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "room.sqlite")
    with closing(schema.connect(path)) as crashed:
        schema.prepare(crashed)
        left = say(crashed, "rope")
    with closing(schema.connect(path)) as other:
        # While messages come, the index follows after many writes.
        monkeypatch.setattr(database_module, "IDLE_SECONDS", DEADLINE)
        database = SqliteDatabase(path)
        broker = Broker(database)
        draft = MessageDraft(ALICE, "lobby", None, "rope", None)
        await broker.publish(draft)
        assert indexed_up_to(other) == 0
        search = Search(query("rope"), "", 0, 500)
        assert [each.msg_id for each in (await broker.search(READER, search)).page.publications] == [left, left + 1]
        await asyncio.gather(*(broker.publish(draft) for _ in range(2 * database_module.INDEX_EVERY)))
        await until(lambda: indexed_up_to(other) > database_module.INDEX_EVERY)
        await database.close()
        # While none come, it follows soon; also at the start.
        monkeypatch.setattr(database_module, "IDLE_SECONDS", 0.0)
        database = SqliteDatabase(path)
        await until(lambda: indexed_up_to(other) == 2 * database_module.INDEX_EVERY + 2)
        await Broker(database).publish(draft)
        await until(lambda: indexed_up_to(other) == 2 * database_module.INDEX_EVERY + 3)
        await database.close()


async def test_messages_are_stored_and_read_while_the_index_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_module, "IDLE_SECONDS", 0.0)
    path = str(tmp_path / "room.sqlite")
    with closing(schema.connect(path)) as other:
        schema.prepare(other)
        other.execute("DROP TABLE message_text")
    database = SqliteDatabase(path)
    broker = Broker(database)
    assert (await broker.publish(MessageDraft(ALICE, "lobby", None, "rope", None))).fresh
    await until(lambda: "the search index cannot be updated" in caplog.text)
    assert (await broker.publish(MessageDraft(ALICE, "lobby", None, "rope", None))).fresh
    await database.close()
