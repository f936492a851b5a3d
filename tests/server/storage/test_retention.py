"""Old messages and reports are deleted, and a person's data can be exported and erased."""

import pytest

from server.operator import people
from server.operator.printing import CommandError
from server.protocol.proof import LoginKeys
from server.rules.bans import Ban
from server.rules.messages import MessageDraft, Person
from server.rules.search import query
from server.storage import (
    bans,
    history,
    login_keys,
    messages,
    personal_data,
    report_rows,
    retention,
    schema,
    searches,
    trail,
)
from server.storage.base import Reader, Search
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection
from server.storage.trail import TrailError
from tests.support.empty_room import tables
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, Desk

DAY_SECONDS = 24 * 3600
OLD, NEW = 0, 10 * DAY_MILLISECONDS


def say(connection: SqlConnection, text: str, at: int, author: Person = ALICE, to: Person | None = None) -> int:
    """Store a message, and return its number."""
    draft = MessageDraft(author, "lobby", to, text, None)
    return messages.insert(draft, at, connection).publication.msg_id


def found(connection: SqlConnection, words: str) -> list[str]:
    """Return what a search finds."""
    page = searches.search(Reader(BOB, ["lobby", "tea"]), Search(query(words), "", 0, 50), connection).page
    return [each.text for each in page.publications]


def test_old_messages_are_deleted_with_reactions_and_search_index(desk: Desk) -> None:
    old, new = say(desk.connection, "hello old", OLD), say(desk.connection, "hello new", NEW)
    for msg_id in (old, new):
        desk.connection.execute("INSERT INTO reaction VALUES (?, 'b-1', '+', 'bob', 0)", (msg_id,))
    retention.sweep(desk.connection, NEW, KeptDays(30, 30))
    assert found(desk.connection, "hello") == ["hello old", "hello new"]
    retention.sweep(desk.connection, NEW, KeptDays(30, 30, messages=9))
    assert found(desk.connection, "hello") == ["hello new"]
    assert desk.values("SELECT msg_id FROM reaction") == [new]
    if isinstance(desk.connection, SqliteConnection):
        desk.connection.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")


def test_numbering_continues_after_the_last_message_was_deleted(desk: Desk) -> None:
    last = say(desk.connection, "hello", OLD)
    retention.sweep(desk.connection, NEW, KeptDays(30, 30, messages=1))
    if isinstance(desk.connection, SqliteConnection):
        assert schema.prepare(desk.connection).last_message == last
    assert say(desk.connection, "hello", NEW) == last + 1


def test_ended_reports_are_deleted_and_the_trail_still_verifies(desk: Desk) -> None:
    ended, open_report, recent = desk.submit(1), desk.submit(2), desk.submit(3)
    for _ in range(3):
        desk.try_next(ACCEPTED)
    desk.connection.execute("UPDATE delivery SET state = 'waiting' WHERE report_id = ?", (open_report.id,))
    desk.pass_time(5 * DAY_SECONDS)
    desk.withdraw(recent.id)
    desk.pass_time(6 * DAY_SECONDS)
    retention.sweep(desk.connection, desk.now, KeptDays(30, 30, reports=10))
    assert report_rows.find(ended.id, desk.connection) is None
    assert report_rows.find(open_report.id, desk.connection)
    assert report_rows.find(recent.id, desk.connection)
    assert not desk.values(f"SELECT id FROM delivery WHERE report_id = '{ended.id}'")
    assert "look" not in str([row.content for row in trail.rows(desk.connection, ended.id)])
    trail.verify(desk.connection)


def test_ended_bans_are_deleted(desk: Desk) -> None:
    bans.add(Ban("ada", "a-1", NEW, "op"), desk.connection)
    bans.add(Ban("bob", "b-1", NEW + 1, "op"), desk.connection)
    retention.sweep(desk.connection, NEW, KeptDays(30, 30))
    assert desk.values("SELECT name FROM ban") == ["bob"]


