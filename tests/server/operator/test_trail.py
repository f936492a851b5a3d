"""A stored trail that was altered anywhere is found out, and an export holds all of it."""

import json
import sqlite3
from collections.abc import Callable

import pytest

from server.engine import reports as stored
from server.engine import trail
from server.engine.trail import TrailError
from server.operator import reports
from server.operator.webhooks import UnknownError
from server.protocol.codes import ReportState
from server.rules.trail import chained
from tests.support.desk import BOB, TAKEN, Desk

COLUMNS = {"seq": "9", "report_id": "'rep_x'", "at": "at + 1", "content": "replace(content, 'a', 'b')", "hash": "'00'"}


@pytest.fixture
def desk() -> Desk:
    """Three reports, one with an addition and a word of the site: five rows."""
    desk = Desk()
    first = desk.submit(1)
    desk.submit(2)
    desk.submit(1, add=True)
    stored.site_said(first.id, ReportState.SEEN, "", lambda: desk.at, desk.connection)
    desk.submit(3, BOB)
    return desk


def test_a_trail_that_nobody_touched_is_proved_by_its_last_hash(desk: Desk) -> None:
    count, head = trail.verify(desk.connection)
    assert count == 5
    assert head == trail.rows(desk.connection)[-1].hash
    assert head in reports.verify(desk.connection, "")
    earlier = trail.rows(desk.connection)[1].hash
    assert "holds the hash" in reports.verify(desk.connection, earlier)
    with pytest.raises(TrailError, match="made anew"):
        reports.verify(desk.connection, "0" * 64)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", range(1, 6))
def test_a_change_of_any_column_of_any_row_is_found(desk: Desk, seq: int, column: str) -> None:
    desk.connection.execute(f"UPDATE trail SET {column} = {COLUMNS[column]} WHERE seq = ?", (seq,))
    with pytest.raises(TrailError):
        trail.verify(desk.connection)


def deletes(seq: int) -> Callable[[sqlite3.Connection], object]:
    """Takes a row out."""
    return lambda connection: connection.execute("DELETE FROM trail WHERE seq = ?", (seq,))


def swaps(connection: sqlite3.Connection) -> None:
    """Exchanges what two rows say, hashes included."""
    connection.execute("UPDATE trail SET seq = -2 WHERE seq = 2")
    connection.execute("UPDATE trail SET seq = 2 WHERE seq = 3")
    connection.execute("UPDATE trail SET seq = 3 WHERE seq = -2")


def rewrites_one_hash(connection: sqlite3.Connection) -> None:
    """Alters a row and makes its hash fit."""
    row = trail.rows(connection)[1]
    content = row.content.replace("spam", "praise")
    fresh = chained(trail.rows(connection)[0].hash, row.seq, row.report_id, row.at, content)
    connection.execute("UPDATE trail SET content = ?, hash = ? WHERE seq = 2", (content, fresh))


def points_elsewhere(connection: sqlite3.Connection) -> None:
    """Lets a report begin at a row of another one."""
    connection.execute("UPDATE report SET seq = 1 WHERE msg_id = 3")


@pytest.mark.parametrize("alter", [*map(deletes, range(1, 6)), swaps, rewrites_one_hash, points_elsewhere])
def test_rows_that_are_gone_moved_or_made_to_fit_are_found(
    desk: Desk, alter: Callable[[sqlite3.Connection], object]
) -> None:
    alter(desk.connection)
    with pytest.raises(TrailError):
        trail.verify(desk.connection)


def test_an_export_holds_every_row_with_its_hash(desk: Desk) -> None:
    lines = [json.loads(line) for line in reports.export(desk.connection)]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["content"]["kind"] for line in lines] == ["reported", "reported", "added", "site-said", "reported"]
    assert [line["hash"] for line in lines] == [row.hash for row in trail.rows(desk.connection)]


def test_a_report_is_shown_with_its_trail_and_attempts_and_cannot_command_the_terminal(desk: Desk) -> None:
    desk.try_next(TAKEN._replace(answer="thanks \x1b[31m\u202e"))
    desk.connection.execute("UPDATE attempt SET error = ?", ("\x1b]0;owned\x07",))
    (report_id, *_) = desk.values("SELECT report_id FROM attempt JOIN delivery ON delivery.id = delivery_id")
    shown = reports.show(desk.connection, str(report_id))
    assert "reported mallory: It's spam" in shown
    assert "> message" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    with pytest.raises(UnknownError, match="reports list"):
        reports.show(desk.connection, "rep_0")
    assert reports.listed(desk.connection, 2).count("\n") == 2
    assert reports.listed(Desk().connection, 2) == "There is no report yet."
