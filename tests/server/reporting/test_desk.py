"""Reporters receive the changes of their reports in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from server.ops.metrics import Traffic
from server.protocol.codes import ReportState
from server.reporting.desk import ReportDesk
from server.room.hub import Hub
from server.rules.messages import Person
from server.rules.relations import RelationIndex
from server.storage import report_rows, reports
from server.storage.base import Reader
from server.storage.events import ReportChanged
from server.storage.fair import SERVER, QueueKey
from server.storage.reports import Submission
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.stored_reports import ALICE, BOB, TERMS, evidence

Result = TypeVar("Result")


class SlowDatabase(SqliteDatabase):
    """A database on which something else happens after a read, before its result is returned."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    reads = 0

    async def read(self, work: Callable[[SqlConnection], Result], key: QueueKey = SERVER) -> Result:
        """See Database."""
        found, self.reads = await super().read(work, key), self.reads + 1
        if change := self.meanwhile:
            self.meanwhile = None
            await change()
        return found


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SlowDatabase]:
    """Return a desk with a report of Alice and one of Bob."""
    database = SlowDatabase(str(tmp_path / "room.sqlite"))
    for number, person in enumerate((ALICE, BOB), 7):
        submission = Submission(person, evidence(number, person.name), None, add=False)
        await database.write(partial(reports.submit, TERMS, submission))
    yield database
    await database.close()


@pytest.mark.parametrize(("of", "status", "reads"), [(ALICE, "seen", 2), (BOB, "received", 1)])
async def test_a_list_is_not_older_than_a_notification_sent_meanwhile(
    database: SlowDatabase, of: Person, status: str, reads: int
) -> None:
    """Otherwise the reader would go back to an older status; reports of others cause no second read."""
    (report,) = await database.read(partial(report_rows.sent_by, of.identity, 1, "report"))
    room = ReportDesk(database, Hub(RelationIndex(), Traffic()), TERMS, [asyncio.Event()])
    database.hear(ReportChanged, room.on_changes)
    database.meanwhile = partial(room.site_said, report.id, ReportState.SEEN, "")
    database.reads = 0
    (entry,) = (await room.sent_by(Reader(ALICE, ["lobby", "tea"]))).reports
    assert (entry.status, database.reads) == (status, reads)
