"""Reporters receive the changes of their reports in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from server.ops.metrics import Traffic
from server.protocol.codes import ReportState
from server.protocol.frames import ReportStatus
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.hub import Hub
from server.room.session import Session
from server.rules.messages import Person
from server.rules.relations import RelationIndex
from server.storage import report_rows, reports, webhook_state
from server.storage.base import Reader
from server.storage.events import ReportChanged
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from tests.support.recording_outlet import RecordingOutlet
from tests.support.slow_database import SlowDatabase
from tests.support.stored_reports import ALICE, BOB, TERMS, evidence

SITE_STATES = (ReportState.SEEN, ReportState.RESOLVED)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SlowDatabase]:
    """Return a desk with a report of Alice and one of Bob."""
    database = SlowDatabase(str(tmp_path / "room.sqlite"))
    for number, person in enumerate((ALICE, BOB), 7):
        submission = Submission(person, evidence(number, person.name), None, add=False)
        await database.write(partial(reports.submit, TERMS, submission))
    yield database
    await database.close()


class Room:
    """A desk, and Alice, who receives its notifications."""

    def __init__(self, database: SlowDatabase) -> None:
        hub, self._outlet, self._requests = Hub(RelationIndex(), Traffic()), RecordingOutlet(), PendingRequests()
        session = Session(self._outlet)
        session.log_in(ALICE)
        hub.join(session, ALICE)
        self.desk = ReportDesk(database, hub, TERMS, [asyncio.Event()], self._requests)
        database.hear(ReportChanged, self._on_changes)

    def _on_changes(self, events: Sequence[ReportChanged]) -> None:
        self._requests.add([event.report for event in events])
        self.desk.on_changes(events)

    def shown(self) -> list[str]:
        """Return the statuses that Alice received."""
        return [frame.report.status for frame in self._outlet.frames if isinstance(frame, ReportStatus)]


@pytest.mark.parametrize(("of", "status", "reads"), [(ALICE, "seen", 2), (BOB, "received", 1)])
async def test_a_list_is_not_older_than_a_notification_sent_meanwhile(
    database: SlowDatabase, of: Person, status: str, reads: int
) -> None:
    """Otherwise the reader would go back to an older status; reports of others cause no second read."""
    (report,) = await database.read(partial(report_rows.sent_by, of.identity, 1, "report"))
    room = Room(database)
    database.meanwhile = partial(room.desk.site_said, report.id, ReportState.SEEN, "")
    database.reads = 0
    (entry,) = (await room.desk.sent_by(Reader(ALICE, ["lobby", "tea"]))).reports
    assert (entry.status, database.reads) == (status, reads)


async def test_an_older_status_does_not_follow_a_newer_one(database: SlowDatabase) -> None:
    (report,) = await database.read(partial(report_rows.sent_by, ALICE.identity, 1, "report"))
    await database.write(partial(webhook_state.pause, webhook="report", why="for the test"))
    await database.write(_change_without_event)
    room = Room(database)
    seen, resolved = (partial(room.desk.site_said, report.id, state, "") for state in SITE_STATES)
    # What is unnotified is sent once two calls in a row have found it.
    await room.desk.notify_missed()
    database.meanwhile = seen
    await room.desk.notify_missed()
    await database.write(_change_without_event)
    database.meanwhile = resolved
    await room.desk.notify_waiting()
    assert room.shown() == ["seen", "resolved"]


def _change_without_event(connection: SqlConnection) -> None:
    """Change all reports as a command of an earlier version would."""
    connection.execute("UPDATE report SET notified = 0, status = 'waiting'")
