"""Who reads a message, under which channel, and which texts are valid."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_MESSAGE_CHARS, Message
from server.rules.messages import Person, Publication, check_text
from server.rules.refusal import Refusal

AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)
ALICE, BOB, CAROL = Person("alice", "a-1"), Person("bob", "b-1"), Person("carol", "c-1")
SAID = Publication(7, AT, ALICE, "lobby", None, "hello", "n-1")
DIRECT = Publication(8, AT, ALICE, "", BOB, "psst", "n-2")


def test_everyone_reads_a_channel() -> None:
    assert all(SAID.readable_by(person) for person in (ALICE, BOB, CAROL))


def test_only_author_and_recipient_read_a_direct_message() -> None:
    assert [DIRECT.readable_by(person) for person in (ALICE, BOB, CAROL)] == [True, True, False]


def test_the_next_holder_of_a_name_does_not_read_its_direct_messages() -> None:
    assert not DIRECT.readable_by(Person("bob", "somebody else"))
    assert not DIRECT.readable_by(Person("alice", "somebody else"))


def test_a_direct_message_has_the_name_of_the_other_person() -> None:
    assert DIRECT.channel_for(ALICE) == "@bob"
    assert DIRECT.channel_for(BOB) == "@alice"


def test_a_channel_has_one_name_for_all() -> None:
    assert {SAID.channel_for(person) for person in (ALICE, BOB, CAROL)} == {"lobby"}


def test_the_frame_says_what_was_stored() -> None:
    assert SAID.frame_for(CAROL) == Message("lobby", "alice", "hello", 7, AT, "n-1")
    assert DIRECT.frame_for(BOB) == Message("@alice", "alice", "psst", 8, AT, "n-2")


@pytest.mark.parametrize(
    ("reader", "own"),
    [
        (ALICE, None),
        (CAROL, None),
        (Person("alice 2", "a-1"), True),
        (Person("ALICE", "a-1"), True),
        (Person("alice", "impostor"), False),
        (Person("Alice", "impostor"), False),
    ],
)
def test_the_frame_says_whether_a_message_is_the_readers_own_where_names_would_mislead(
    reader: Person, own: bool | None
) -> None:
    assert SAID.frame_for(reader).own is own


@pytest.mark.parametrize("text", ["", "   ", "\n\t\r\n", "\u3000"])
def test_an_empty_message_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_text(text)
    assert refused.value.code == ErrorCode.BAD_MESSAGE


def test_a_message_over_the_limit_is_refused_with_both_numbers() -> None:
    assert check_text("x" * MAX_MESSAGE_CHARS) == "x" * MAX_MESSAGE_CHARS
    with pytest.raises(Refusal) as refused:
        check_text("x" * (MAX_MESSAGE_CHARS + 1))
    assert refused.value.code == ErrorCode.BAD_MESSAGE
    assert str(MAX_MESSAGE_CHARS) in refused.value.message
    assert str(MAX_MESSAGE_CHARS + 1) in refused.value.message


def test_the_limit_counts_characters_and_not_bytes() -> None:
    assert check_text("🦊" * MAX_MESSAGE_CHARS) == "🦊" * MAX_MESSAGE_CHARS


def test_blank_lines_around_a_message_are_trimmed_and_its_indentation_is_kept() -> None:
    assert check_text("\r\n\n    code\n\n    more  \n") == "    code\n\n    more"


@given(st.text(max_size=40))
def test_checking_a_checked_text_again_changes_nothing(text: str) -> None:
    try:
        checked = check_text(text)
    except Refusal:
        return
    assert check_text(checked) == checked
    assert checked in text
