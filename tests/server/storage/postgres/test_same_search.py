"""Searches in PostgreSQL find exactly what they find in SQLite."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.rules.messages import MessageDraft, Person
from server.rules.refusal import Refusal
from server.rules.search import mentioning, query
from server.storage import indexing, messages, searches
from server.storage.base import Found, Reader, Search
from tests.support.empty_room import Connection, PostgresRoom, in_memory

ALICE, BOB = Person("alice", "a-1"), Person("bob", "b-1")
ALPHABET = "abAB %_\\'\"+.-ßäÄ油の台👩🏽é"
TEXTS = [
    "100% sure", "100 percent", "snake_case", "snakeXcase", "C:\\temp", "C:temp", "it's", 'say "hi" now', "c++ and c--",
    "...", "....", "灯台の油が切れた", "の油 台の", "Straße", "STRASSE", "👩🏽‍🌾 farm", "two  spaces", "tab\tand\nline",
    "ı İ i", "@alice look", "malice", "x" * 3000, "abcabcab",
]  # fmt: skip
WORDS = [
    "100%", "%", "%%%", "_", "___", "snake_case", "e_c", "\\", "C:\\temp", ":\\t", "it's", "'", '"hi" now', "c++", "++",
    "...", "台の油", "油", "strasse", "ß", "👩🏽", "spaces two", "and line", "i", "xxx", "bca", "cab abc", "nothing",
]  # fmt: skip


@pytest.fixture(scope="module")
def rooms(postgres_room: PostgresRoom) -> Iterator[list[Connection]]:
    """Both kinds, with the same messages: some deleted, some direct, some waiting, some in a hidden channel."""
    sqlite = in_memory()
    rooms: list[Connection] = [sqlite, postgres_room.connection]
    for connection in rooms:
        for number, text in enumerate(TEXTS):
            peer = ALICE if number % 5 == 0 else None
            channel = "" if peer else ("elsewhere" if number % 7 == 0 else "lobby")
            messages.insert(MessageDraft(BOB, channel, peer, text, None), number, connection)
        connection.execute("UPDATE message SET taken_back_at = 5 WHERE id = 2")
    assert indexing.finish(sqlite)
    yield rooms
    sqlite.close()
    postgres_room.empty()


def both(rooms: list[Connection], wanted: Search) -> list[Found]:
    """Return what each finds."""
    return [searches.search(Reader(ALICE, ["lobby"]), wanted, connection) for connection in rooms]


@pytest.mark.parametrize("words", WORDS)
def test_special_characters_are_searched_for_literally(rooms: list[Connection], words: str) -> None:
    one, other = both(rooms, Search(query(words), "", 0, 50))
    assert one == other


def test_pages_and_mentions_are_the_same_in_both_databases(rooms: list[Connection]) -> None:
    for limit, before in ((1, 0), (2, 9), (50, 4)):
        one, other = both(rooms, Search(query("a"), "", before, limit))
        assert one == other
    one, other = both(rooms, Search(mentioning("alice", ""), "", 0, 50))
    assert one == other
    assert [each.text for each in one.page.publications] == ["@alice look"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(ALPHABET, min_size=1, max_size=6))
def test_any_words_find_the_same_messages_in_both_databases(rooms: list[Connection], words: str) -> None:
    try:
        wanted = query(words)
    except Refusal:
        return
    one, other = both(rooms, Search(wanted, "", 0, 50))
    assert one == other
