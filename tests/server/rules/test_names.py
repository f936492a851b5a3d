"""Valid names, and the number that makes a taken one free."""

import sys
import unicodedata
from collections.abc import Callable, Container

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from server.protocol.characters import UNSEEN
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER
from server.protocol.name_text import MAX_NAME_CHARS, unfit
from server.protocol.names import key
from server.rules import names
from server.rules.refusal import Refusal

TEXT = st.text(max_size=MAX_NAME_CHARS + 8)
LIKELY = st.text(st.sampled_from("abzZéß李м안नेم_.'’-· \u3000🦊２2e\u0301"), max_size=MAX_NAME_CHARS + 8)
"""Texts most of which are valid names."""


def granted(text: str) -> str | None:
    """Return the name, or None if it is refused."""
    try:
        return names.check(text)
    except Refusal:
        return None


@given(LIKELY | TEXT)
@example("  Zoë  van\u3000Dam ")
@example("e\u0301a")
def test_checking_a_granted_name_again_changes_nothing(text: str) -> None:
    name = granted(text)
    assume(name is not None)
    assert name is not None
    assert names.check(name) == name


@given(LIKELY | TEXT)
def test_a_granted_name_is_short_and_visible_and_not_the_servers(text: str) -> None:
    name = granted(text)
    assume(name is not None)
    assert name is not None
    assert 1 <= len(name) <= MAX_NAME_CHARS
    assert not UNSEEN.search(name)
    assert name == name.strip()
    assert key(name) != key(CHAT_SERVER)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" \u3000 ", id="only spaces"),
        pytest.param("al\x1b[31mice", id="escape"),
        pytest.param("al\nice", id="line feed"),
        pytest.param("al\x85ice", id="C1 control"),
        pytest.param("al\u2028ice", id="line separator"),
        pytest.param("al\u202eice", id="bidi override"),
        pytest.param("al\u2066ice", id="bidi isolate"),
        pytest.param("al\u200bice", id="zero-width space"),
        pytest.param("al\u200dice", id="zero-width joiner"),
        pytest.param("al\ufe0fice", id="variation selector"),
        pytest.param("al\u00adice", id="soft hyphen"),
        pytest.param("al\U000e0041ice", id="tag"),
        pytest.param("\u3164", id="Hangul filler"),
        pytest.param("al\ud800ice", id="lone surrogate"),
        pytest.param("x" * (MAX_NAME_CHARS + 1), id="too long"),
        pytest.param("@alice", id="like a direct message"),
        pytest.param("#lobby", id="like a channel"),
        pytest.param("/quit", id="like a command"),
        pytest.param("\u0301alice", id="begins with an accent"),
        pytest.param("ada: I sell pills", id="an author before a colon"),
        pytest.param("* ada has left, bob", id="a notice"),
        pytest.param("ada\uff1a I sell", id="a colon in full width"),
        pytest.param("\u201cada\u201d", id="in quotation marks"),
        pytest.param("\u2018ada\u2019", id="in single quotation marks"),
        pytest.param("ada''", id="apostrophes that look like a quotation mark"),
        pytest.param("[2] ada", id="a number of a message"),
        pytest.param("ada> bob", id="a mark of a quotation"),
        pytest.param("ada\u00bb hello", id="the mark that ends an author"),
        pytest.param("-ada", id="a list"),
        pytest.param("\u00b7 ada has left", id="a mark of a notice"),
        pytest.param("ada\u0903 bob", id="a sign of another script that looks like a colon"),
        pytest.param("ada\U0003134b", id="unassigned"),
        pytest.param("ada\ue000", id="private"),
        pytest.param("ada\u1175", id="zero-width letter"),
        pytest.param("ada\U00013437", id="format character"),
        pytest.param("e" + "\u0336" * 7, id="a pile of accents"),
        pytest.param("ChatServer", id="the server"),
        pytest.param("CHATSERVER", id="the server in capitals"),
        pytest.param("ＣｈａｔＳｅｒｖｅｒ", id="the server in full width"),
        pytest.param("\u0421hatServer", id="the server with a Cyrillic letter"),
        pytest.param("\ua4da\ua4e7\u13aa\u0422\ua4e2\u0415\u13a1\u0474\u0415\u13a1", id="the server in other capitals"),
        pytest.param("ChatServer 2", id="the server numbered"),
        pytest.param("Chát-Server 🦊", id="the server decorated"),
        pytest.param("a\u00b7b", id="a middle dot that is not Catalan"),
        pytest.param("1\u0662\u06f3", id="digits of two scripts"),
    ],
)
def test_a_name_that_misleads_is_refused_with_an_explanation(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        names.check(text)
    assert refused.value.code == ErrorCode.BAD_NAME
    assert refused.value.message.endswith(".")
    assert not UNSEEN.search(refused.value.message)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "alice",
            "Zoë",
            "José",
            "李小龍",
            "佐々木",
            "マリー・キュリー",
            "안녕",
            "ㅠㅠ",
            "Nguyễn Thị Minh Khai",
            "Gal·la",
        ),
        *("O'Brien", "O’Brien", "'t Hooft", "Kaʻiulani", "Jean-Luc", "o'Neil_3", "bob_2", "_x_", "x.y", "J. R. R."),
        *("محمد", "Владимир", "Ελένη", "Աննա", "ნინო", "אברהם", "ג׳ורג׳", "नेहा", "दुःखहर", "மு.கருணாநிதி", "සිරිපාල"),
        *("สมชาย", "ကျော်", "សុខា", "བསྟན་འཛིན", "ትዕግስት", "ǁGaroëb", "Ɓala", "〇〇", "Ⅷ", "42"),
        *("🦊", "🦊 fox", "⚓ Inés", "🇩🇪 Max", "👋🏽 hi", "x" * MAX_NAME_CHARS),
    ],
)
def test_an_honest_name_is_granted_unchanged(name: str) -> None:
    assert names.check(name) == name


