"""Which names look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.names import key
from server.rules.lookalikes import keys, poses_as

ALIKE = [
    ("ada", "ADA"),
    ("ada", "\u0430d\u0430"),
    ("ada", "\u1d00\u1d05\u1d00"),
    ("ada", "\U0001d4ea\U0001d4ed\U0001d4ea"),
    ("ADA", "\u13aa\u13a0\u13aa"),
    ("ada", "\ua4ee\ua4d3\ua4ee"),
    ("helen", "\u0397elen"),
    ("paul", "\u03a1AUL"),
    ("igor", "\u0406GOR"),
    ("alice", "\u03b1lice"),
    ("Al", "AI"),
    ("ada 1", "ada l"),
    ("tom", "torn"),
    ("bill", "bi\u0307ll"),
    ("O\u2019Brien", "O'Brien"),
    ("dave", "\u217eave"),
]
UNLIKE = [
    ("ada", "adam"),
    ("zoe", "zoë"),
    ("MAIA", "MALA"),
    ("root", "r00t"),
    ("李", "木"),
    ("ada 2", "ada 3"),
    ("ai", "al"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike_have_a_key_in_common(one: str, other: str) -> None:
    assert keys(one) & keys(other)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_distinguishable_names_have_different_keys(one: str, other: str) -> None:
    assert not keys(one) & keys(other)


@given(st.text())
def test_every_text_looks_like_itself_in_any_case(text: str) -> None:
    assert keys(text) & keys(key(text))


@pytest.mark.parametrize(
    "name", ["Chat Server", "chat_server 3", "\u0421hat\u0405erver", "Chát Server", "ChatServer🦊"]
)
def test_a_decorated_name_still_poses_as_another(name: str) -> None:
    assert poses_as(name, "ChatServer")


@pytest.mark.parametrize("name", ["ChatServers", "Chat", "42", "🦊"])
def test_a_different_name_does_not_pose_as_another(name: str) -> None:
    assert not poses_as(name, "ChatServer")
