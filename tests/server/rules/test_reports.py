"""Who may report what, and what the site is told: the record, never the reporter's claim."""

from datetime import UTC, datetime

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, ReportReason
from server.rules.publications import Person, Publication
from server.rules.refusal import Refusal
from server.rules.reports import Evidence, check_form, evidence, reason_list
from server.settings import Settings

AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)
ALICE, BOB, CAROL = Person("alice", "a-1"), Person("bob", "b-1"), Person("carol", "c-1")
SPAM = Publication(7, AT, BOB, "lobby", None, "buy my stuff", "n-1")
DIRECT = Publication(8, AT, BOB, "", ALICE, "nasty", None)
REASONS = reason_list(["It's spam", "Other (please describe)"])


def test_a_report_says_what_the_server_has_on_record() -> None:
    assert evidence(ALICE, SPAM, "It's spam", "look") == Evidence(
        "alice", "bob", "lobby", AT, "It's spam", "buy my stuff", "look"
    )


def test_a_direct_message_is_reported_under_the_other_ones_name() -> None:
    assert evidence(ALICE, DIRECT, "It's spam", "").channel == "@bob"


def refused(reporter: Person, publication: Publication | None) -> Refusal:
    """The refusal that this report must meet."""
    with pytest.raises(Refusal) as caught:
        evidence(reporter, publication, "It's spam", "")
    return caught.value


def test_nobody_reports_a_direct_message_of_others_and_it_looks_like_none() -> None:
    unreadable, unknown = refused(CAROL, DIRECT), refused(CAROL, None)
    assert unreadable.code == unknown.code == ErrorCode.UNKNOWN_MESSAGE
    assert unreadable.message == unknown.message


def test_nobody_reports_their_own_message() -> None:
    assert refused(BOB, SPAM).code == ErrorCode.CANNOT_REPORT_SELF


def test_ones_own_message_from_before_a_rename_is_still_ones_own() -> None:
    assert refused(Person("bobby", "b-1"), SPAM).code == ErrorCode.CANNOT_REPORT_SELF


def test_a_report_never_says_that_somebody_reported_their_own_name() -> None:
    assert refused(Person("BOB", "b-2"), SPAM).code == ErrorCode.CANNOT_REPORT_SELF


def test_only_a_reason_that_begins_with_other_needs_a_comment() -> None:
    reasons = reason_list(Settings().report_reasons)
    assert [one.reason for one in reasons if one.comment_required] == ["Other (please describe)"]
    assert reason_list(["OTHER"]) == [ReportReason("OTHER", comment_required=True)]


def test_a_reason_that_the_room_does_not_have_is_refused() -> None:
    for reason in ("", "it's spam", "Because"):
        with pytest.raises(Refusal) as caught:
            check_form(reason, "x", REASONS)
        assert caught.value.code == ErrorCode.BAD_REASON


@pytest.mark.parametrize("comment", ["", "  \n "])
def test_other_without_a_comment_is_refused(comment: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_form("Other (please describe)", comment, REASONS)
    assert caught.value.code == ErrorCode.BAD_COMMENT


def test_a_reason_that_says_enough_needs_no_comment() -> None:
    assert not check_form("It's spam", "", REASONS)


def test_a_comment_is_trimmed_and_limited() -> None:
    assert check_form("It's spam", "  please look \n", REASONS) == "please look"
    assert len(check_form("It's spam", " " + "x" * MAX_COMMENT_CHARS, REASONS)) == MAX_COMMENT_CHARS
    with pytest.raises(Refusal) as caught:
        check_form("It's spam", "x" * (MAX_COMMENT_CHARS + 1), REASONS)
    assert caught.value.code == ErrorCode.BAD_COMMENT
