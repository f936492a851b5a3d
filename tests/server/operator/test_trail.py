"""Changes of a stored trail are found, and an export can be verified elsewhere."""

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import example, given, settings

from server.operator import report_commands
from server.operator.printing import CommandError, name
from server.protocol.characters import in_one_line
from server.protocol.codes import ReportState
from server.rules.evidence import ContextLine, Evidence
from server.rules.messages import Person
from server.rules.trail import Reported, chained
from server.storage import reports as stored
from server.storage import trail
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError
from tests.support.empty_room import ON_SQLITE, Connection
from tests.support.imitation import TEXTS
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, FAILED, START, Desk, evidence

COLUMNS = {"seq": "9", "report_id": "'rep_x'", "at": "at + 1", "content": "replace(content, 'a', 'b')", "hash": "'00'"}


@pytest.fixture
def desk(connection: Connection) -> Desk:
    """Return three reports, one with an addition and a status of the site: five rows."""
    desk = Desk(connection=connection)
    first = desk.submit(1)
    desk.submit(2)
    desk.submit(1, add=True)
    stored.site_said(first.id, ReportState.SEEN, "", desk.connection)
    desk.submit(3, BOB)
    return desk


def test_an_unaltered_trail_is_verified_by_its_last_hash(desk: Desk) -> None:
    count, head = trail.verify(desk.connection)
    assert count == 5
    assert head == trail.rows(desk.connection)[-1].hash
    assert head in report_commands.verify(desk.connection, None)
    earlier = trail.rows(desk.connection)[1].hash
    assert "hash is part of it" in report_commands.verify(desk.connection, earlier)
    with pytest.raises(TrailError, match="rewritten"):
        report_commands.verify(desk.connection, "0" * 64)


@ON_SQLITE
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", range(1, 6))
def test_a_change_of_any_column_of_any_row_is_found(desk: Desk, seq: int, column: str) -> None:
    desk.connection.execute(f"UPDATE trail SET {column} = {COLUMNS[column]} WHERE seq = ?", (seq,))
    with pytest.raises(TrailError):
        trail.verify(desk.connection)


def deletes(seq: int) -> Callable[[SqlConnection], object]:
    """Remove a row."""
    return lambda connection: connection.execute("DELETE FROM trail WHERE seq = ?", (seq,))


def swaps(connection: SqlConnection) -> None:
    """Swap the content of two rows, including their hashes."""
    connection.execute("UPDATE trail SET seq = -2 WHERE seq = 2")
    connection.execute("UPDATE trail SET seq = 2 WHERE seq = 3")
    connection.execute("UPDATE trail SET seq = 3 WHERE seq = -2")


def rewrites_one_hash(connection: SqlConnection) -> None:
    """Alter a row and recompute its hash."""
    row = trail.rows(connection)[1]
    content = row.content.replace("spam", "praise")
    fresh = chained(trail.rows(connection)[0].hash, row.seq, row.report_id, row.at, content)
    connection.execute("UPDATE trail SET content = ?, hash = ? WHERE seq = 2", (content, fresh))


def points_elsewhere(connection: SqlConnection) -> None:
    """Let a report start at a row of another report."""
    connection.execute("UPDATE report SET seq = 1 WHERE msg_id = 3")


@pytest.mark.parametrize("alter", [*map(deletes, range(1, 6)), swaps, rewrites_one_hash, points_elsewhere])
def test_deleted_swapped_and_rehashed_rows_are_found(desk: Desk, alter: Callable[[SqlConnection], object]) -> None:
    alter(desk.connection)
    with pytest.raises(TrailError):
        trail.verify(desk.connection)


