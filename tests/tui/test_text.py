"""Cleaning untrusted text keeps what it says and removes what could act on the terminal."""

import sys
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import inspect

from server.protocol.characters import MAX_MARKS
from server.protocol.frames import (
    ChannelEntry,
    Disconnect,
    Error,
    Limits,
    Message,
    Profile,
    ProfileField,
    ReportReason,
    ServerFrame,
    Webhooks,
    Welcome,
)
from tui.clean_frames import clean_frame
from tui.text import clean, clean_line, clean_own


def _span(first: int, last: int) -> set[str]:
    return {chr(code) for code in range(first, last + 1)}


BIDI = {"\u061c", "\u200e", "\u200f"} | _span(0x202A, 0x202E) | _span(0x2066, 0x2069)
CONTROL = _span(0, 0x1F) | _span(0x7F, 0x9F) | {"\u2028", "\u2029"}
SURROGATES = _span(0xD800, 0xDFFF)
JOINERS = {"\u200c", "\u200d"}
# Unicode's Default_Ignorable_Code_Point, without the joiners and variation selectors that emoji and spelling need.
INVISIBLE = (
    {"\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180e", "\u200b", "\u3164", "\ufeff", "\uffa0"}
    | (_span(0x180B, 0x180F) | _span(0x2060, 0x206F) | _span(0xFFF0, 0xFFFB) | _span(0x1BCA0, 0x1BCA3))
    | (_span(0x1D173, 0x1D17A) | _span(0xE0000, 0xE0FFF))
) - BIDI
INVISIBLE -= _span(0xFFF0, 0xFFF8)  # Unassigned so far.
# Format characters by category that are visible: signs around numbers, and hieroglyph quadrats.
SHOWN = _span(0x600, 0x605) | {"\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"}
SHOWN |= _span(0x13430, 0x1345F)
HOSTILE = CONTROL | BIDI | SURROGATES | INVISIBLE

COMMANDS = {
    "title": "\x1b]2;PWNED\x07",
    "clipboard": "\x1b]52;c;SGVsbG8=\x07",
    "hyperlink": "\x1b]8;;javascript:x\x1b\\",
    "alternate screen": "\x1b[?1049l",
    "mouse": "\x1b[?1003l",
    "colour": "\x1b[31m",
    "device control": "\x1bPq#0;2;0;0;0\x1b\\",
    "C1 CSI": "\x9b?1003l",
    "C1 OSC": "\x9d2;PWNED\x9c",
    "C1 DCS": "\x90q\x9c",
}
WRITTEN = {
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "rainbow flag": "🏳\ufe0f\u200d🌈",
    "heart on fire": "❤\ufe0f\u200d🔥",
    "eye in a bubble": "👁\ufe0f\u200d🗨\ufe0f",
    "technologist with a skin tone": "👩🏽\u200d💻",
    "flag of two letters": "🇩🇪",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3",
    "heart as an emoji": "I ❤\ufe0f it",
    "heart as text": "I ❤\ufe0e it",
    "Persian with a non-joiner": "می\u200cخواهم",
    "Devanagari with a joiner": "क्\u200dष, र्\u200dक",
    "Devanagari": "नमस्ते",
    "Thai": "สวัสดีครับ น้ำ ที่นี่",
    "Hebrew with points": "שָׁלוֹם בְּרֵאשִׁית",
    "Arabic with vowels": "السَّلَامُ عَلَيْكُمْ",
    "decomposed Vietnamese": "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "CJK": "日本語 中文，한국어",
    "bars and boxes": "│ ▌ ░ ⚑ ✓",
    "Markdown": "**bold** [x](http://a.example) `[/nope]`",
}
LETTERS = st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters=sorted(INVISIBLE | {"\u2800"}))
NASTY = st.sampled_from(sorted(HOSTILE - _span(0xD801, 0xDFFE) - _span(0xE0080, 0xE0FFF)))
GLUE = st.sampled_from("\u200c\u200d\ufe0f\ufe0e\u0301\u20e3a 1❤\r\n\t")
ANYTHING = st.text(st.one_of(st.characters(), NASTY, GLUE), max_size=40)


def hostile_in(text: str, *, but: str = "") -> set[str]:
    """Return the characters of a text that must not reach a terminal."""
    return {hex(ord(char)) for char in text if char in HOSTILE and char not in but}


@pytest.mark.parametrize("char", sorted(CONTROL - {"\t", "\n", "\r", "\x85", "\u2028", "\u2029"}))
def test_a_control_character_becomes_a_visible_one(char: str) -> None:
    for cleaned in (clean(f"a{char}b"), clean_line(f"a{char}b")):
        assert len(cleaned) == 3
        assert cleaned[0] == "a"
        assert cleaned[2] == "b"
        assert cleaned[1].isprintable()
        assert not cleaned[1].isspace()


