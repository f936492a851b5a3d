"""Several reports of one message: the first is delivered at once, later ones together, and nobody's is lost."""

import pytest

from server.protocol.codes import ReportState
from server.rules.evidence import Companion
from server.rules.messages import Person
from server.rules.retries import GATHERING_SECONDS, Result
from server.storage import gathering, reports
from tests.support.empty_room import ON_SQLITE, in_memory
from tests.support.stored_reports import ACCEPTED, ALICE, FAILED, TERMS, Desk

CROWD = [Person(f"guest {number}", f"g-{number}") for number in range(18)]


def flooded(desk: Desk) -> list[str]:
    """Store a delivered report, and 18 later ones of the same message; return the IDs of these."""
    desk.submit()
    (claim,) = desk.claim()
    desk.note(claim, ACCEPTED)
    return [desk.submit(reporter=guest).id for guest in CROWD]


def statuses(desk: Desk, report_ids: list[str]) -> set[ReportState]:
    return {desk.find(report_id).status for report_id in report_ids}


def test_a_flood_of_reports_about_one_message_makes_two_posts(desk: Desk) -> None:
    others = flooded(desk)
    assert not desk.claim()
    desk.pass_time(GATHERING_SECONDS)
    (carrier,) = desk.claim(room=8)
    people, along = gathering.companions(desk.connection, carrier)
    assert (people, len(along), carrier.report_id) == (19, 17, others[0])
    assert along[0] == Companion(others[1], "guest 1", "g-1", "It's spam", "look")
    desk.note(carrier, ACCEPTED)
    assert statuses(desk, others) == {ReportState.DELIVERED}
    assert desk.next_due() is None


def test_a_post_contains_a_limited_number_of_reports(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They change in one transaction; the others are in further posts."""
    monkeypatch.setattr(gathering, "MAX_GATHERED", 4)
    others = flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    carriers = []
    while claims := desk.claim(room=1):
        carriers += claims
        desk.note(claims[0], ACCEPTED)
    assert [claim.report_id for claim in carriers] == others[::5]
    assert [gathering.companions(desk.connection, claim)[0] for claim in carriers] == [6, 11, 16, 19]
    assert statuses(desk, others) == {ReportState.DELIVERED}


@pytest.mark.parametrize("add", [False, True])
def test_nothing_overtakes_a_report_that_another_one_carries(desk: Desk, add: bool) -> None:
    """Otherwise a site that received a withdrawal first would keep the report."""
    desk.terms = TERMS._replace(evidence=True)
    others = flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    (carrier,) = desk.claim()
    if add:
        desk.submit(reporter=CROWD[3], add=True)
    else:
        desk.withdraw(others[3], CROWD[3])
    assert not desk.claim("two")
    desk.note(carrier, ACCEPTED)
    (claim,) = desk.claim()
    assert claim.report_id == others[3]


@pytest.mark.parametrize("result", [ACCEPTED, FAILED])
def test_sqlite_attempt_reads_no_more_often_for_many_reports(result: Result) -> None:
    """Each statement is a round trip to a database that several servers share."""
    reads = []
    for count in (2, 18):
        connection, statements = in_memory(), list[str]()
        desk = Desk(connection=connection)
        for guest in CROWD[:count]:
            desk.submit(reporter=guest)
        desk.pass_time(3600)
        (claim,) = desk.claim(room=18)
        connection.set_trace_callback(statements.append)
        desk.note(claim, result)
        connection.set_trace_callback(None)
        reads.append(len([each for each in statements if not each.startswith("UPDATE report")]))
    assert reads[0] == reads[1]


def test_the_next_group_of_reports_waits_longer(desk: Desk) -> None:
    flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    (carrier,) = desk.claim()
    desk.note(carrier, ACCEPTED)
    desk.submit(reporter=Person("late", "l-1"))
    assert desk.next_due() == 2 * GATHERING_SECONDS
    desk.submit(8, Person("late", "l-1"))
    assert (desk.next_due() or 0) <= 0, "another message"


def test_a_failed_post_is_retried_with_the_same_reports(desk: Desk) -> None:
    others = flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    (first,) = desk.claim()
    desk.submit(reporter=Person("late", "l-1"))
    desk.note(first, FAILED)
    assert statuses(desk, others) == {ReportState.WAITING}
    desk.pass_time(3600)
    claims = desk.claim()
    assert [claim.id for claim in claims if claim.attempt == 2] == [first.id]
    assert sorted(len(gathering.companions(desk.connection, claim).reports) for claim in claims) == [0, 17]
    for claim in claims:
        desk.note(claim, ACCEPTED)
    assert statuses(desk, others) == {ReportState.DELIVERED}


def test_reports_are_delivered_without_the_one_that_carries_them_if_it_is_withdrawn(desk: Desk) -> None:
    others = flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    (carrier,) = desk.claim()
    desk.note(carrier, FAILED)
    desk.terms = TERMS._replace(evidence=False)
    desk.withdraw(others[0], CROWD[0])
    desk.pass_time(3600)
    (again,) = desk.claim()
    assert again.report_id == others[1]
    desk.note(again, ACCEPTED)
    assert statuses(desk, others) == {ReportState.WITHDRAWN, ReportState.DELIVERED}


def test_a_status_from_the_site_applies_to_all_reports_of_the_delivery(desk: Desk) -> None:
    others = flooded(desk)
    desk.pass_time(GATHERING_SECONDS)
    (carrier,) = desk.claim()
    desk.note(carrier, ACCEPTED)
    reports.site_said(others[0], ReportState.RESOLVED, "Thank you.", desk.connection)
    assert statuses(desk, others) == {ReportState.RESOLVED}
    assert {desk.find(each).note for each in others} == {"Thank you."}


@ON_SQLITE
def test_reports_given_up_together_are_delivered_again_together(desk: Desk) -> None:
    others = flooded(desk)
    desk.fail_until_given_up()
    assert statuses(desk, others) == {ReportState.GIVEN_UP}
    (carrier,) = desk.values("SELECT DISTINCT gathered_in FROM delivery WHERE gathered_in IS NOT NULL")
    reports.replay(str(carrier), desk.connection)
    desk.try_next(ACCEPTED)
    assert statuses(desk, others) == {ReportState.DELIVERED}


def test_a_clock_that_was_set_back_does_not_delay_a_report(desk: Desk) -> None:
    desk.submit()
    desk.submit(reporter=CROWD[0])
    desk.pass_time(-1_000_000)
    desk.submit(reporter=ALICE._replace(identity="a-2"))
    assert (desk.next_due() or 0) <= GATHERING_SECONDS * 2
