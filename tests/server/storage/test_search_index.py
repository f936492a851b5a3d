"""The search index: its size, its results, and the upgrade of older files."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.handlers import costs
from server.protocol.frames import MAX_MESSAGE_CHARS, Say
from server.rules.messages import EVERYWHERE, MessageDraft, Person
from server.rules.search import fold, mentioning, query
from server.storage import history, indexing, messages, schema, searches
from server.storage.base import Found, Reader, Search
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection

ALICE = Person("alice", "a-1")
READER = Reader(ALICE, ["lobby", "tea"])
BEFORE_SMALLER_INDEX = schema.STEPS.index(schema.SMALLER_INDEX)
INSERT = (
    "INSERT INTO message (at, author, author_identity, channel, text, author_key)"
    " VALUES (1, 'alice', 'a-1', 'lobby', ?, 'alice')"
)
MESSAGES = 60


def old_file(path: Path, *texts: str) -> None:
    """Create a file of the previous version."""
    with closing(schema.connect(str(path))) as connection:
        steps = "".join(schema.STEPS[:BEFORE_SMALLER_INDEX])
        connection.executescript(
            f"{steps} INSERT INTO epoch VALUES ('e'); PRAGMA user_version = {BEFORE_SMALLER_INDEX}"
        )
        connection.executemany(INSERT, [(text,) for text in texts])


def found(connection: SqlConnection, words: str) -> list[str]:
    """Return the texts that a search finds."""
    return [
        each.text for each in searches.search(READER, Search(query(words), "", 0, 50), connection).page.publications
    ]


def say(connection: SqlConnection, *texts: str) -> list[int]:
    """Store messages; return their numbers."""
    published = [messages.insert(MessageDraft(ALICE, "lobby", None, text, None), 1, connection) for text in texts]
    return [each.publication.msg_id for each in published]


def test_sqlite_old_file_gets_the_smaller_index_and_is_searched_as_before(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    old_file(path, "my rope", "a Rope is new", "gone rope")
    with closing(schema.connect(str(path))) as connection:
        connection.execute("UPDATE message SET taken_back_at = 1 WHERE id = 3")
        life = schema.prepare(connection)
        assert (life.epoch, life.last_message) == ("e", 3)
        (made,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'message_text'").fetchone()
        assert "detail = 'none'" in made
        assert found(connection, "rope") == ["my rope", "a Rope is new"]
        assert found(connection, "rope is") == ["a Rope is new"]
        # The triggers of before write into the index of now.
        (new,) = say(connection, "no rope")
        assert "no rope" in found(connection, "rope")
        messages.take_back(new, ALICE, EVERYWHERE, 1, connection)
        assert found(connection, "rope") == ["my rope", "a Rope is new"]
        connection.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")


def test_only_whole_words_are_found_and_not_their_tokens(connection: SqlConnection) -> None:
    say(connection, "ana nan ban", "one banana", "BANANAS", "灯台の油が切れた", "の油 台の")
    assert found(connection, "banana") == ["one banana", "BANANAS"]
    assert found(connection, "台の油") == ["灯台の油が切れた"]
    assert found(connection, "Äpfel") == []
    say(connection, "zwei ÄPFEL")
    assert found(connection, "äpfel") == ["zwei ÄPFEL"]


@given(
    st.lists(st.text(alphabet="abAB ßäÄ油の", min_size=1, max_size=12), max_size=12),
    st.text("abÄ油の", min_size=1, max_size=5),
)
def test_a_search_finds_exactly_the_texts_with_the_word(said: list[str], word: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None, factory=SqliteConnection)) as connection:
        schema.prepare(connection)
        say(connection, *said)
        assert found(connection, word) == [text for text in said if fold(word) in fold(text)]


def test_sqlite_too_many_false_positives_end_a_search(sqlite: SqliteConnection) -> None:
    sqlite.execute("BEGIN")
    say(sqlite, *["ana nan ban"] * (searches.MAX_MISSES + 500))
    sqlite.execute("COMMIT")
    assert indexing.finish(sqlite)
    fetched: list[bytes] = []

    def count(data: bytes) -> str:
        fetched.append(data)
        return data.decode()

    sqlite.text_factory = count
    assert found(sqlite, "banana") == []
    assert fetched.count(b"ana nan ban") == searches.MAX_MISSES


def letters(kind: str) -> str:
    """Return the longest message, of letters that index well or badly."""
    chance = random.Random(kind + str(next_number()))
    if kind == "words":
        return " ".join(chance.choice(WORDS) for _ in range(MAX_MESSAGE_CHARS))[:MAX_MESSAGE_CHARS]
    first, last = {
        "ascii": (33, 126),
        "cyrillic": (0x400, 0x4FF),
        "cjk": (0x4E00, 0x9FFF),
        "emoji": (0x1F300, 0x1FAFF),
    }[kind]
    return "".join(chr(chance.randint(first, last)) for _ in range(MAX_MESSAGE_CHARS))


WORDS = ["rope", "light", "house", "keeper", "storm", "the", "of", "lamp", "oil", "night", "boat", "again", "never"]
_numbers = iter(range(10**6))


def next_number() -> int:
    """Return an unused number, so that no two messages are the same."""
    return next(_numbers)


def stored_bytes(directory: Path, kind: str, *, old: bool) -> float:
    """Return the growth of the file per message."""
    path = directory / f"{kind}-{old}.sqlite"
    if old:
        old_file(path)
    with closing(schema.connect(str(path))) as connection:
        if not old:
            schema.prepare(connection)
        before = size(connection)
        for _ in range(MESSAGES):
            connection.execute(INSERT, (letters(kind),))
        return (size(connection) - before) / MESSAGES


def size(connection: SqliteConnection) -> int:
    """Return the bytes used by a database."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * page)


