"""Finding the message that a client without message numbers means."""

import pytest

from server.rules.claimed_text import find

TEXTS = [(9, "hello"), (8, "**hello** *world* <b>"), (7, "hello"), (6, "1 < 2 & 3"), (5, "...")]


@pytest.mark.parametrize(
    ("claimed", "number"),
    [
        ("hello", 9),
        ("<p>hello</p>\n", 9),
        ("<p><strong>hello</strong> <em>world</em> </p>", 8),
        ("<p>1 &lt; 2 &amp; 3</p>", 6),
        ("...", 5),
        ("hello!", None),
        ("", None),
        ("<p></p>", None),
    ],
)
def test_a_message_is_found_by_its_text_or_by_how_it_is_displayed(claimed: str, number: int | None) -> None:
    assert find(claimed, TEXTS) == number