def test_no_character_of_a_name_is_unassigned_or_takes_no_space() -> None:
    # Beyond the third plane nearly everything is unassigned.
    for char in map(chr, [*range(0x40000), *range(0x40000, sys.maxunicode, 97)]):
        kind = unicodedata.category(char)
        if not unfit(unicodedata.normalize("NFC", char)):
            assert kind[0] in "LNPS" or char == " ", ascii(char)
            assert cell_len(char) > 0, ascii(char)
            assert wcwidth(char) > 0, ascii(char)


def test_a_refusal_says_what_is_allowed_and_what_to_leave_out() -> None:
    with pytest.raises(Refusal) as refused:
        names.check("ada: I sell")
    said = "Use letters, numbers, spaces, emoji and _ . ' - in a name. Remove U+003A (colon)."
    assert refused.value.message == said


def test_spaces_are_trimmed_and_repeated_ones_collapsed() -> None:
    assert names.check("  Anna \u3000 Lena ") == "Anna Lena"


def test_a_name_is_in_composed_unicode_form() -> None:
    assert names.check("Zoe\u0308") == "Zoë"


def among(taken: Container[str]) -> Callable[[str], bool]:
    """Return whether a name is among the taken ones."""
    return lambda name: key(name) in taken


def test_a_taken_name_gets_the_first_number_that_is_free() -> None:
    assert names.free("alice", among(set())) == "alice"
    assert names.free("Alice", among({"alice"})) == "Alice 2"
    assert names.free("alice", among({"alice", "alice 2", "alice 3"})) == "alice 4"


class Taken(set[str]):
    """A set of names that counts look-ups."""

    looked_up = 0

    def __contains__(self, name: object) -> bool:
        self.looked_up += 1
        return super().__contains__(name)


@pytest.mark.parametrize("people", [1, 10, 100, 1_000, 10_000])
def test_a_free_name_is_found_with_few_look_ups(people: int) -> None:
    taken = Taken(["alice", *(f"alice {number}" for number in range(2, people + 1))])
    assert names.free("alice", among(taken)) == f"alice {people + 1}"
    assert taken.looked_up <= 2 * (people + 1).bit_length() + 1


@given(st.sets(st.integers(1, 40)))
def test_a_free_number_follows_a_taken_one_whatever_numbers_are_taken(numbers: set[int]) -> None:
    taken = Taken("alice" if number == 1 else f"alice {number}" for number in numbers)
    free = names.free("alice", among(taken))
    assert free not in set(taken)
    number = int(free.removeprefix("alice") or 1)
    assert number == 1 or number - 1 in numbers
    assert taken.looked_up <= 14


@given(LIKELY, st.integers(min_value=1, max_value=120))
@example("x" * MAX_NAME_CHARS, 12)
@example("x" * (MAX_NAME_CHARS - 3) + " yz", 12)
def test_a_numbered_name_is_free_not_too_long_and_can_be_requested_again(text: str, people: int) -> None:
    name = granted(text)
    assume(name is not None)
    assert name is not None
    taken: set[str] = set()
    for _ in range(people):
        free = names.free(name, among(taken))
        assert key(free) not in taken
        assert len(free) <= MAX_NAME_CHARS
        assert names.check(free) == free
        taken.add(key(free))


def test_a_text_that_is_too_long_is_refused() -> None:
    marks = "a" + "\u0315\u0300" * MAX_NAME_CHARS * 4
    assert granted(marks) is None
    assert granted("e\u0301" * MAX_NAME_CHARS) == "é" * MAX_NAME_CHARS
