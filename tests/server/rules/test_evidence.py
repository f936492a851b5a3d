"""Who may report what, and what the site receives: the record, never the reporter's claim."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, ReportReason
from server.rules.evidence import ContextLine, Evidence, check_form, context_lines, evidence, reason_list, reportable
from server.rules.messages import Person, Publication
from server.rules.refusal import Refusal
from server.settings import Settings

AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)
ALICE, BOB, CAROL = Person("alice", "a-1"), Person("bob", "b-1"), Person("carol", "c-1")
SPAM = Publication(7, AT, BOB, "lobby", None, "buy my stuff", "n-1")
DIRECT = Publication(8, AT, BOB, "", ALICE, "nasty", None)
REASONS = reason_list(["It's spam", "Other (please describe)"])


def test_a_report_contains_the_record_of_the_server() -> None:
    assert evidence(ALICE, SPAM, "It's spam", "look", (), holds_name=False) == Evidence(
        reporter="alice",
        about="bob",
        channel="lobby",
        msg_id=7,
        at=AT,
        message="buy my stuff",
        reason="It's spam",
        comment="look",
        context=(),
        reporter_identity="a-1",
        about_identity="b-1",
        holds_name=False,
    )


def test_a_reported_direct_message_names_the_other_person() -> None:
    assert evidence(ALICE, DIRECT, "It's spam", "", (), holds_name=True).channel == "@bob"


def refused(reporter: Person, publication: Publication | None) -> Refusal:
    """Return the refusal of this report."""
    with pytest.raises(Refusal) as caught:
        reportable(reporter, publication)
    return caught.value


def test_a_direct_message_of_others_cannot_be_reported_and_looks_unknown() -> None:
    unreadable, unknown = refused(CAROL, DIRECT), refused(CAROL, None)
    assert unreadable.code == unknown.code == ErrorCode.UNKNOWN_MESSAGE
    assert unreadable.message == unknown.message


def test_nobody_can_report_their_own_message() -> None:
    assert refused(BOB, SPAM).code == ErrorCode.CANNOT_REPORT_SELF


def test_the_reporters_own_message_from_before_a_rename_cannot_be_reported() -> None:
    assert refused(Person("bobby", "b-1"), SPAM).code == ErrorCode.CANNOT_REPORT_SELF


@pytest.mark.parametrize("name", ["bob", "BOB"])
def test_the_holder_of_a_name_can_report_its_earlier_holder(name: str) -> None:
    assert reportable(Person(name, "b-2"), SPAM) is SPAM


def test_a_deleted_message_can_be_reported_until_its_text_is_gone() -> None:
    taken_back = replace(SPAM, taken_back=True)
    assert reportable(ALICE, taken_back) is taken_back
    assert refused(ALICE, replace(taken_back, text="")).code == ErrorCode.UNKNOWN_MESSAGE


def around(*numbers: int, channel: str = "lobby") -> list[Publication]:
    """Return messages from Carol."""
    return [Publication(number, AT, CAROL, channel, None, f"no. {number}", None) for number in numbers]


def test_the_context_is_in_order_and_from_the_record() -> None:
    found = [*around(6), replace(SPAM, msg_id=9, taken_back=True)]
    assert context_lines(ALICE, SPAM, found, [6, 7, 9]) == (
        ContextLine("carol", AT, "no. 6", "c-1"),
        ContextLine("bob", AT, "buy my stuff", "b-1"),
    )


@pytest.mark.parametrize(
    "found",
    [
        around(6, channel="tea"),
        [replace(DIRECT, msg_id=6)],
        [replace(DIRECT, msg_id=6, peer=CAROL)],
    ],
    ids=["another channel", "a conversation", "others' conversation"],
)
def test_a_context_from_elsewhere_is_refused(found: list[Publication]) -> None:
    with pytest.raises(Refusal) as caught:
        context_lines(ALICE, SPAM, found, [6, 7])
    assert caught.value.code == ErrorCode.BAD_CONTEXT


LATE = replace(SPAM, msg_id=50)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (range(40, 50), range(35, 51)),
        ([40], range(35, 51)),
        ([31, 45], range(30, 51, 2)),
        ([1, 2], [1, 2, 50]),
        (range(51, 56), range(40, 56)),
        ([55], [49, 50, 55]),
        ([55], [49, 51, 52, 55]),
    ],
    ids=[
        "the ten before",
        "the tenth before",
        "among messages of which some are hidden",
        "the only ones shown",
        "the five after",
        "the next",
        "around a hidden message",
    ],
)
def test_messages_nearby_are_accepted_as_context(found: Sequence[int], shown: Sequence[int]) -> None:
    assert len(context_lines(ALICE, LATE, around(*found), shown)) == len(found)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([39], range(35, 51)),
        ([29, 41], range(30, 51, 2)),
        ([56], range(41, 57)),
        (range(39, 50), [30, 50]),
        (range(51, 57), [50, 56]),
    ],
    ids=["the eleventh before", "far away, with one near", "the sixth after", "eleven before", "six after"],
)
def test_messages_far_away_are_refused_as_context(found: Sequence[int], shown: Sequence[int]) -> None:
    with pytest.raises(Refusal) as caught:
        context_lines(ALICE, LATE, around(*found), shown)
    assert caught.value.code == ErrorCode.BAD_CONTEXT


def test_only_a_reason_that_begins_with_other_needs_a_comment() -> None:
    reasons = reason_list(Settings().report_reasons)
    assert [one.reason for one in reasons if one.comment_required] == ["Other (please describe)"]
    assert reason_list(["OTHER"]) == [ReportReason("OTHER", comment_required=True)]


def test_an_unknown_reason_is_refused() -> None:
    for reason in ("", "it's spam", "Because"):
        with pytest.raises(Refusal) as caught:
            check_form(reason, "x", REASONS)
        assert caught.value.code == ErrorCode.BAD_REASON


@pytest.mark.parametrize("comment", ["", "  \n "])
def test_other_without_a_comment_is_refused(comment: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_form("Other (please describe)", comment, REASONS)
    assert caught.value.code == ErrorCode.BAD_COMMENT


def test_other_reasons_need_no_comment() -> None:
    assert not check_form("It's spam", "", REASONS)


def test_a_comment_is_trimmed_and_limited() -> None:
    assert check_form("It's spam", "  please look \n", REASONS) == "please look"
    assert len(check_form("It's spam", " " + "x" * MAX_COMMENT_CHARS, REASONS)) == MAX_COMMENT_CHARS
    with pytest.raises(Refusal) as caught:
        check_form("It's spam", "x" * (MAX_COMMENT_CHARS + 1), REASONS)
    assert caught.value.code == ErrorCode.BAD_COMMENT
