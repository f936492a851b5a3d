"""Reactions under a message follow the server's frames, even if they repeat."""

from server.protocol import frames
from tui.client.reactions import ShownReaction, changed, listed


def put(username: str, emoji: str = "👍", *, remove: bool = False) -> frames.Reacted:
    """One person's change of a reaction."""
    return frames.Reacted(1, username, emoji, remove)


def test_each_reaction_of_a_person_counts_once_and_the_users_own_is_marked() -> None:
    under = listed([frames.Reaction("👍", ["bob"]), frames.Reaction("👻", [])], {"ada"})
    assert under == (ShownReaction("👍", ("bob",), mine=False),)
    for _ in range(2):
        under = changed(under, put("ada"), {"ada"})
    assert under == (ShownReaction("👍", ("bob", "ada"), mine=True),)


def test_removing_the_last_reaction_removes_its_emoji() -> None:
    under = changed((), put("bob"), {"ada"})
    for _ in range(2):
        under = changed(under, put("bob", remove=True), {"ada"})
    assert under == ()


def test_an_emoji_stays_on_one_line() -> None:
    assert changed((), put("bob", "a\nb"), set())[0].emoji == "a b"
