"""One conversation with each person, whatever spelling of the name was typed."""

import pytest

from server.protocol.frames import Echo, Say
from tests.support.folding import fold, said, state, texts

SPELLINGS = ["bob", "Bob", "BOB", "ｂｏｂ"]
AWAY = "“{}” is away, and will see your messages when they return."


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_conversation_with_a_present_person_uses_their_own_spelling(typed: str) -> None:
    made = state(Echo())
    made.look_at(f"@{typed}")
    assert (made.current, made.say("hi", "n1")) == ("@bob", Say("@bob", "hi", "n1"))


@pytest.mark.parametrize(
    ("typed", "name"), [("Zoe", "zoe"), ("ZOE\u0308", "zoë"), ("STRASSE", "Straße"), ("ｗｉｄｅ", "wide")]
)
def test_a_conversation_is_renamed_to_the_name_that_the_server_uses(typed: str, name: str) -> None:
    made = state(Echo())
    made.look_at(f"@{typed}")
    before, places = made.timeline, len(made.timelines)
    made.say("hi", "n1")
    fold(made, said(1, "ada", f"@{name}", "n1"))
    assert made.timeline is before
    assert (made.current, made.place, len(made.timelines)) == (f"@{name}", f"@{name}", places)
    assert (texts(made.timeline), made.unsent()) == (["1", AWAY.format(name)], [])
    assert made.renamed == {f"@{typed}": f"@{name}"}
    assert made.say("more", "n2", f"@{typed}") == Say(f"@{name}", "more", "n2")


def test_a_message_from_a_person_is_in_the_conversation_that_was_opened_with_them() -> None:
    made = state(Echo())
    made.look_at("@Zoe")
    fold(made, said(1, "zoe", "@zoe"))
    assert [*made.timelines] == ["lobby", "tea", "@zoe"]
    assert texts(made.timeline) == ["1"]


def test_a_confirmed_message_is_never_pending_anywhere() -> None:
    made = state(Echo())
    made.look_at("@nobody")
    made.say("hi", "n1")
    fold(made, said(1, "ada", "@somebody", "n1"))
    assert made.unsent() == []
    assert texts(made.timelines["@somebody"]) == ["1", AWAY.format("somebody")]
    assert made.current == "@somebody"


def test_channels_are_not_conversations() -> None:
    made = state(Echo())
    made.look_at("LOBBY")
    assert made.current == "LOBBY"