def test_control_characters_become_their_own_control_pictures() -> None:
    assert clean("\x00\x07\x1b\x7f\x9b") == "␀␇␛␡\ufffd"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_to_the_terminal_stays_readable_and_has_no_effect(command: str) -> None:
    cleaned = clean(f"before {command} after")
    assert not hostile_in(cleaned)
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    assert "".join(char for char in command if char.isprintable()) in cleaned.replace("␛", "").replace("\ufffd", "")


def test_no_control_bidi_or_invisible_character_is_left_in_any_context() -> None:
    for char in HOSTILE - {"\n"}:
        for text in (char, f"a{char}b", f"{char}{char}", f"❤{char}\ufe0f", f"\u200d{char}\u200d", f"\n{char}\n"):
            assert not hostile_in(clean(text), but="\n\t"), hex(ord(char))
            assert not hostile_in(clean_line(text)), hex(ord(char))


def test_every_format_character_of_unicode_is_removed_unless_it_is_visible() -> None:
    formats = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"}
    assert {hex(ord(char)) for char in formats - SHOWN - JOINERS if char in clean(f"é{char}é")} == set()


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\u2060", "\U000e0041"])
def test_reordering_and_invisible_characters_are_left_out(char: str) -> None:
    assert clean(f"ab{char}cd") == "abcd"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_a_line_ends_the_same_way_whatever_ended_it(end: str) -> None:
    assert clean(f"one{end}two") == "one\ntwo"
    assert clean_line(f"one{end}two") == "one two"


def test_a_tab_stays_unless_the_text_is_one_line() -> None:
    assert clean("a:\n\tx") == "a:\n\tx"
    assert clean_line("\tx") == "    x"


def test_the_users_own_text_keeps_everything_but_terminal_commands() -> None:
    own = "می\u200cخواهم \u200eabc\u200f \u2067x\u2069 👩\u200d🚀\n\t  x\ufe0f\u200b"
    assert clean_own(own) == own
    assert clean_own("a\r\nb\x1b[31m\x00\ud800") == "a\nb␛[31m␀\ufffd"


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    assert clean("a\ud83db") == "a\ufffdb"
    clean("\ud83d\udc00").encode()


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert clean(text) == text
    assert clean_line(text) == text
    assert clean(f"hm {text}\n{text}!") == f"hm {text}\n{text}!"


@pytest.mark.parametrize("text", ["จ้าาาาาาาาาาาา", "ดีมากๆๆๆๆๆๆๆๆๆ", "฿฿฿฿฿฿฿฿฿฿", "เเเเเเเเเเ"])
def test_thai_with_repeated_letters_is_unchanged(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("glue", ["\u200c", "\u200d", "\ufe0f", "\ufe0e"])
@pytest.mark.parametrize("before", ["", "a", "Z", " ", "\n", "a\u200b"])
def test_joiners_and_variation_selectors_with_nothing_to_act_on_are_left_out(before: str, glue: str) -> None:
    assert clean(f"{before}{glue}b") == clean(f"{before}b")
    assert clean(f"{before}{glue * 5}b") == clean(f"{before}b")


@pytest.mark.parametrize("glue", ["\u200c", "\u200d", "\ufe0f"])
def test_repeated_joiners_and_variation_selectors_are_reduced_to_one(glue: str) -> None:
    assert clean(f"❤{glue * 9}x") == f"❤{glue}x"


@pytest.mark.parametrize("glue", ["\ufe0f\u200d", "\u200d\ufe0f"])
def test_alternating_joiners_and_variation_selectors_do_not_pile_up(glue: str) -> None:
    assert clean(f"a{glue * 4}b") == "ab"
    assert len(clean(f"❤{glue * 20}🔥")) <= 4


@pytest.mark.parametrize(
    "mark",
    ["\u0301", "\u0336", "\u20d7", "\u0489", "\u0e49", "\ufe20", "\u05b0", "\u064b", "\u0301\u0e34\u20d7"],
    ids=lambda mark: hex(ord(mark[0])),
)
def test_marks_heaped_on_one_character_are_capped(mark: str) -> None:
    cleaned = clean(f"a{mark * 60}b")
    assert len(cleaned) <= MAX_MARKS + 2
    assert (cleaned[0], cleaned[-1]) == ("a", "b")


@pytest.mark.parametrize("between", ["\u200d", "\u200c", "\ufe0f", "\u200b", "\u202e"])
def test_marks_are_limited_even_with_invisible_characters_in_between(between: str) -> None:
    cleaned = clean("é" + ("\u0301" * MAX_MARKS + between) * 20)
    assert sum(unicodedata.combining(char) > 0 for char in cleaned) <= MAX_MARKS


@given(ANYTHING)
def test_clean_text_has_no_control_character_but_tab_and_line_feed(text: str) -> None:
    assert not hostile_in(clean(text), but="\n\t")
    assert not {char for char in clean(text) if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}} - {"\n", "\t"}


