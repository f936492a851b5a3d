"""What is said of one report, in the order in which it was said, and what the site says of it."""

import pytest

from server.engine import reports
from server.protocol.codes import ReportState
from tests.support.desk import TERMS, Desk


@pytest.fixture
def desk() -> Desk:
    """The site hears of withdrawals."""
    return Desk(TERMS._replace(evidence=True))


def site_says(desk: Desk, report_id: str, status: ReportState, note: str = "") -> None:
    """The site calls back."""
    assert reports.site_said(report_id, status, note, lambda: desk.at, desk.connection)


def test_what_the_site_says_does_not_count_as_a_report_of_the_reporter() -> None:
    desk = Desk(TERMS._replace(per_hour=3))
    for number in (1, 2):
        site_says(desk, desk.submit(number).id, ReportState.RESOLVED, "Banned.")
    assert desk.submit(3).status is ReportState.RECEIVED
