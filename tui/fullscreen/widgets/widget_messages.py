"""Messages that several widgets post. Not dataclasses: each would delay the first frame by 0.5 ms."""

from enum import Enum, auto

from textual.message import Message


class BackToWriting(Message):
    """The user leaves a widget to write."""


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
