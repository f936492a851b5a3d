"""The cost of reads: turns, cancelled reads, and the bytes read for a page."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from server.protocol.frames import MAX_MESSAGE_CHARS
from server.rules.messages import MessageDraft, Person
from server.rules.search import query
from server.storage import history, messages, schema, searches
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page, Reader, Search, StorageError
from server.storage.database import Database
from server.storage.fair import QueueKey
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection
from tests.support.empty_room import Connection, EmptyRoom

MALLORY, ADA = QueueKey("203.0.113.9", "mallory"), QueueKey("198.51.100.7", "ada")
ALICE, BOB, CAROL = Person("alice", "a-1"), Person("bob", "b-1"), Person("carol", "c-1")
REACTIONS = 500
ROW_BYTES = 300
"""Size of names, channel and nonce of a message."""


@pytest.fixture
async def database(empty_room: EmptyRoom) -> AsyncIterator[Database]:
    database = empty_room.open()
    yield database
    await database.close()


class Scripted:
    """Reads that record when they are done; the first one waits until all others are queued."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gate = threading.Event()
        self.done: list[str] = []
        self._first = self._ask("first", QueueKey("first", "first"), self._gate.wait)

    def ask(self, name: str, key: QueueKey) -> "asyncio.Task[None]":
        """Queue a read."""
        return self._ask(name, key, lambda: None)

    async def finish(self) -> list[str]:
        """Let the reader continue; return what it did, in order."""
        self._gate.set()
        await self._first
        await self._database.read(lambda _: None, QueueKey("last", "last"))
        return self.done[1:]

    def _ask(self, name: str, key: QueueKey, before: Callable[[], object]) -> "asyncio.Task[None]":
        def work(_: SqlConnection) -> None:
            before()
            self.done.append(name)

        return asyncio.create_task(self._database.read(work, key))


async def test_256_reads_of_one_session_do_not_delay_the_login_of_another(database: Database) -> None:
    scripted = Scripted(database)
    history = [scripted.ask("history", MALLORY) for _ in range(256)]
    logins = [scripted.ask(f"login {number}", ADA) for number in range(3)]
    await asyncio.sleep(0)
    await scripted.finish()
    await asyncio.gather(*history, *logins)
    assert [name for name in scripted.done if name != "history"] == ["first", "login 0", "login 1", "login 2"]
    assert scripted.done.index("login 2") <= 7


async def test_a_cancelled_read_is_not_executed(database: Database) -> None:
    scripted = Scripted(database)
    gone = [scripted.ask("gone", MALLORY) for _ in range(100)]
    there = scripted.ask("there", ADA)
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    assert await scripted.finish() == ["there"]
    await there


