"""Search words: those in the index, and those too short for it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal
from server.rules.search import MAX_TOKENS, query


def test_words_are_searched_literally() -> None:
    found = query('  rope "OR" a_b  x% \\ ')
    assert found.indexed == '"rop" "ope" """OR" "OR""" "a_b"'
    assert found.short == ["%x\\%%", "%\\\\%"]


@pytest.mark.parametrize("text", ["", " \n ", "\x00"])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        query(text)
    assert caught.value.code == ErrorCode.BAD_QUERY


@given(st.text(min_size=1).filter(lambda text: text.replace("\x00", " ").split()))
def test_a_long_query_looks_up_few_tokens(text: str) -> None:
    found = query(text)
    assert len(found.indexed.split('" "')) <= MAX_TOKENS
    assert bool(found.indexed) == any(len(word) >= 3 for word in found.words)


@given(st.lists(st.text(min_size=3).filter(lambda text: not text.isspace()), min_size=1))
def test_words_are_found_in_any_case(words: list[str]) -> None:
    found = query(" ".join(words).replace("\x00", "0"))
    assert found.matches(" - ".join(found.words))
    text = "".join(found.words)
    # Some letters, like the dotless i, come back from upper case as others.
    assume(text.upper().casefold() == text.casefold())
    assert found.matches(text.upper())


def test_a_text_with_all_tokens_but_not_the_word_does_not_match() -> None:
    assert not query("banana").matches("ana nan ban")
    assert query("banana").matches("a BANANAS")
