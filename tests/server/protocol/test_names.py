"""Equality of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.names import MAX_TYPED_CHARS, key


@given(st.text(max_size=MAX_TYPED_CHARS))
def test_key_of_a_key_is_the_key(text: str) -> None:
    assert key(key(text)) == key(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "ALICE"), ("straße", "STRASSE"), ("ｆｕｌｌ", "full"), ("ﬁsh", "FISH"), ("zoe\u0308", "ZOË"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"), (" Anna \u3000 Lena", "anna lena"), ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
    ],
)  # fmt: skip
def test_case_width_spacing_and_encoding_of_accents_do_not_make_another_name(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_names_that_look_different_have_different_keys() -> None:
    assert len({key(name) for name in ("alice", "alicia", "alice 2", "álice")}) == 4


def test_text_that_is_too_long_matches_no_other_spelling() -> None:
    marks = "a" + "\u0315\u0300" * (MAX_TYPED_CHARS // 2)
    assert key(marks) != key(marks.upper())
