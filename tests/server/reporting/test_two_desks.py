"""Two servers of one room receive the changes of all reports, including those that the other one stores."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from server.ops.metrics import Traffic
from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry, ReportStatus
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.hub import Hub
from server.room.session import Session
from server.rules.messages import Person
from server.rules.refusal import Refusal
from server.rules.reservations import Obstacle
from server.storage import gathering, leases, report_rows, reports, retention
from server.storage.base import Reader
from server.storage.database import Database
from server.storage.events import ReportChanged, ReportDeleted, ReportOpened, body_of, event_of
from server.storage.journal import Kind
from server.storage.outbox import Attempt
from server.storage.people import People
from server.storage.postgres.database import PostgresDatabase
from server.storage.reports import Submission
from server.storage.retention import KeptDays
from server.storage.sql import SqlConnection
from server.storage.sqlite_database import SqliteDatabase
from tests.support.postgres import SharedPostgres
from tests.support.postgres_database import until
from tests.support.recording_outlet import RecordingOutlet
from tests.support.stored_reports import ACCEPTED, ALICE, BOB, FAILED, TERMS, evidence

MESSAGES = (7, 8)
LATER = 3600 * 1000
"""Longer than every delay of the schedule, so that whatever waits is due."""


class JournalReader:
    """A server's access to the shared database; it receives events as JSON."""

    def __init__(self, shared: SqliteDatabase) -> None:
        self._shared = shared

    def __getattr__(self, name: str) -> object:
        return getattr(self._shared, name)

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """See Database."""

        def received(events: Sequence[Kind]) -> None:
            listener([cast(Kind, event_of(kind.__name__, body_of(event))) for event in events])

        self._shared.hear(kind, received)


class ReportServer:
    """A server with one reporter."""

    def __init__(self, name: str, reporter: Person, database: Database) -> None:
        self.reporter = reporter
        self.people = People(database)
        self.waiting = asyncio.Event()
        hub, self._outlet = Hub(self.people.relations, Traffic()), RecordingOutlet()
        session = Session(self._outlet)
        session.person = reporter
        hub.join(session, reporter)
        self._requests = PendingRequests()
        self.desk = ReportDesk(database, hub, TERMS._replace(node=name), [self.waiting], self._requests)
        database.hear(ReportOpened, self._on_changes)
        database.hear(ReportChanged, self._on_changes)

    def _on_changes(self, events: Sequence[ReportOpened | ReportChanged]) -> None:
        self._requests.add([event.report for event in events])
        self.desk.on_changes(events)

    def shown(self) -> list[ReportEntry]:
        """Return the notifications that the reporter received."""
        return [frame.report for frame in self._outlet.frames if isinstance(frame, ReportStatus)]

    async def report(self, msg_id: int, *, add: bool = False) -> ReportEntry:
        """Report a message by its own author, or add to that report."""
        author = structs.replace(
            evidence(msg_id, self.reporter.name), about=f"mallory{msg_id}", about_identity=f"m-{msg_id}"
        )
        return await self.desk.submit(Submission(self.reporter, author, None, add))


