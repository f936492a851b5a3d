"""Names contain only the characters of names, and cannot imitate the line around them."""

import sys
import unicodedata

import pytest
from hypothesis import example, given

from server.protocol import name_text
from tests.support.imitation import TEXTS

UNASSIGNED = range(0x40000, sys.maxunicode + 1)
"""Codes that no version of Unicode has assigned to a character, except for tags and variation selectors."""
CODES = (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE1000), *UNASSIGNED[::101])
EVERYTHING = [chr(code) for code in CODES]
STRUCTURE = set(':;,!?[](){}<>*|"`«»‹›“”„‟‘‚‛@#/\\~=+&%$^\ufffd')
GOOD_PUNCTUATION = set("_.'’-·・׳་")
LOOK_ALIKES = "：﹕︓∶꞉ː˸։׃⁚ः，﹐‚、［］（）【】｛｝＜＞❮❯≪≫⟩〉＊⁎∗✱✳｜│┃❘❙¦＂″‶〃❝❞❛❜🙶🙷🙸＇`´ˈʺˮ´；⸵•●▸►➤⚑✓✗─━┊"


def test_characters_used_as_structure_are_not_allowed_in_names() -> None:
    """Includes compatibility forms: fullwidth, small, vertical, parenthesised numbers."""
    for char in EVERYTHING:
        if STRUCTURE & {char, *unicodedata.normalize("NFKC", char)}:
            assert name_text.unfit(char), f"U+{ord(char):04X}"
            assert name_text.shown(f"a{char}b") == "a\ufffdb"


def test_characters_of_other_unicode_categories_are_not_allowed() -> None:
    for char in EVERYTHING:
        kind = unicodedata.category(char)
        if kind[0] in "CZ" or kind in {"Me", "Ps", "Pe", "Pi", "Pf", "Pd", "Pc", "Po", "Sm", "Sc"}:
            assert name_text.unfit(char) or char in GOOD_PUNCTUATION | {" "}, f"U+{ord(char):04X}"


def test_only_wide_symbols_are_emoji() -> None:
    for char in EVERYTHING:
        if unicodedata.category(char) in {"So", "Sk"} and not name_text.unfit(char):
            wide = unicodedata.east_asian_width(char) == "W"
            assert wide or 0x1F1E6 <= ord(char) <= 0x1F1FF, f"U+{ord(char):04X}"


@pytest.mark.parametrize("char", LOOK_ALIKES)
def test_lookalikes_of_structure_are_not_allowed(char: str) -> None:
    assert name_text.unfit(f"ada{char} I sell") == unicodedata.normalize("NFC", char)


@pytest.mark.parametrize(
    "text", ["\u0301a", "a \u20f0", "_\u0301", "ada\u0903", "🦊\u0301", "a\u20dd", "1\u20e3", "a🏽"]
)
def test_a_mark_without_a_letter_is_not_allowed(text: str) -> None:
    assert name_text.unfit(text)


@pytest.mark.parametrize(
    "char", ["\u1161", "\u11ff", "\ud7b0", "\u3164", "\uffa0", "\u0378", "\ue000", "\u070f", "\U00013437"]
)
def test_unassigned_private_and_zero_width_characters_are_not_allowed(char: str) -> None:
    assert name_text.unfit(f"ada{char}") == char


# A mark, a joiner or a skin tone after a character that is replaced.
@example("\u00bc\u0301")
@example("\u2460\u200d\u2460")
@example("\u00bc\U0001f3fd")
@given(TEXTS)
def test_a_shown_name_has_no_structure_and_is_shown_the_same_again(text: str) -> None:
    shown = name_text.shown(text)
    assert shown
    assert not set(shown) & (STRUCTURE - {"\ufffd"})
    assert shown == " ".join(shown.split())
    assert name_text.shown(shown) == shown


@given(TEXTS, TEXTS)
def test_author_and_text_can_be_distinguished(author: str, text: str) -> None:
    line = name_text.said(author, text)
    assert line.partition(name_text.SEPARATOR) == (name_text.shown(author), name_text.SEPARATOR, text)


def test_a_name_of_joined_emoji_from_another_server_is_shown_unchanged() -> None:
    assert name_text.shown("👩\u200d💻 می\u200cخواهم") == "👩\u200d💻 می\u200cخواهم"
    assert name_text.shown("a\u200dda") == "a\ufffdda"
