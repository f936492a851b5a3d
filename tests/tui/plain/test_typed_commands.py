"""Parsing typed lines in line mode."""

import pytest

from server.protocol.frames import ReportReason
from tui.plain.typed_commands import (
    LineError,
    Text,
    TypedCommand,
    name_and_text,
    number_and_rest,
    parse,
    reason_and_comment,
    usage,
)

REASONS = [
    ReportReason("It's spam", comment_required=False),
    ReportReason("It's abusive (racist, homophobic, etc.)", comment_required=False),
    ReportReason("Other (please describe)", comment_required=True),
]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("  ", None),
        ("\t hi  there ", Text("\t hi  there ")),
        ("/me  waves ", TypedCommand("me", " waves ")),
        ("//who", Text("/who")),
        ("/who", TypedCommand("who", "")),
        ("/msg bob  hi /who", TypedCommand("msg", "bob  hi /who")),
        ("/report 3 spam", TypedCommand("report", "3 spam")),
    ],
)
def test_a_line_is_text_or_a_command(line: str, meant: Text | TypedCommand | None) -> None:
    assert parse(line) == meant


@pytest.mark.parametrize("line", ["/dance", "/", "/msg", "/report", "/report 3", "/profile", "/join"])
def test_an_incomplete_command_shows_its_usage(line: str) -> None:
    with pytest.raises(LineError, match=r"Usage: /|Unknown command /"):
        parse(line)


@pytest.mark.parametrize(
    ("text", "reason", "comment"),
    [
        ("1", 0, ""),
        ("3 Look at it", 2, "Look at it"),
        ("SPAM every day", 0, "every day"),
        ("it's abusive (racist, homophobic, etc.) to me", 1, "to me"),
        ("homophobic", 1, ""),
        ("abus every day", 1, "every day"),
    ],
)
def test_a_reason_is_a_number_a_word_or_its_text(text: str, reason: int, comment: str) -> None:
    assert reason_and_comment(text, REASONS) == (REASONS[reason], comment)


@pytest.mark.parametrize("text", ["0", "4", "9999999999", "-1", "²", "it's", "nothing", "he insulted me", "at", "e"])
def test_an_unknown_or_ambiguous_reason_lists_the_reasons(text: str) -> None:
    with pytest.raises(LineError, match="1 It's spam; 2 "):
        reason_and_comment(text, REASONS)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("msg", "/msg NAME TEXT"), ("search", "/search WORDS"), ("read", "/read [all]"), ("who", "/who")],
)
def test_usage_shows_no_brackets_around_arguments_that_line_mode_requires(name: str, shown: str) -> None:
    assert usage(name) == shown


def test_brackets_around_a_number_are_allowed() -> None:
    assert number_and_rest("[12] spam it") == (12, "spam it")
    with pytest.raises(LineError, match="is not a number"):
        number_and_rest("x spam")


def test_a_name_with_spaces_is_found_where_it_is_known() -> None:
    known = ["Inés", "Inés ⚓", "bob"]
    assert name_and_text("Inés ⚓ ahoy there", known) == ("Inés ⚓", "ahoy there")
    assert name_and_text("@inés ⚓ ahoy there", known) == ("Inés ⚓", "ahoy there")
    assert name_and_text("@Bob hi", known) == ("bob", "hi")
    assert name_and_text("@carol hi there", known) == ("carol", "hi there")


@pytest.mark.parametrize("line", ["gr\udcfc\udcdfe", "/msg bob \udcff", "\udc80"])
def test_a_line_that_is_not_utf_8_is_refused(line: str) -> None:
    with pytest.raises(LineError, match="not UTF-8"):
        parse(line)


def test_a_name_of_two_words_is_not_read_as_a_name_and_a_message() -> None:
    with pytest.raises(LineError, match="There is no text after the name “Inés ⚓”"):
        name_and_text("Inés ⚓", ["Inés", "Inés ⚓", "bob"])


def test_a_word_that_could_belong_to_several_reasons_is_refused() -> None:
    """Otherwise a site could get a report of child abuse about a message that was only rude."""
    reasons = [*REASONS, ReportReason("It's child abuse (CP, CSAM, etc.)", comment_required=False)]
    with pytest.raises(LineError, match="matches several reasons"):
        reason_and_comment("abuse he called me names", reasons)
    assert reason_and_comment("abusive he called me names", reasons) == (reasons[1], "he called me names")
    assert reason_and_comment("child look", reasons) == (reasons[3], "look")
