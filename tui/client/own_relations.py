"""People whom the user muted or blocked: the server's list, and the changes that are requested."""

from collections.abc import Set

from msgspec import Struct, field

from server.protocol import frames, name_text
from tui.client.completion import COMMAND


def undo(command: str, username: str) -> str:
    """Return how to undo a command about a person: with a command, because keys can be rebound."""
    return f"Undo: {COMMAND}{command} {name_text.shown(username)}"


class OwnRelations(Struct):
    """Follows the server's lists, and confirms to the user the changes that this client requested."""

    muted: Set[str] = frozenset()
    blocked: Set[str] = frozenset()
    returned: bool = False
    """True if the last frame unhid somebody: the server never sent what they wrote while hidden."""
    _asked: set[str] = field(default_factory=set)

    @property
    def hidden(self) -> Set[str]:
        """Return the people whose messages are hidden."""
        return self.muted | self.blocked

    def asked(self, username: str) -> bool:
        """Return whether a change about this person is pending."""
        return username in self._asked

    def toggle_mute(self, username: str) -> frames.Mute | frames.Unmute:
        """Return the request that mutes or unmutes a person."""
        self._asked.add(username)
        return frames.Unmute(username) if username in self.muted else frames.Mute(username)

    def toggle_block(self, username: str) -> frames.Block | frames.Unblock:
        """Return the request that blocks or unblocks a person."""
        self._asked.add(username)
        return frames.Unblock(username) if username in self.blocked else frames.Block(username)

    def forget(self) -> None:
        """Clear the lists at a login: the server sends them again, if they are not empty."""
        self.muted, self.blocked = frozenset(), frozenset()
        self._asked.clear()

    def fold(self, frame: frames.Relations) -> list[str]:
        """Apply the server's lists; return the lines that notify the user."""
        before, muted_before, blocked_before = self.hidden, self.muted, self.blocked
        self.muted, self.blocked = frozenset(frame.muted), frozenset(frame.blocked)
        self.returned = bool(before - self.hidden)
        changed = (muted_before ^ self.muted) | (blocked_before ^ self.blocked)
        confirmations = [
            self._confirmation(name, blocked=name in blocked_before) for name in sorted(changed & self._asked)
        ]
        self._asked -= changed
        return confirmations

    def _confirmation(self, name: str, *, blocked: bool) -> str:
        who = name_text.quoted(name)
        if name in self.blocked:
            return f"{who} is blocked; you won't see each other. {undo('block', name)}"
        if name in self.muted:
            return f"{who} is muted; you won't see their messages. {undo('mute', name)}"
        return f"{who} is no longer {'blocked' if blocked else 'muted'}."
