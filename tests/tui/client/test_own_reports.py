"""The user's reports: their status follows the server, nothing is lost, and each change is announced once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    CHAT_SERVER,
    Addition,
    Error,
    ReportEntry,
    ReportRequest,
    Reports,
    ReportStatus,
    Withdraw,
)
from tests.support.scripted_server import report, stands
from tui.client.entries import Line
from tui.client.own_reports import ADD_INSTEAD, KEPT, REFUSED, OwnReports, Remark, ReportDraft
from tui.client.report_words import STATUS_WORDS, meaning, news, sentence
from tui.tone import Tone

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
DRAFT = ReportDraft("It's spam", "so", (2, 4))
LINE = Line(3, "bob", "buy my stuff", NOW, mine=False)


def sent(nonce: str = "n1") -> tuple[OwnReports, ReportRequest]:
    """A report that has been sent but not answered."""
    reports = OwnReports()
    return reports, reports.send(LINE, "lobby", DRAFT, nonce)


def told(reports: OwnReports, *entries: ReportEntry) -> list[str]:
    """Return what the user is told about these changes."""
    return [remark.text for entry in entries for remark in reports.fold_status(ReportStatus(entry), NOW)]


def refusal(code: ErrorCode, nonce: str = "n1") -> Error:
    """A report refused by the server."""
    return Error("Why not", code, CHAT_SERVER, nonce)


def test_a_report_says_what_was_filled_in_and_counts_as_reported_at_once() -> None:
    reports, ask = sent()
    assert ask == ReportRequest(3, "It's spam", "so", "n1", (2, 4), add=False)
    assert reports.reported(3)
    assert reports.marked == set()


def test_a_report_is_sent_again_until_it_is_answered() -> None:
    reports, ask = sent()
    reports.lost()
    assert reports.unsent() == [ask]
    reports.fold_status(stands(ask, "received"), NOW)
    assert reports.unsent() == []
    assert reports.marked == {3}


def test_an_answer_to_another_request_is_ignored() -> None:
    reports, ask = sent()
    reports.fold_status(ReportStatus(report(3), "n9"), NOW)
    reports.fold_status(ReportStatus(report(3)), NOW)
    assert reports.unsent() == [ask]


@pytest.mark.parametrize("status", [*(state for state in ReportState if state != ReportState.WITHDRAWN), "odd"])
def test_another_report_of_the_message_adds_to_the_first(status: str) -> None:
    reports, ask = sent()
    reports.fold_status(stands(ask, status), NOW)
    assert reports.reported(3)
    assert reports.send(LINE, "lobby", DRAFT, "n2").add


def test_a_withdrawn_report_is_not_marked_and_another_one_is_an_addition() -> None:
    reports, ask = sent()
    reports.fold_status(stands(ask, "withdrawn"), NOW)
    assert not reports.reported(3)
    assert reports.send(LINE, "lobby", DRAFT, "n2").add


def test_delivery_is_announced_once_and_receipt_is_not() -> None:
    reports, ask = sent()
    assert reports.fold_status(stands(ask, "received"), NOW) == []
    assert reports.fold_status(stands(ask, "delivered"), NOW) == [
        Remark("Your report about “bob” reached the site. Thank you.", Tone.GOOD, "lobby")
    ]
    assert told(reports, report(3)) == []


def test_a_waiting_report_is_announced_once_for_each_cause() -> None:
    reports = OwnReports()
    waiting = [
        report(3, status="waiting", error=error, next_at=NOW + timedelta(seconds=seconds))
        for seconds, error in ((5, "It cannot be reached."), (30, "It cannot be reached."), (120, "Status 500."))
    ]
    assert told(reports, *waiting, waiting[0]) == [
        "It cannot be reached. Your report about “bob” is saved and will be resent in 5 s.",
        "Status 500. Your report about “bob” is saved and will be resent in 2 min.",
    ]
    assert len(told(reports, report(3), waiting[0])) == 2


def test_a_second_delivery_after_an_addition_is_shown_too() -> None:
    reports, ask = sent()
    reports.fold_status(stands(ask), NOW)
    more = reports.send(LINE, "lobby", DRAFT, "n2")
    reports.fold_status(stands(more, "received"), NOW)
    assert len(told(reports, report(3))) == 1
    # The answer arrives after the news that it was delivered.
    again = reports.send(LINE, "lobby", DRAFT, "n3")
    assert len(reports.fold_status(stands(again), NOW)) == 1


def test_a_status_from_the_site_is_shown_with_its_note_and_again_for_another_note() -> None:
    reports = OwnReports()
    seen, resolved = report(3, status="seen"), report(3, status="resolved", note="Account closed")
    assert told(reports, seen, resolved, resolved, structs.replace(resolved, note="Reopened.")) == [
        "A moderator of the site has looked at your report about “bob”.",
        "Your report about “bob” was resolved. The site says: Account closed",
        "Your report about “bob” was resolved. The site says: Reopened.",
    ]


def test_given_up_withdrawn_and_unknown_statuses_are_shown() -> None:
    assert news(report(3, status="given-up", error="It never answered"), NOW) == (
        "It never answered. Your report about “bob” is saved, but will not be resent automatically. The administrator"
        " can resend it."
    )
    assert news(report(3, status="withdrawn"), NOW) == "Your report about “bob” is withdrawn."
    assert news(report(3, status="lost at sea"), NOW) == "Your report about “bob”: lost at sea."


def test_a_list_of_reports_notifies_of_what_changed_since() -> None:
    reports = OwnReports()
    told(reports, report(4, status="received"))
    list_ = Reports([report(3), report(4), report(5)], ["rep_3"])
    remarks = reports.fold_list(list_, NOW)
    assert [(remark.channel, "bob" in remark.text) for remark in remarks] == [("", True), ("", True)]
    assert reports.fold_list(list_, NOW) == []
    assert told(reports, report(5)) == []
    assert reports.marked == {3, 4, 5}


def test_an_answer_that_arrives_after_the_list_is_still_shown() -> None:
    reports, ask = sent()
    assert reports.fold_list(Reports([report(3)]), NOW) == []
    assert len(reports.fold_status(stands(ask), NOW)) == 1


def test_the_list_is_newest_first_and_replaces_the_previous_one() -> None:
    reports = OwnReports()
    reports.fold_list(Reports([report(3), report(5), report(4)]), NOW)
    assert [each.msg_id for each in reports.entries] == [5, 4, 3]
    reports.fold_list(Reports([report(4)]), NOW)
    assert [each.msg_id for each in reports.entries] == [4]
    assert reports.find("rep_3") is None


def test_the_list_is_loading_until_it_arrives_or_cannot_arrive() -> None:
    reports = OwnReports()
    ends: list[Callable[[], object]] = [
        lambda: reports.fold_list(Reports([], nonce="n1"), NOW),
        lambda: reports.fold_error(refusal(ErrorCode.STORAGE)),
        reports.lost,
    ]
    for end in ends:
        reports.ask("n1")
        assert reports.loading
        end()
        assert not reports.loading


def test_a_withdrawal_is_sent_again_until_it_was_answered() -> None:
    reports = OwnReports()
    told(reports, report(3))
    assert reports.withdraw("rep_3", "n2") == Withdraw("rep_3", "n2")
    reports.lost()
    assert reports.unsent() == [Withdraw("rep_3", "n2")]
    reports.fold_status(ReportStatus(report(3, status="withdrawn"), "n2"), NOW)
    assert reports.unsent() == []


def test_a_refused_withdrawal_says_why_and_is_not_sent_again() -> None:
    reports = OwnReports()
    reports.withdraw("rep_3", "n2")
    assert reports.fold_error(refusal(ErrorCode.UNKNOWN_REPORT, "n2")) == []
    assert (reports.problem, reports.unsent()) == ("Why not", [])
    reports.ask("n3")
    assert not reports.problem


@pytest.mark.parametrize("code", ErrorCode)
def test_every_refusal_is_shown_and_only_an_earlier_report_is_flagged(code: ErrorCode) -> None:
    reports, _ = sent()
    (remark,) = reports.fold_error(refusal(code)) or []
    assert remark.text.startswith(f"{REFUSED} Why not.")
    assert remark.tone is Tone.BAD
    assert reports.marked == ({3} if code is ErrorCode.ALREADY_REPORTED else set())


@pytest.mark.parametrize("code", [ErrorCode.BAD_REASON, ErrorCode.TOO_MANY_REPORTS, ErrorCode.STORAGE, "new-code"])
def test_what_was_filled_in_is_kept_after_a_refusal_until_it_is_sent(code: ErrorCode) -> None:
    reports, _ = sent()
    assert reports.fold_error(refusal(code)) == [Remark(f"{REFUSED} Why not. {KEPT}", Tone.BAD, "lobby")]
    assert reports.drafts == {3: DRAFT}
    assert not reports.reported(3)
    reports.fold_status(stands(reports.send(LINE, "lobby", DRAFT, "n2"), "received"), NOW)
    assert reports.drafts == {}


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_MESSAGE, ErrorCode.CANNOT_REPORT_SELF, ErrorCode.WEBHOOK_OFF])
def test_no_draft_is_stored_if_a_retry_cannot_succeed(code: ErrorCode) -> None:
    reports, _ = sent()
    assert reports.fold_error(refusal(code)) == [Remark(f"{REFUSED} Why not.", Tone.BAD, "lobby")]
    assert reports.drafts == {}


def test_a_context_that_was_refused_is_not_sent_again() -> None:
    reports, _ = sent()
    reports.fold_error(refusal(ErrorCode.BAD_CONTEXT))
    assert reports.drafts == {3: DRAFT._replace(context=())}


def test_an_earlier_report_can_be_added_to() -> None:
    reports, _ = sent()
    assert reports.fold_error(refusal(ErrorCode.ALREADY_REPORTED)) == [
        Remark(f"{REFUSED} Why not. {ADD_INSTEAD}", Tone.BAD, "lobby")
    ]
    assert reports.marked == {3}
    assert reports.send(LINE, "lobby", DRAFT, "n2").add


def test_an_error_about_another_request_is_ignored() -> None:
    reports, _ = sent()
    assert reports.fold_error(refusal(ErrorCode.STORAGE, "n9")) is None
    assert reports.fold_error(structs.replace(refusal(ErrorCode.STORAGE), nonce=None)) is None


def test_times_without_a_zone_can_be_compared() -> None:
    reports = OwnReports()
    naive = NOW.replace(tzinfo=None)
    odd = report(4, reported_at=naive, next_at=naive, status="waiting", additions=[Addition(naive, "Other", "")])
    assert len(told(reports, report(3), odd)) == 2
    assert reports.entries[0].additions[0].at == NOW
    assert [each.msg_id for each in reports.entries] == [4, 3]


@pytest.mark.parametrize("status", [*ReportState, "{odd} {}"])
def test_each_status_has_a_text_wherever_it_is_shown(status: str) -> None:
    assert set(STATUS_WORDS) == set(ReportState)
    shown = [news(report(3, status=status), NOW), meaning(report(3, status=status), NOW)]
    assert all(line.endswith(".") for line in shown if line)
    assert any(shown)


def test_a_text_without_a_final_mark_gets_a_full_stop() -> None:
    assert [sentence(text) for text in ("a", "a.", "a?", "a! ", "")] == ["a.", "a.", "a?", "a!", ""]


def test_a_status_from_the_site_after_a_withdrawal_is_shown_as_such() -> None:
    reports = OwnReports()
    assert told(reports, report(3, status="withdrawn")) == ["Your report about “bob” is withdrawn."]
    words = "Your report about “bob” is withdrawn. The site says: They are banned."
    for expected in ([words], []):
        assert told(reports, report(3, status="withdrawn", note="They are banned.")) == expected


def test_unsent_text_is_saved_for_the_next_start() -> None:
    reports = OwnReports()
    reports.store_draft(3, ReportDraft("It's spam", "third time", (1,)))
    assert reports.drafts[3].comment == "third time"
    reports.store_draft(3, ReportDraft("It's spam", ""))
    assert not reports.drafts
