"""Amounts in messages to people."""

import pytest

from server.protocol.wording import counted


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1000 rows")])
def test_only_the_number_one_is_singular(count: int, words: str) -> None:
    assert counted(count, "row") == words
