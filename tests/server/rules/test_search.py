"""Search queries: words, phrases and filters, and texts folded to one form."""

import unicodedata
from datetime import UTC, datetime
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_MESSAGE_CHARS
from server.rules.refusal import Refusal
from server.rules.search import MAX_GROWTH, MAX_TOKENS, Query, fold, query

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = get_args(Form)

SAME = {
    "upper case": ("Да, это так", "да"),
    "umlaut": ("Öl ist teuer", "öl"),
    "umlaut left out": ("Öl ist teuer", "ol"),
    "composed": ("café", "cafe\u0301"),
    "decomposed": ("cafe\u0301", "café"),
    "accent left out": ("un café noir", "cafe"),
    "sharp s": ("Straße", "STRASSE"),
    "final sigma": ("ΟΔΟΣ", "οδος"),
    "dotted capital I": ("İstanbul", "istanbul"),
    "wide letters": ("ＡＢＣ", "abc"),
    "half-width katakana": ("ｶﾞｷﾞ", "ガギ"),
    "ligature": ("eﬃcient", "efficient"),
    "superscript": ("x² + y²", "x2"),
    "Hangul jamo": ("\u1112\u1161\u11ab글", "한글"),
    "short s": ("maſt", "mast"),
    "stacked marks": ("a\u0323\u0308b", "ab"),
    "after a NUL": ("nul\0hidden word", "hidden"),
    "phrase over two lines": ("good\n  morning all", '"good morning"'),
    "typographic quotes": ("good morning all", "“good morning”"),
    "guillemets": ("bonjour à tous", "«bonjour a»"),
    "Japanese quotes": ("灯台の 油が切れた", "「灯台の 油」"),
    "unclosed quote": ("good morning all", '"good morn'),
    "punctuation": ("C++ is 100% sure_ (a.b@c), don't", "C++ 100% sure_ a.b@c don't"),
    "a lone quotation mark": ('she said "', '"'),
    "words in another order": ("good morning", "morning good"),
    "a filter without a value": ("sent from: me", "from:"),
    "not a filter": ("see https://a.example", "https://a.example"),
}
DIFFERENT = {
    "words of a phrase apart": ("good old morning", '"good morning"'),
    "one word missing": ("good", "good morning"),
    "another vowel sign": ("कि", "की"),
    "voiced kana": ("か", "が"),
}


def matches(words: str, text: str) -> bool:
    """Return whether a text has all words and phrases, as the storage compares them."""
    return all(word in fold(text) for word in query(words).words)


@pytest.mark.parametrize(("text", "words"), SAME.values(), ids=SAME)
def test_text_matches_in_any_spelling(text: str, words: str) -> None:
    assert matches(words, text)


@pytest.mark.parametrize(("text", "words"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_text_does_not_match(text: str, words: str) -> None:
    assert not matches(words, text)


@given(st.text(max_size=40), st.sampled_from(FORMS))
def test_text_is_found_in_each_unicode_form(text: str, form: Form) -> None:
    other = unicodedata.normalize(form, text)
    # The compatibility forms of a few characters are too long to be indexed.
    if len(unicodedata.normalize("NFKD", text)) <= MAX_GROWTH * len(text):
        assert fold(other) == fold(text)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("char", ["\ufdfa", "ß", "\u0344", "\u1f82", "ﬃ"])
def test_folded_text_is_bounded(char: str) -> None:
    assert len(fold(char * MAX_MESSAGE_CHARS)) <= MAX_GROWTH * MAX_MESSAGE_CHARS


DAY = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from:ada rope", Query(("rope",), author="ada")),
        ('FROM:"Lucky Deals"', Query(author="Lucky Deals")),
        ("from:@ada", Query(author="ada")),
        ("in:lobby rope", Query(("rope",), place="lobby")),
        ("in:#lobby", Query(place="#lobby")),
        ('in:"Off Topic"', Query(place="Off Topic")),
        ("in:@bob", Query(place="@bob")),
        ("after:2026-11-29", Query(after=DAY)),
        ("rope before:2026-11-29", Query(("rope",), before=DAY)),
        ('"from:ada"', Query(("from:ada",))),
        ("infrom:ada", Query(("infrom:ada",))),
    ],
)
def test_filters_of_a_query_are_parsed(text: str, expected: Query) -> None:
    assert query(text) == expected


def test_day_begins_in_the_time_zone_of_the_user() -> None:
    assert query("after:2026-11-29", 60).after == datetime(2026, 11, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-11-29T10", "20261129", "0001-01-01", "11/29"])
def test_invalid_date_is_explained(date: str) -> None:
    with pytest.raises(Refusal, match="before: requires a date, for example before:2026-11-29"):
        query(f"before:{date}", 24 * 60)


@pytest.mark.parametrize("text", ["", " \n ", "\x00"])
def test_empty_query_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        query(text)
    assert caught.value.code == ErrorCode.BAD_QUERY


def test_words_are_passed_to_the_index_literally() -> None:
    assert query("rope 'OR' a_b x% \\").indexed == '"rop" "ope" "\'or" "or\'" "a_b"'


@given(st.text(min_size=1))
def test_long_query_looks_up_few_tokens(text: str) -> None:
    found = Query(tuple(filter(None, [fold(text)])))
    assert len(found.indexed.split('" "')) <= MAX_TOKENS
    assert bool(found.indexed) == any(len(word) >= 3 for word in found.words)


def test_text_with_all_tokens_but_not_the_word_does_not_match() -> None:
    assert not matches("banana", "ana nan ban")
    assert matches("banana", "a BANANAS")
