"""Fuzzy matching of names."""

from tui.client.fuzzy import rank


def test_closer_matches_rank_higher() -> None:
    names = ["galley", "the galley", "regal", "gentle rail", "lobby"]
    assert [rank("gal", name) for name in names] == [0, 1, 2, 3, None]


def test_case_is_ignored_and_an_empty_query_matches_every_name() -> None:
    assert rank("GA", "Galley") == 0
    assert rank("", "x") == 0
