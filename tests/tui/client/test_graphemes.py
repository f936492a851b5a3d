"""Characters as people see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client import graphemes

WHOLE = ("👨‍👩‍👧", "👍🏽", "🇩🇪", "❤️", "1️⃣", "e\u0301", "한", "स्ते", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a")


@pytest.mark.parametrize("one", WHOLE)
@pytest.mark.parametrize("other", WHOLE)
def test_a_character_of_many_code_points_is_passed_in_one_step(one: str, other: str) -> None:
    text = f"x{one}{other}"
    assert graphemes.before(text, len(text)) == 1 + len(one)
    assert graphemes.before(text, 1 + len(one)) == 1
    assert graphemes.after(text, 1) == 1 + len(one)
    assert graphemes.after(text, 1 + len(one)) == len(text)


@given(st.text(st.sampled_from("a\u200d👩🚀🇩🇪\u0301\ufe0f\u200c一न्")))
def test_steps_forward_and_back_stop_at_the_same_places(text: str) -> None:
    ends, at = [0], 0
    while at < len(text):
        at = graphemes.after(text, at)
        ends.append(at)
    starts = [len(text)]
    while starts[-1]:
        starts.append(graphemes.before(text, starts[-1]))
    assert starts[::-1] == ends
    assert graphemes.before(text, 0) == 0
    assert graphemes.after(text, len(text)) == len(text)
