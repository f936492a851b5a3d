"""Messages that the room's widgets post to its screen, which need not import the widgets before the first frame.

They are not dataclasses: each would delay the first frame by 0.5 ms.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tui.client.entries import Line


class BackToWriting(Message):
    """The user leaves a widget to write."""


class PlaceWanted(Message):
    """The user wants to open a channel or conversation."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class UnreadWanted(Message):
    """The user wants to open a place with unread messages that is scrolled out of view."""


class Want(Enum):
    """An action on a person."""

    PROFILE = auto()
    """See their profile."""
    WRITE = auto()
    """Open the conversation with them."""
    MUTE = auto()
    """Mute or unmute them."""
    BLOCK = auto()
    """Block or unblock them."""


class PersonWanted(Message):
    """The user wants to do something with a person."""

    def __init__(self, username: str, want: Want) -> None:
        super().__init__()
        self.username, self.want = username, want


class ProfileClosed(Message):
    """The user closes the profile."""


class OfferAnswered(Message):
    """The user answered the offer to mute the person who was just reported."""

    def __init__(self, *, mute: bool) -> None:
        super().__init__()
        self.mute = mute


class TimelineScrolled(Message):
    """The view may show other messages than before."""


class Marked(Message):
    """The highlight of a message appeared or disappeared while the user is writing."""


class ReactionClicked(Message):
    """The user clicked a reaction."""

    def __init__(self, line: "Line", emoji: str) -> None:
        super().__init__()
        self.line, self.emoji = line, emoji


class PageWanted(Message):
    """Messages after number `low` are missing; `forward`: they are below what the user is looking at."""

    def __init__(self, low: float, *, forward: bool = False, scrolled: bool = False) -> None:
        """`scrolled`: the user has scrolled to where they are missing."""
        super().__init__()
        self.low, self.forward, self.scrolled = low, forward, scrolled


class LatestWanted(Message):
    """The user wants to go to the latest message."""
