"""Finding emoji by a few letters, and short names that were typed out."""

import pytest

from tui.client.emojis import COMMON, MOST_FOUND, find, named, replace_short_names


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("th", "👍"), ("roc", "🚀"), ("shi", "🚢"), ("tada", "🎉"), ("smile", "😄"), ("smil", "😄"), ("thumbs_d", "👎"),
        ("fire:", "🔥"), ("rain", "🌈"), ("brain", "🧠"), ("lol", "😂"), ("+1", "👍"), (":+1", "👍"), ("heart", "❤️"),
        ("red heart", "❤️"), ("sun", "☀️"), ("v", "✌️"), ("Victory", "✌️"), ("joy", "😂"), ("broken he", "💔"),
    ],
)  # fmt: skip
def test_picker_and_composer_find_the_same_emoji_first(words: str, first: str) -> None:
    assert next(iter(find(words))) == first
    assert named(words)[0] == first


@pytest.mark.parametrize("pasted", ["❤️", "❤", "☀️", "👍", " 🌈 ", "👩‍🚀"])
def test_an_emoji_finds_itself(pasted: str) -> None:
    assert [each.replace("\ufe0f", "") for each in find(pasted)] == [pasted.strip().replace("\ufe0f", "")]


def test_exact_names_rank_before_prefixes_and_prefixes_before_beginnings_of_words() -> None:
    found = list(find("rain"))
    assert found.index("🌈") < found.index("🌧️") < found.index("🧠")


@pytest.mark.parametrize("begun", ["", ":", "nothing has this name", "ainbow"])
def test_letters_that_begin_no_word_find_no_emoji(begun: str) -> None:
    assert not named(begun)


def test_the_number_of_matching_emoji_is_limited() -> None:
    assert len(named("s")) == len(find("face")) == MOST_FOUND
    assert find("") == COMMON


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (":+1:", "👍"), ("yes :+1: (:tada:) :heart:.", "yes 👍 (🎉) ❤️."), (":Thumbs_Up:!", "👍!"),
        ("**:fire:**", "**:fire:**"),
        ("a:80:b http://a:80:b/:+1: 10:30:45", "a:80:b http://a:80:b/:+1: 10:30:45"), ("`:+1:` :+1:", "`:+1:` 👍"),
        ("```\n:+1:\n```\n:+1:", "```\n:+1:\n```\n👍"), (":nothing: :: :+1:x :1:", ":nothing: :: :+1:x :1:"),
        ("[:+1:](https://a.example)", "[:+1:](https://a.example)"), ("  indented\n\t:joy:", "  indented\n\t😂"),
        ("std::vector<x>::y", "std::vector<x>::y"),
    ],
)  # fmt: skip
def test_short_names_are_replaced_outside_code_and_links(typed: str, sent: str) -> None:
    assert replace_short_names(typed) == sent