def test_reports_are_deleted_in_small_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch holds the lock of the room."""
    monkeypatch.setattr(retention, "REPORT_BATCH", 2)
    for number in range(3):
        desk.submit(number)
        desk.try_next(ACCEPTED)
    desk.pass_time(11 * DAY_SECONDS)
    left = []
    while more := retention.sweep(desk.connection, desk.now, KeptDays(30, 30, reports=10)):
        left.append((more, len(desk.values("SELECT id FROM report"))))
    assert (left, desk.values("SELECT id FROM report")) == ([(True, 1)], [])
    trail.verify(desk.connection)


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE trail SET content = '' WHERE seq = 1", "no row says that they were erased"),
        ("UPDATE trail SET hash = 'x' WHERE seq = 1", "does not match its hash"),
        ("DELETE FROM report", "not among the stored reports"),
    ],
)
def test_emptying_rows_by_hand_is_detected(desk: Desk, tampering: str, words: str) -> None:
    desk.submit(1)
    desk.submit(2)
    desk.connection.execute(tampering)
    with pytest.raises(TrailError, match=words):
        trail.verify(desk.connection)


def test_every_column_with_an_identity_is_covered_by_export_and_erasure(desk: Desk) -> None:
    found = {
        (table, str(column))
        for table in tables(desk.connection)
        for column, *_ in desk.connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()
        if str(column).endswith("identity") or column == "other"
    }
    # Who is in the room is forgotten when they leave.
    assert found - {("presence", "identity")} == personal_data.COVERED


def test_person_is_exported_and_erased(desk: Desk) -> None:
    mallory = Person("mallory", "m-1")
    say(desk.connection, "secret plan", OLD, mallory)
    say(desk.connection, "secret reply", OLD, mallory, to=BOB)
    say(desk.connection, "to mallory", OLD, BOB, to=mallory)
    others = say(desk.connection, "unrelated", OLD)
    for statement in (
        "INSERT INTO person (identity, name, seen_at, last_message) VALUES ('m-1', 'mallory', 5, 0)",
        "INSERT INTO hidden (identity, other, other_name, blocked) VALUES ('m-1', 'b-1', 'bob', 1)",
        "INSERT INTO hidden (identity, other, other_name, blocked) VALUES ('b-1', 'm-1', 'mallory', 1)",
        f"INSERT INTO reaction VALUES ({others}, 'm-1', '+', 'mallory', 0)",
    ):
        desk.connection.execute(statement)
    login_keys.add("m-1", LoginKeys(b"1", b"2"), 5, desk.connection)
    exported = [*personal_data.export("m-1", desk.connection)]
    assert [row["kind"] for row in exported] == ["person", "message", "message", "message", "reaction", "mute or block"]
    assert {"secret plan", "secret reply", "to mallory"} <= {row.get("text") for row in exported}

    done = personal_data.erase("m-1", NEW, desk.connection)
    assert (done.messages, done.reports_by) == (2, 0)
    dump = str([desk.connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables(desk.connection)])
    for trace in ("secret", "m-1", "'mallory'"):
        assert trace not in dump
    assert found(desk.connection, "to mallory") == ["to mallory"]
    assert history.taken_back(Reader(BOB, ["lobby", "tea"]), 10, 10, desk.connection) == [2, 1]


def test_several_people_with_one_name_are_distinguished(desk: Desk) -> None:
    for identity, text in (("m-1", "one"), ("m-2", "two")):
        say(desk.connection, text, OLD, Person("Mallory", identity))
    desk.connection.execute(
        "INSERT INTO person (identity, name, seen_at, last_message) VALUES ('m-2', 'mallory', 5, 0)"
    )
    assert personal_data.holders("mallory", desk.connection) == [("m-2", 5, 1), ("m-1", None, 1)]
    with pytest.raises(CommandError, match=r"m-2 \(1 message, last seen 1970-.*; m-1 \(1 message, last seen -\)"):
        people.erase(desk.connection, "mallory", None)
    assert personal_data.holders("nobody", desk.connection) == []
