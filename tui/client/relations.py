"""Whom one does not read: as the server has it, and what one has asked to change."""

from collections.abc import Set

from msgspec import Struct, field

from server.protocol import frames, name_text
from tui.client.completion import COMMAND


def undo(command: str, username: str) -> str:
    """Say how to undo a command about a person: by a command, as keys can be rebound."""
    return f"Undo: {COMMAND}{command} {name_text.shown(username)}"


class Relations(Struct):
    """Follows the server's word; only what was asked here is told as news."""

    muted: Set[str] = frozenset()
    blocked: Set[str] = frozenset()
    returned: bool = False
    """Whether somebody can be read again since the frame before: what they said meanwhile was never sent."""
    _asked: set[str] = field(default_factory=set)

    @property
    def hidden(self) -> Set[str]:
        """People whose messages are not shown."""
        return self.muted | self.blocked

    def asked(self, username: str) -> bool:
        """Whether a change about this person is under way."""
        return username in self._asked

    def toggle_mute(self, username: str) -> frames.Mute | frames.Unmute:
        """Ask to read a person no more, or again."""
        self._asked.add(username)
        return frames.Unmute(username) if username in self.muted else frames.Mute(username)

    def toggle_block(self, username: str) -> frames.Block | frames.Unblock:
        """Ask to see a person no more, or again."""
        self._asked.add(username)
        return frames.Unblock(username) if username in self.blocked else frames.Block(username)

    def forget(self) -> None:
        """A login: the server says anew whom one does not read, if there is anybody."""
        self.muted, self.blocked = frozenset(), frozenset()
        self._asked.clear()

    def take(self, frame: frames.Relations) -> list[str]:
        """Take over what holds now; what is to be told of it."""
        before, muted_before, blocked_before = self.hidden, self.muted, self.blocked
        self.muted, self.blocked = frozenset(frame.muted), frozenset(frame.blocked)
        self.returned = bool(before - self.hidden)
        changed = (muted_before ^ self.muted) | (blocked_before ^ self.blocked)
        told = [self._told(name, blocked=name in blocked_before) for name in sorted(changed & self._asked)]
        self._asked -= changed
        return told

    def _told(self, name: str, *, blocked: bool) -> str:
        who = name_text.quoted(name)
        if name in self.blocked:
            return f"{who} is blocked; you won't see each other. {undo('block', name)}"
        if name in self.muted:
            return f"{who} is muted; you won't see their messages. {undo('mute', name)}"
        return f"{who} is no longer {'blocked' if blocked else 'muted'}."