@given(ANYTHING)
def test_a_clean_line_has_no_control_character_at_all(text: str) -> None:
    assert not hostile_in(clean_line(text))
    assert clean_line(text).splitlines() in ([], [clean_line(text)])


@given(ANYTHING)
@example("a\ufe0f\u200d")
@example("é\u200d\ufe0f\u200d")
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)
    assert clean_line(clean(text)) == clean_line(text)


@given(ANYTHING)
def test_a_clean_text_can_be_written_as_utf_8(text: str) -> None:
    clean(text).encode()


@given(st.text(LETTERS))
def test_plain_printable_text_is_unchanged(text: str) -> None:
    assert clean(text) == text
    assert clean_line(text) == text


WITHOUT_TEXT: dict[type[inspect.Type], object] = {
    inspect.BoolType: False,
    inspect.IntType: 7,
    inspect.DateTimeType: datetime(2026, 3, 14, tzinfo=UTC),
    inspect.BytesType: b64encode(b"p" * 32).decode(),
}


def _filled(kind: inspect.Type, text: str) -> object:
    """Return a value of a field's type in which every string is `text`."""
    match kind:
        case inspect.Metadata():
            return _filled(kind.type, text)
        case inspect.StrType(max_length=int(longest)):
            return text[:longest]
        case inspect.StrType():
            return text
        case inspect.BoolType() | inspect.IntType() | inspect.DateTimeType() | inspect.BytesType():
            return WITHOUT_TEXT[type(kind)]
        case inspect.ListType():
            return [_filled(kind.item_type, text)] * 2
        case inspect.UnionType():
            return _filled(next(each for each in kind.types if not isinstance(each, inspect.NoneType)), text)
        case inspect.StructType():
            return {field.encode_name: _filled(field.type, text) for field in kind.fields}
        case _:
            raise AssertionError(f"fill {kind} too")


def _strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string in a frame, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _strings(each, f"{path}[{number}]")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _strings(getattr(value, name), f"{path}.{name}")
    else:
        assert isinstance(value, bool | int | bytes | datetime | None), f"look into {path} too"


# The commands come first, as most fields are cut before the end.
EVERYTHING = "ok" + "".join(COMMANDS.values()) + "".join(sorted(HOSTILE)) + "\r\nok"


@pytest.mark.parametrize("kind", get_args(ServerFrame), ids=lambda kind: str(kind.__name__))
def test_no_hostile_character_is_left_anywhere_in_a_frame(kind: type[msgspec.Struct]) -> None:
    frame = msgspec.convert(_filled(inspect.type_info(kind), EVERYTHING), kind)
    before = dict(_strings(frame))
    after = dict(_strings(clean_frame(frame)))
    assert after.keys() == before.keys()
    assert {path: hostile_in(text, but="\n\t") for path, text in after.items()} == {path: set() for path in before}
    many = {path for path, text in after.items() if "\n" in text}
    assert {path.rpartition(".")[2] for path in many} <= {"message", "comment", "value"}
    assert all("␛]52;c;SGVsbG8=␇" in text for path, text in after.items() if before[path] == EVERYTHING)


def test_every_kind_of_frame_with_text_is_filled() -> None:
    empty = {
        kind.__name__
        for kind in get_args(ServerFrame)
        if not list(_strings(msgspec.convert(_filled(inspect.type_info(kind), "x"), kind)))
    }
    assert empty == {"Takeback"}


def test_a_clean_frame_differs_only_in_its_text() -> None:
    at = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
    assert clean_frame(Message("lob\x1bby", "bo\u202eb", "one\r\ntwo", 7, at, "n\x07")) == Message(
        "lob␛by", "bob", "one\ntwo", 7, at, "n␇"
    )
    assert clean_frame(Profile("b\no", [ProfileField("a\nb", "c\nd")], "n", "e\nf", "g\nh")) == Profile(
        "b o", [ProfileField("a b", "c\nd")], "n", "e f", "g h"
    )
    welcome = Welcome(
        epoch="e",
        title="T\u200b",
        channels=[ChannelEntry("a\x9b", "b\x9d")],
        webhooks=Webhooks(report=True, profile=False),
        report_reasons=[ReportReason("r\x00", comment_required=True)],
        limits=Limits(1, 2, 3, 4),
    )
    assert clean_frame(welcome) == msgspec.structs.replace(
        welcome,
        title="T",
        channels=[ChannelEntry("a\ufffd", "b\ufffd")],
        report_reasons=[ReportReason("r␀", comment_required=True)],
    )


@pytest.mark.parametrize("frame", [Error("m", "c", "u"), Disconnect("w", 1001, reconnect=True)])
def test_a_frame_of_plain_text_is_unchanged(frame: ServerFrame) -> None:
    assert clean_frame(frame) == frame