def test_a_missing_last_row_of_a_report_is_found(desk: Desk) -> None:
    """Nothing else refers to an addition, a withdrawal or a status of the site."""
    desk.submit(3, BOB, add=True)
    deletes(6)(desk.connection)
    with pytest.raises(TrailError, match="missing at the end"):
        trail.verify(desk.connection)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM report",
        "UPDATE report SET msg_id = 77",
        "UPDATE report SET reporter = 'eve'",
        "UPDATE report SET reporter_identity = 'e-1'",
        "UPDATE report SET status = 'withdrawn'",
        "UPDATE report SET status = 'resolved'",
        "UPDATE report SET note = 'They are banned.'",
        "DELETE FROM delivery WHERE seq = 2",
        "DELETE FROM delivery WHERE seq = 3",
    ],
)
def test_a_report_that_differs_from_its_trail_is_found(desk: Desk, change: str) -> None:
    desk.connection.execute(change if "WHERE" in change else f"{change} WHERE msg_id = 2")
    with pytest.raises(TrailError, match="report rep_"):
        trail.verify(desk.connection)


@ON_SQLITE
def test_the_trail_of_every_status_is_verified(desk: Desk) -> None:
    """All ways to reach each status are verified, without false alarms."""
    for result in (ACCEPTED, FAILED):
        report = desk.submit(9 + result.accepted)
        desk.try_next(result)
        stored.site_said(report.id, ReportState.RESOLVED, "Banned.", desk.connection)
        trail.verify(desk.connection)
        desk.submit(report.statement.msg_id, add=True)
        desk.withdraw(report.id)
        stored.site_said(report.id, ReportState.SEEN, "Oh.", desk.connection)
        trail.verify(desk.connection)
        desk.submit(report.statement.msg_id, add=True)
        trail.verify(desk.connection)
        stored.site_said(report.id, ReportState.RESOLVED, "Banned.", desk.connection)
        while desk.next_due() is not None:
            desk.try_next(FAILED)
        assert desk.find(report.id).status is ReportState.GIVEN_UP
        trail.verify(desk.connection)


def test_old_rows_without_the_reporters_identity_are_verified() -> None:
    desk = Desk()
    report = desk.submit(1)
    (row,) = trail.rows(desk.connection)
    written = msgspec.to_builtins(Reported(evidence(1)))
    del written["identity"]
    for later in ("reporter_identity", "about_identity", "holds_name", "earlier_texts"):
        del written["evidence"][later]
    content = msgspec.json.encode(written).decode()
    fresh = chained("", 1, report.id, row.at, content)
    desk.connection.execute("UPDATE trail SET content = ?, hash = ?", (content, fresh))
    assert trail.verify(desk.connection) == (1, fresh)


@pytest.mark.parametrize("content", ["{", '{"kind":"withdrawn"}', '{"kind":"reported"}'])
def test_an_invalid_row_with_a_valid_hash_is_found(content: str) -> None:
    desk = Desk()
    report = desk.submit(1)
    (row,) = trail.rows(desk.connection)
    fresh = chained("", 1, report.id, row.at, content)
    desk.connection.execute("UPDATE trail SET content = ?, hash = ?", (content, fresh))
    with pytest.raises(TrailError, match="row 1"):
        trail.verify(desk.connection)


def test_an_export_is_ascii() -> None:
    desk = Desk()
    told = msgspec.structs.replace(evidence(1), message="鬼 😀 \x9b31m")
    stored.submit(desk.terms, Submission(ALICE, told, None, add=False), desk.connection)
    (line,) = report_commands.export(desk.connection)
    assert line.isascii()
    assert json.loads(json.loads(line)["content"])["evidence"]["message"] == told.message


def test_an_export_can_be_verified_by_others(desk: Desk) -> None:
    """Verifies with only what docs/operate.md describes."""
    lines = [json.loads(line) for line in report_commands.export(desk.connection)]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    kinds = [json.loads(line["content"])["kind"] for line in lines]
    assert kinds == ["reported", "reported", "added", "site-said", "reported"]
    previous = ""
    for line in lines:
        hashed = [previous, line["seq"], line["report_id"], line["at"], line["content"]]
        text = json.dumps(hashed, ensure_ascii=False, separators=(",", ":"))
        previous = line["hash"]
        assert hashlib.sha256(text.encode()).hexdigest() == previous
    assert previous == trail.verify(desk.connection)[1]


