"""Edited messages: the text everyone sees, the earlier ones for reports, and how long they are kept."""

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import NewText
from server.rules.evidence import evidence
from server.rules.messages import EVERYWHERE, MAX_VERSIONS, MessageDraft, Person
from server.rules.refusal import Refusal
from server.rules.search import query
from server.storage import edits, history, message_rows, messages, retention, searches
from server.storage.base import MAX_EDITED_BYTES, Reader, Search
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection

ALICE, BOB = Person("alice", "a-1"), Person("bob", "b-1")
READER = Reader(BOB, ["lobby"])


def say(connection: SqlConnection, text: str, nonce: str | None = None, at: int = 1) -> int:
    """Store a message of Alice in the lobby."""
    return messages.insert(MessageDraft(ALICE, "lobby", None, text, nonce), at, connection).publication.msg_id


def edit(connection: SqlConnection, msg_id: int, text: str, person: Person = ALICE, now: int = 2) -> None:
    """Edit a message."""
    edits.edit(msg_id, person, text, EVERYWHERE, now, connection)


def found(connection: SqlConnection, words: str) -> list[str]:
    """Return the texts that a search finds."""
    page = searches.search(READER, Search(query(words), "", 0, 50), connection).page
    return [each.text for each in page.publications]


def test_everyone_reads_the_new_text_and_reports_contain_all_versions(connection: SqlConnection) -> None:
    msg_id = say(connection, "vile words")
    edit(connection, msg_id, "kind words", now=2000)
    edit(connection, msg_id, "Kinder words", now=3000)
    (shown,) = history.page(READER, history.IN_CHANNEL, ("lobby",), 0, 9, connection).publications
    frame = shown.frame_for(BOB)
    assert (frame.message, frame.edited) == ("Kinder words", True)
    publication = message_rows.find(msg_id, connection)
    assert publication
    attested = evidence(BOB, publication, "spam", "", (), holds_name=True)
    assert attested.message == "Kinder words"
    earlier = [(each.since.timestamp(), each.text) for each in attested.earlier_texts]
    assert earlier == [(0.001, "vile words"), (2.0, "kind words")]


def test_same_text_again_is_not_a_new_version(connection: SqlConnection) -> None:
    msg_id = say(connection, "hello")
    for _ in range(MAX_VERSIONS + 1):
        edit(connection, msg_id, "hello")
    publication = message_rows.find(msg_id, connection)
    assert publication
    assert (publication.versions, publication.edited_at) == ((), None)


def test_search_finds_the_new_text_only(connection: SqlConnection) -> None:
    msg_id = say(connection, "vile words")
    edit(connection, msg_id, "kind words")
    assert found(connection, "vile") == []
    assert found(connection, "kind") == ["kind words"]
    messages.take_back(msg_id, ALICE, EVERYWHERE, 3, connection)
    assert found(connection, "words") == []
    if isinstance(connection, SqliteConnection):
        connection.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")


def test_resend_of_an_edited_message_is_still_a_resend(connection: SqlConnection) -> None:
    msg_id = say(connection, "vile words", "n")
    edit(connection, msg_id, "kind words")
    again = messages.insert(MessageDraft(ALICE, "lobby", None, "vile words", "n"), 3, connection)
    assert (again.fresh, again.publication.msg_id, again.publication.text) == (False, msg_id, "kind words")


@pytest.mark.parametrize(
    ("person", "code"), [(BOB, ErrorCode.NOT_YOURS), (Person("alice", "a-2"), ErrorCode.NOT_YOURS)]
)
def test_only_the_author_may_edit(connection: SqlConnection, person: Person, code: ErrorCode) -> None:
    msg_id = say(connection, "hello")
    with pytest.raises(Refusal) as refused:
        edit(connection, msg_id, "bye", person)
    assert refused.value.code == code


def test_deleted_unknown_and_often_edited_messages_cannot_be_edited(connection: SqlConnection) -> None:
    msg_id, deleted = say(connection, "hello"), say(connection, "hello")
    messages.take_back(deleted, ALICE, EVERYWHERE, 2, connection)
    for number in range(MAX_VERSIONS):
        edit(connection, msg_id, f"hello {number}")
    for each, code in (
        (deleted, ErrorCode.UNKNOWN_MESSAGE),
        (99, ErrorCode.UNKNOWN_MESSAGE),
        (msg_id, ErrorCode.BAD_MESSAGE),
    ):
        with pytest.raises(Refusal) as refused:
            edit(connection, each, "bye")
        assert refused.value.code == code


def test_returning_client_receives_recent_edits_that_fit(connection: SqlConnection) -> None:
    numbers = [say(connection, "hello") for _ in range(30)]
    for number in numbers:
        edit(connection, number, f"{number} " + "x" * 2000, now=number)
    sent = edits.edited(READER, numbers[-2], 500, connection)
    assert sent[0] == NewText(numbers[-2], f"{numbers[-2]} " + "x" * 2000)
    assert MAX_EDITED_BYTES - 4100 < sum(len(each.message) for each in sent) <= MAX_EDITED_BYTES
    assert edits.edited(Reader(BOB, ["tea"]), 99, 500, connection) == []
    messages.take_back(numbers[0], ALICE, EVERYWHERE, 99, connection)
    assert edits.edited(READER, numbers[0], 500, connection) == []


def test_earlier_texts_are_erased_with_the_message(connection: SqlConnection) -> None:
    deleted, old = say(connection, "vile words"), say(connection, "more vile words")
    for msg_id in (deleted, old):
        edit(connection, msg_id, "kind words")
    messages.take_back(deleted, ALICE, EVERYWHERE, 3, connection)
    retention.sweep(connection, 31 * DAY_MILLISECONDS, KeptDays(30, 30))
    texts = [row[0] for row in connection.execute("SELECT text FROM message_version ORDER BY msg_id")]
    assert texts == ["", "more vile words"]
    retention.sweep(connection, 31 * DAY_MILLISECONDS, KeptDays(30, 30, messages=30))
    assert connection.execute("SELECT * FROM message_version").fetchall() == []
