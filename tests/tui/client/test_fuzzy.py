"""Fuzzy matching of names."""

from tui.client.fuzzy import rank


def test_the_closer_the_better() -> None:
    names = ["galley", "the galley", "regal", "gentle rail", "lobby"]
    assert [rank("gal", name) for name in names] == [0, 1, 2, 3, None]


def test_case_does_not_count_and_no_letters_are_in_every_name() -> None:
    assert rank("GA", "Galley") == 0
    assert rank("", "x") == 0
