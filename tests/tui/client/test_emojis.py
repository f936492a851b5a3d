"""Finding emoji by a few letters."""

import pytest

from tui.client.emojis import MOST_FOUND, find, named


@pytest.mark.parametrize(
    ("begun", "first"),
    [("th", "👍"), ("roc", "🚀"), ("shi", "🚢"), ("tada", "🎉"), ("smil", "😄"), ("thumbs_d", "👎"), ("fire:", "🔥")],
)
def test_the_common_one_comes_first_then_the_one_with_the_shortest_name(begun: str, first: str) -> None:
    assert named(begun)[0] == first


@pytest.mark.parametrize("begun", ["", ":", "nothing has this name"])
def test_letters_that_no_name_begins_with_mean_none(begun: str) -> None:
    assert not named(begun)


def test_there_are_never_too_many() -> None:
    assert len(named("s")) == len(find("face")) == MOST_FOUND