def test_sqlite_index_takes_less_than_half_the_space_of_the_old_one_for_words(tmp_path: Path) -> None:
    assert stored_bytes(tmp_path, "words", old=False) < stored_bytes(tmp_path, "words", old=True) / 2


@pytest.mark.parametrize("kind", ["words", "ascii", "cyrillic", "cjk", "emoji"])
def test_sqlite_message_is_charged_for_no_less_than_it_occupies(kind: str, tmp_path: Path) -> None:
    charged = costs.message_bytes(Say("lobby", letters(kind)))
    assert stored_bytes(tmp_path, kind, old=False) < charged * 1.25


def search(connection: SqlConnection, text: str, channel: str = "", before: int = 0, limit: int = 50) -> Found:
    """Search with filters."""
    return searches.search(READER, Search(query(text), channel, before, limit), connection)


def texts(result: Found) -> list[str]:
    """Return the texts of a result, oldest first."""
    return [each.text for each in result.page.publications]


def test_search_is_continued_where_it_stopped(connection: SqlConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MAX_SCANNED", 10)
    say(connection, "a rope")
    for _ in range(12):
        messages.insert(MessageDraft(ALICE, "elsewhere", None, "a rope", None), 1, connection)
    say(connection, *["no"] * 12)
    if isinstance(connection, SqliteConnection):
        assert indexing.finish(connection)
    for words in ("rope", "a"):
        result, asked = search(connection, words), 0
        while result.searched_to:
            assert texts(result) == []
            asked += 1
            assert asked < 5
            result = search(connection, words, before=result.searched_to)
        assert texts(result) == ["a rope"]
        assert asked


def test_filters_narrow_a_search_down(connection: SqlConnection) -> None:
    day = 24 * 3600 * 1000
    bob = Person("Böb", "b-1")
    for number, (author, channel, peer) in enumerate(
        [(ALICE, "lobby", None), (bob, "lobby", None), (ALICE, "tea", None), (ALICE, "", bob), (bob, "", ALICE)]
    ):
        messages.insert(MessageDraft(author, channel, peer, f"rope {number}", None), number * day, connection)
    assert texts(search(connection, "from:BÖB rope")) == ["rope 1", "rope 4"]
    assert texts(search(connection, "rope", "tea")) == ["rope 2"]
    assert texts(search(connection, "rope", "@böb")) == ["rope 3", "rope 4"]
    assert texts(search(connection, "after:1970-01-03 rope")) == ["rope 2", "rope 3", "rope 4"]
    assert texts(search(connection, "before:1970-01-03")) == ["rope 0", "rope 1"]
    assert texts(search(connection, "after:1970-01-02 before:1970-01-04 from:alice")) == ["rope 2"]
    assert texts(search(connection, "after:1990-01-01")) == []
    assert not search(connection, "after:1990-01-01").searched_to


def test_nothing_from_a_removed_channel_is_read(connection: SqlConnection) -> None:
    say(connection, "rope")
    bob = Person("bob", "b-1")
    messages.insert(MessageDraft(ALICE, "", bob, "direct rope", None), 1, connection)
    connection.execute("UPDATE message SET taken_back_at = 1 WHERE id = 1")
    for channels, numbers in ((["lobby"], [1, 2]), (["tea"], [2]), ([], [2])):
        reader = Reader(bob, channels)
        page = history.missed(reader, 0, 0, 50, connection)
        assert [each.msg_id for each in page.publications] == numbers
        assert history.taken_back(reader, 9, 9, connection) == [each for each in numbers if each == 1]


def test_sqlite_upgrade_folds_what_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "room.sqlite"
    old_file(path, "Straße", "ЁЛКА")
    with closing(schema.connect(str(path))) as connection:
        schema.prepare(connection)
        assert found(connection, "STRASSE") == ["Straße"]
        assert found(connection, "ёл") == ["ЁЛКА"]


def test_mentions_are_found_as_whole_words_of_others(connection: SqlConnection) -> None:
    bob = Person("bob", "b-1")
    for author, text in ((bob, "ALICE, look"), (bob, "malice"), (ALICE, "I am alice"), (bob, "thanks @alice!")):
        messages.insert(MessageDraft(author, "lobby", None, text, None), 1, connection)
    found = searches.search(READER, Search(mentioning("alice", ""), "", 0, 50), connection)
    assert texts(found) == ["ALICE, look", "thanks @alice!"]
    found = searches.search(READER, Search(mentioning("alice", "look"), "", 0, 50), connection)
    assert texts(found) == ["ALICE, look"]