def test_an_export_does_not_load_the_whole_trail(desk: Desk) -> None:
    row = trail.rows(desk.connection)[0]._replace(content="x" * 10_000)
    desk.connection.executemany(
        "INSERT INTO trail (seq, report_id, at, content, hash) VALUES (?, ?, ?, ?, ?)",
        [row._replace(seq=seq) for seq in range(6, 1006)],
    )
    tracemalloc.start()
    try:
        assert sum(1 for _ in report_commands.export(desk.connection)) == 1005
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_report_is_shown_with_its_trail_and_attempts_and_cannot_control_the_terminal(desk: Desk) -> None:
    desk.try_next(ACCEPTED._replace(answer="thanks \x1b[31m\u202e"))
    desk.connection.execute("UPDATE attempt SET error = ?", ("\x1b]0;owned\x07",))
    (report_id, *_) = desk.values("SELECT report_id FROM attempt JOIN delivery ON delivery.id = delivery_id")
    shown = report_commands.show_report(desk.connection, str(report_id))
    assert "“alice” reported “mallory”: It's spam\n" in shown
    assert "> 12:00:00 mallory» message 1" in shown
    assert "row 1 to report: delivered" in shown
    assert "row 3 to report: waiting" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    with pytest.raises(CommandError, match=rf"the latest are: .*{report_id}"):
        report_commands.show_report(desk.connection, "rep_0")
    assert report_commands.listed(desk.connection, 2).count("\n") == 2
    assert report_commands.listed(Desk().connection, 2) == "No reports yet."


def test_the_context_of_a_report_is_shown_around_its_message(desk: Desk) -> None:
    lines = tuple(ContextLine("bob", START + timedelta(seconds=each), f"at {each}") for each in (-1, 1))
    told = msgspec.structs.replace(evidence(9), context=lines)
    report = stored.submit(desk.terms, Submission(ALICE, told, None, add=False), desk.connection)
    shown = report_commands.show_report(desk.connection, report.id)
    assert "    11:59:59 bob» at -1\n  > 12:00:00 mallory» message 9\n    12:00:01 bob» at 1\n" in shown
    added = msgspec.structs.replace(evidence(9), comment="look again", context=lines[:1])
    stored.submit(desk.terms, Submission(ALICE, added, None, add=True), desk.connection)
    shown = report_commands.show_report(desk.connection, report.id)
    assert "added: It's spam; look again\n       11:59:59 bob» at -1\n     > 12:00:00 mallory» message 9\n" in shown


@settings(max_examples=50, deadline=None)
@given(*[TEXTS] * 5)
@example("", "0\u0903\u0301", "", "", "")
def test_names_and_texts_can_be_parsed_back_from_a_shown_report(
    one: str, other: str, reason: str, said: str, channel: str
) -> None:
    """Covers names and texts that earlier versions accepted."""
    desk = Desk()
    told = Evidence(
        one, other, channel, 9, START, said, reason, said, (ContextLine(one, START - timedelta(seconds=1), said),)
    )
    report = stored.submit(desk.terms, Submission(Person(one, "a"), told, None, add=False), desk.connection)
    lines = report_commands.show_report(desk.connection, report.id).split("\n")
    assert len(lines) == len("\n".join(lines).splitlines())
    reporter, about, words = (name(one), name(other), in_one_line(said))
    assert lines[1] == f"“{reporter}” reported “{about}”: {in_one_line(reason)}"
    assert not {"“", "”", "»", ":"} & {*reporter, *about}
    where = f"@{name(channel[1:])}" if channel.startswith("@") else in_one_line(channel).replace("»", "\ufffd")
    assert lines[2:4] == [f"  comment: {words or '-'}", f"  message 9 in {where}, {START:%Y-%m-%d %H:%M:%S}Z:"]
    assert lines[4:6] == [f"    11:59:59 {reporter}» {words}", f"  > 12:00:00 {about}» {words}"]
    assert lines[6:8] == ["", "Trail"]
