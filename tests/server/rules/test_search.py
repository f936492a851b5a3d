"""Words that are searched for: those that the index holds, and those too short for it."""

import pytest

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal
from server.rules.search import query


def test_each_word_is_looked_for_as_it_is() -> None:
    found = query('  rope "OR" a_b  x% \\ ')
    assert found.indexed == '"rope" """OR""" "a_b"'
    assert found.short == ["%x\\%%", "%\\\\%"]


@pytest.mark.parametrize("text", ["", " \n ", "\x00"])
def test_nothing_is_not_searched_for(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        query(text)
    assert caught.value.code == ErrorCode.BAD_QUERY