async def test_a_failed_read_affects_only_its_caller(database: Database) -> None:
    with pytest.raises(StorageError, match="syntax error"):
        await database.read(lambda connection: connection.execute("SELEC 1"))
    with pytest.raises(ZeroDivisionError):
        await database.read(lambda _: 1 // 0)
    assert await database.read(lambda _: 1) == 1


async def test_a_closed_database_refuses_reads(empty_room: EmptyRoom) -> None:
    database = empty_room.open()
    late = asyncio.create_task(database.read(lambda _: 7))
    await asyncio.sleep(0)
    await database.close()
    assert await late == 7
    with pytest.raises(StorageError, match="closed"):
        await database.read(lambda _: 7)


class Fetched:
    """Counts the bytes of all texts returned by SQLite."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, data: bytes) -> str:
        """Count a text."""
        self.bytes += len(data)
        return data.decode()


def filled(path: Path, count: int, *, reactions: int = 0, direct: bool = False) -> SqliteConnection:
    """Return a room with this number of the longest messages, from Alice and Bob in turns."""
    connection = schema.connect(str(path))
    schema.prepare(connection)
    connection.execute("BEGIN")
    for number in range(count):
        author, peer = (ALICE, BOB) if number % 2 else (BOB, ALICE)
        # Digits, so that the index takes no time.
        text = f"rope {number} ".ljust(MAX_MESSAGE_CHARS, "7")
        draft = MessageDraft(author, "" if direct else "lobby", peer if direct else None, text, None)
        msg_id = messages.insert(draft, number, connection).publication.msg_id
        rows = [(msg_id, f"i-{each}", chr(0x1F600 + each % 20), f"name {each}", each) for each in range(reactions)]
        connection.executemany("INSERT INTO reaction (msg_id, identity, emoji, name, at) VALUES (?, ?, ?, ?, ?)", rows)
        if reactions:
            connection.execute("UPDATE message SET reacted_at = ? WHERE id = ?", (number, msg_id))
    connection.execute("COMMIT")
    return connection


READER = Reader(ALICE, ["lobby", "tea"])
Read = Callable[[SqlConnection], object]


def search_page(words: str, connection: SqlConnection) -> Page:
    """Return the page that a search finds."""
    return searches.search(READER, Search(query(words), "", 0, 100), connection).page


PAGES: dict[str, tuple[Read, bool, int]] = {
    "history": (partial(history.page, READER, history.IN_CHANNEL, ("lobby",), 0, 100), False, 1),
    "echo": (partial(history.missed, READER, 0, 0, 500), False, 1),
    "search": (partial(search_page, "rope"), False, 1),
    "search without index": (partial(search_page, "ro"), False, 1),
    "conversation": (partial(history.conversation, READER, "bob", 0, 100), True, 2),
    "kept": (partial(history.page, READER, history.RECEIVED_AFTER, (0, "a-1"), 0, 100), True, 1),
}
"""All ways to read messages, whether they are direct ones, and from how many pages they are combined."""


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("reactions", [0, REACTIONS])
def test_sqlite_no_page_fetches_more_than_fits_into_a_frame(kind: str, reactions: int, tmp_path: Path) -> None:
    read, direct, parts = PAGES[kind]
    with closing(filled(tmp_path / "room.sqlite", 110, reactions=reactions, direct=direct)) as connection:
        connection.text_factory = fetched = Fetched()
        page = read(connection)
        assert isinstance(page, Page)
        assert page.more
        longest = MAX_MESSAGE_CHARS + ROW_BYTES + reactions * len("name 100" + "👻" * 4)
        least = MAX_PAGE_BYTES // (parts * longest) - 2
        assert len(page.publications) >= least, "as many as fit"
        # Emoji are fetched once for each reaction, and sent once for all.
        assert fetched.bytes <= parts * (MAX_PAGE_BYTES * (1.5 if reactions else 1.1) + longest)


def test_sqlite_the_reactions_that_changed_are_fetched_as_far_as_they_fit(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "room.sqlite", 110, reactions=REACTIONS)) as connection:
        connection.text_factory = fetched = Fetched()
        assert history.reacted(READER, 200, 500, connection)
        assert fetched.bytes <= 4 * MAX_REACTED_BYTES


def test_sqlite_the_text_of_deleted_messages_is_not_read_for_a_page(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "room.sqlite", 50)) as connection:
        connection.execute("UPDATE message SET taken_back_at = 1")
        connection.text_factory = fetched = Fetched()
        page = history.page(READER, history.IN_CHANNEL, ("lobby",), 0, 50, connection)
        assert (len(page.publications), page.more) == (50, False)
        assert fetched.bytes < 50 * ROW_BYTES


def conversed(limit: int, connection: SqlConnection) -> Iterator[int]:
    """Read a conversation page by page from its end; return its numbers."""
    before = 0
    while True:
        page = history.conversation(READER, "bob", before, limit, connection)
        yield from (each.msg_id for each in reversed(page.publications))
        if not page.more:
            return
        before = page.publications[0].msg_id


def test_a_conversation_of_which_one_side_writes_more_has_no_gap(connection: Connection) -> None:
    """Long texts of one side fill a page; older short ones of the other belong to a later page."""
    for number in range(300):
        author, peer, text = (BOB, ALICE, "x" * 4000) if number % 3 else (ALICE, BOB, "short")
        messages.insert(MessageDraft(author, "", peer, text, None), number, connection)
    assert list(conversed(100, connection)) == list(range(300, 0, -1))


@pytest.mark.parametrize("condition", ["history", "kept", "conversation"])
def test_sqlite_a_read_uses_an_index_and_does_not_scan_all_messages(condition: str, tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, for a reader who sees few of very many messages."""
    with closing(filled(tmp_path / "room.sqlite", 1)) as connection:
        insert = (
            "INSERT INTO message (at, author, author_identity, channel, author_key, text) VALUES (1, ?, ?, ?, ?, '')"
        )
        connection.execute("BEGIN")
        connection.executemany(insert, [("carol", "c-1", "tea", "carol")] * 5000)
        connection.execute("COMMIT")
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection.set_progress_handler(step, 100)
        PAGES[condition][0](connection)
        assert steps * 100 < 5000


def test_a_reader_who_hides_everybody_does_not_cause_a_full_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_SCANNED", 20)
    reader = Reader(ALICE, ["lobby", "tea"], [BOB.identity])
    with closing(filled(tmp_path / "room.sqlite", 1)) as connection:
        for number in range(30):
            messages.insert(MessageDraft(BOB, "lobby", None, "x", None), number, connection)
        page = history.page(reader, history.IN_CHANNEL, ("lobby",), 0, 10, connection)
        assert page == Page([], more=False)
        assert history.missed(reader, 0, 0, 10, connection) == Page([], more=True), "a gap that is shown"