@pytest.fixture(params=["sqlite", "postgres"])
async def databases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Return the database of a room as two servers have it open."""
    if request.param == "sqlite":
        shared = SqliteDatabase(str(tmp_path / "room.sqlite"))
        yield cast(Database, JournalReader(shared)), cast(Database, JournalReader(shared))
        await shared.close()
        return
    postgres: SharedPostgres = request.getfixturevalue("postgres")
    with postgres.schema() as url:
        one, other = PostgresDatabase(url), PostgresDatabase(url)
        yield one, other
        await one.close()
        await other.close()


async def test_a_reporter_is_notified_of_what_another_server_stores(databases: tuple[Database, Database]) -> None:
    here, elsewhere = ReportServer("one", ALICE, databases[0]), ReportServer("two", BOB, databases[1])
    report = await here.report(7)
    assert await elsewhere.desk.site_said(report.report_id, ReportState.SEEN, "We look into it.")
    await until(lambda: here.shown())
    assert [(each.status, each.note) for each in here.shown()] == [("seen", "We look into it.")]
    assert elsewhere.shown() == []
    await databases[0].write(lambda _: None)
    unnotified = partial(report_rows.found_of, [ALICE.identity], report_rows.UNNOTIFIED, "report")
    assert await databases[1].read(unnotified) == []


async def test_only_the_server_that_stores_a_report_wakes_up_to_deliver_it(
    databases: tuple[Database, Database],
) -> None:
    here, elsewhere = ReportServer("one", ALICE, databases[0]), ReportServer("two", BOB, databases[1])
    report = await here.report(7)
    await _hear_all(databases)
    assert (here.waiting.is_set(), elsewhere.waiting.is_set()) == (True, False)
    here.waiting.clear()
    await elsewhere.desk.withdraw(ALICE, report.report_id)
    await _hear_all(databases)
    assert (here.waiting.is_set(), elsewhere.waiting.is_set()) == (False, True)


async def _hear_all(databases: Sequence[Database]) -> None:
    """Wait until each server has heard of everything stored before: it hears of its own write last."""
    for each in databases:
        await each.write(lambda connection: connection.announce(ReportDeleted("none")))


async def test_an_answer_is_not_older_than_a_notification_sent_before_it(
    databases: tuple[Database, Database],
) -> None:
    """A server that was behind hears of a report and of its delivery by another at the same time."""
    here = ReportServer("one", ALICE, databases[0])
    stored = asyncio.create_task(here.report(7))
    await asyncio.sleep(0)
    databases[0].write_aside(_attempt(accepted=True))
    assert (await stored).status == "delivered"
    assert [each.status for each in here.shown()] == ["delivered"]


def _attempt(*, accepted: bool) -> Callable[[SqlConnection], None]:
    """Return an attempt of one server to deliver all that waits."""

    def work(connection: SqlConnection) -> None:
        connection.now += LATER
        for claim in gathering.gather(connection, leases.claim(connection, "report", "holder", 9, ())):
            result = ACCEPTED if accepted else FAILED
            reports.record_attempt(claim, Attempt(connection.now, 1, result), 0.0, connection)

    return work


STEPS = ("report", "add", "withdraw", "seen", "resolved", "deliver", "fail", "replay", "forget")


async def _follow(steps: Sequence[tuple[str, int, int]], file: str) -> None:
    database = SqliteDatabase(file)
    servers = [
        ReportServer(name, reporter, cast(Database, JournalReader(database)))
        for name, reporter in (("one", ALICE), ("two", BOB))
    ]
    latest: dict[str, tuple[str, str]] = {}
    for step, server, message in steps:
        seen = [len(each.shown()) for each in servers]
        answer = await _do(step, servers[server], MESSAGES[message], database)
        if answer:
            latest[answer.report_id] = (answer.status, answer.error)
        for each, count in zip(servers, seen, strict=True):
            latest |= {entry.report_id: (entry.status, entry.error) for entry in each.shown()[count:]}
        await _agree(servers, latest, database)
    await database.close()


async def _do(step: str, at: ReportServer, msg_id: int, database: SqliteDatabase) -> ReportEntry | None:
    """Take a step; return the answer to the reporter."""
    if step in {"report", "add"}:
        try:
            return await at.report(msg_id, add=step == "add")
        except Refusal:
            return None
    if step in {"deliver", "fail"}:
        await database.write(_attempt(accepted=step == "deliver"))
    elif step == "replay":
        await database.write(lambda connection: [reports.replay(each, connection) for each in _deliveries(connection)])
    elif step == "forget":
        await database.write(_forget)
    else:
        # The other person's report: the site and the deliveries may use any server.
        found = await database.read(partial(report_rows.latest, 9))
        if found and step == "withdraw":
            try:
                return await at.desk.withdraw(at.reporter, found[msg_id % len(found)])
            except Refusal:
                return None
        if found:
            await at.desk.site_said(found[msg_id % len(found)], ReportState(step), "")
    return None


def _deliveries(connection: SqlConnection) -> list[str]:
    return [each for (each,) in connection.execute("SELECT id FROM delivery WHERE state = 'given-up'").fetchall()]


def _forget(connection: SqlConnection) -> None:
    retention.sweep(connection, connection.now + 2 * retention.DAY_MILLISECONDS, KeptDays(1, 1, reports=1))


async def _agree(servers: Sequence[ReportServer], latest: dict[str, tuple[str, str]], database: SqliteDatabase) -> None:
    restarted = People(database)
    await restarted.load()
    held = [[_obstacle(people, msg_id) for msg_id in MESSAGES] for people in (*[s.people for s in servers], restarted)]
    assert held[0] == held[1] == held[2]
    for server in servers:
        listed = (await server.desk.sent_by(Reader(server.reporter, ["lobby"]))).reports
        assert {each.report_id: (each.status, each.error) for each in listed} == {
            each.report_id: latest[each.report_id] for each in listed
        }


def _obstacle(people: People, msg_id: int) -> Obstacle | None:
    return people.obstacle(f"mallory{msg_id}", "someone else")


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 1)), max_size=15))
@example([("report", 0, 0), ("deliver", 0, 0), ("forget", 0, 0)])
@example([("report", 0, 0), ("report", 1, 0), ("fail", 0, 0), ("seen", 0, 0), ("resolved", 1, 0)])
def test_servers_agree_on_reports_whichever_stores_them(steps: Sequence[tuple[str, int, int]]) -> None:
    """They agree on reserved names, as after a restart, and each reporter knows the status of their reports."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_follow(steps, f"{directory}/room.sqlite"))
