"""Filters: what matches, and what follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rules.filters import WOULD_BE_REPORTED, Filter, FilterVerdict, judge, phrases
from server.rules.patterns import PatternError, compile_pattern


def one(
    *expressions: str,
    public: bool = True,
    private: bool = True,
    censor: bool = True,
    forward: bool = True,
    report: bool = False,
    response: str = "",
) -> Filter:
    """Return a filter with these phrases."""
    return Filter(phrases(expressions), public, private, censor, forward, report, response)


def shown(text: str, *filters: Filter) -> str:
    """Return a text as it is delivered to a channel."""
    return judge(filters, text, private=False, author_op=False).text


@pytest.mark.parametrize(
    ("expression", "text", "censored"),
    [
        (r"\bbadword\b", "a badword, badwords and badword", "a *******, badwords and *******"),
        (r"\bbadword\b", "a BadWord", "a BadWord"),
        (r"(?i)\bbadword\b", "a BadWord", "a *******"),
        (r"three ([^\s]+)", "three dogs bark", "********** bark"),
        ("blockquote", "> quoted", "> quoted"),
        ("strong", "**bold** strong", "**bold** ******"),
        ("<b>", "a <b>", "a ***"),
        ("é+", "caféé 😀", "caf** 😀"),
        (r"a\s+b", "a\nb", "*\n*"),
        (r"(a+)+$", "a" * 5000 + "!", "a" * 5000 + "!"),
        ("badword", "a bad\u200bword\u00ad", "a ********\u00ad"),
        (r"\bbadword\b", "é ｂａｄｗｏｒｄ", "é *******"),
        ("ffi", "aﬃx", "a*x"),
        ("[^a-z ]", "a\u200bb", "a*b"),
        (r"bad\s+word", "é bad\u3000word", "é ********"),
    ],
)
def test_phrases_match_the_text_as_typed(expression: str, text: str, censored: str) -> None:
    assert shown(text, one(expression)) == censored


def test_first_matching_filter_decides() -> None:
    first, second = one("red", response="1"), one("red", "blue", censor=False, response="2")
    assert judge([first, second], "red blue", private=False, author_op=False) == FilterVerdict(
        "*** blue", responses=("1",)
    )
    assert judge([first, second], "blue", private=False, author_op=False).responses == ("2",)


@pytest.mark.parametrize(
    ("public", "private", "in_channel", "in_conversation"),
    [
        (True, False, "***", "bad"),
        (False, True, "bad", "***"),
        (False, False, "bad", "bad"),
        (True, True, "***", "***"),
    ],
)
def test_both_switches_decide_where_a_filter_applies(
    *, public: bool, private: bool, in_channel: str, in_conversation: str
) -> None:
    filters = [one("bad", public=public, private=private)]
    assert judge(filters, "bad", private=False, author_op=False).text == in_channel
    assert judge(filters, "bad", private=True, author_op=False).text == in_conversation


def test_operators_are_filtered_in_channels_but_not_reported() -> None:
    filters = [one("bad", report=True, response="Mind your words.")]
    assert judge(filters, "bad", private=False, author_op=True) == FilterVerdict(
        "***", report=False, responses=("Mind your words.", WOULD_BE_REPORTED)
    )
    assert judge(filters, "bad", private=False, author_op=False).report
    assert judge(filters, "bad", private=True, author_op=True) == FilterVerdict("bad")
    assert judge(filters, "bad", private=True, author_op=False, peer_op=True) == FilterVerdict("bad")


@given(st.text("ab \nbé", max_size=30))
def test_censored_text_keeps_its_length_and_lines(text: str) -> None:
    found = shown(text, one("a+b?", "é"))
    assert len(found) == len(text)
    assert [at for at, char in enumerate(found) if char == "\n"] == [at for at, char in enumerate(text) if char == "\n"]
    assert "a" not in found
    assert "é" not in found


@pytest.mark.parametrize("expression", ["(a", "a{1000}{1000}", "(?=a)", r"\1", "x*", "^", "(bad|)"])
def test_unusable_phrase_is_explained(expression: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(expression)
    assert str(caught.value)
