"""PostgreSQL finds reports by indexes, even in tables without statistics: every server looks for them every second."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import cast

from server.protocol.codes import ReportState
from server.storage import gathering, leases, outbox, report_rows, reports
from server.storage.outbox import Attempt
from server.storage.postgres.database import PostgresDatabase
from server.storage.reports import Submission
from server.storage.sql import Rows, SqlConnection, Value, Values
from tests.support.stored_reports import ALICE, FAILED, TERMS, evidence

EXPLAINED = ("SELECT", "UPDATE", "INSERT", "DELETE")


class ExplainingConnection:
    """Collects the plan of each statement."""

    def __init__(self, connection: SqlConnection) -> None:
        self.plans: list[tuple[str, str]] = []
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, values: Values = (), /) -> Rows:
        """See SqlConnection."""
        assert sql.startswith(EXPLAINED)
        plan = self._connection.execute(f"EXPLAIN {sql}", values).fetchall()
        self.plans.append((sql, "\n".join(line for (line,) in plan)))
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, values: Iterable[Sequence[Value]], /) -> None:
        """See SqlConnection."""
        for each in values:
            self.execute(sql, each)


def fill(connection: SqlConnection) -> None:
    """Store reports that were delivered."""
    rows = "FROM generate_series(101, 600) AS n"
    for statement in (
        "INSERT INTO trail (seq, report_id, at, content, hash)"
        f" SELECT n, 'r' || n, n, repeat('x', 2000), n::text {rows}",
        "INSERT INTO report (id, seq, reporter, reporter_identity, msg_id, status, about, about_identity, taken_back)"
        f" SELECT 'r' || n, n, 'a', 'a-' || n, n, 'delivered', 'm', 'm-' || n, 0 {rows}",
        "INSERT INTO delivery (id, seq, report_id, webhook, state, due, changed_at)"
        f" SELECT 'd' || n || '-' || m, n, 'r' || n, 'report', 'delivered', n, n {rows}, generate_series(1, 20) AS m",
    ):
        connection.execute(statement)


def take_all_steps(msg_id: int, connection: SqlConnection) -> list[tuple[str, str]]:
    """Do everything with a report; return the statements with their plans."""
    explaining = ExplainingConnection(connection)
    database = cast(SqlConnection, explaining)
    report = reports.submit(TERMS, Submission(ALICE, evidence(msg_id), None, add=False), database)
    leases.next_due(database, "report", ())
    claim, *_ = gathering.gather(database, leases.claim(database, "report", "holder", 8, ()))
    gathering.companions(database, claim)
    leases.renew(database, claim)
    reports.record_attempt(claim, Attempt(connection.now, 1, FAILED), 0.0, database)
    leases.next_due(database, "report", ())
    outbox.depth(database, "report")
    report_rows.sent_by(ALICE.identity, 100, "report", database)
    report_rows.found_of([ALICE.identity], report_rows.UNNOTIFIED, "report", database)
    report_rows.latest_before("", 100, database)
    reports.site_said(report.id, ReportState.SEEN, "", database)
    reports.withdraw(TERMS, report.id, ALICE, database)
    return explaining.plans


async def test_reports_are_found_by_indexes(url: str) -> None:
    database = PostgresDatabase(url)
    for msg_id, before in enumerate((lambda _: None, fill)):
        await database.write(before)
        for sql, plan in await database.write(partial(take_all_steps, msg_id)):
            # The tables with one row for each room and webhook have few rows.
            assert not re.search(r"Seq Scan on (?!room|webhook)", plan), f"{sql}\n{plan}"
            # To the latest of all rows, the rows of one report are far away.
            assert not re.search(r"Backward using (?!trail_pkey|report_seq)", plan), f"{sql}\n{plan}"
    await database.close()
