"""Tracks what the user has read: the messages on the screen while they look at it."""

from typing import Protocol

from textual.screen import Screen

from tui.client.unread import Unseen
from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.widgets.new_below import NewBelow


class Attention(Protocol):
    """The user's focus and notification levels; implemented by `Notices`."""

    @property
    def focused(self) -> bool:
        """True if the user is looking at the terminal, as far as known."""

    @property
    def is_elsewhere(self) -> bool:
        """True if the terminal reported that the user is looking elsewhere."""

    def is_muted(self, place: str) -> bool:
        """Return whether the user has turned off notifications from a channel or conversation."""

    def level(self, place: str) -> str:
        """Return the notification level of a channel or conversation: "all", "mentions" or "none"."""


class Reading:
    """Records what the user sees, and counts what is new below it."""

    def __init__(self, screen: Screen[None], room: RoomInterface, attention: Attention) -> None:
        self._screen = screen
        self._room = room
        self._state = room.client.state
        self._attention = attention

    @property
    def watches(self) -> bool:
        """True if the user sees what arrives in the current place."""
        return self._looks and self._room.complete and self._room.timeline.follows

    @property
    def is_away(self) -> bool:
        """True if the user is looking at another screen or another program, as far as known."""
        return not self._screen.is_active or self._attention.is_elsewhere

    @property
    def _looks(self) -> bool:
        return self._screen.is_active and self._attention.focused

    @property
    def _unseen(self) -> Unseen:
        return self._state.unseen(self._room.timeline.seen[1]) if self._state.timeline.unread else Unseen()

    def look(self) -> None:
        """Record what the user sees, and count what is new below it."""
        if not self._room.complete or not self._room.timeline.is_attached:
            return
        below = self._screen.query_one(NewBelow)
        below.show_unseen(self._unseen)
        if below.display and not below.region:
            # The widget takes a line from the messages, so only the next layout decides which are on the screen.
            return
        if self._looks:
            self._record()
            below.show_unseen(self._unseen)

    def scrolled(self) -> None:
        """Record what the user sees now; redraw if any of it was unread."""
        before = self._state.timeline.unread
        self.look()
        if before != self._state.timeline.unread:
            self._room.redraw()

    def _record(self) -> None:
        """Mark messages as read up to the last one in the view; if unread ones are above the view, only at the end."""
        first, last = self._room.timeline.seen
        contiguous = not self._state.timeline.unread or first <= self._state.first_unread
        if last and (contiguous or (self._room.timeline.follows and not self._state.wants_new)):
            self._state.see(last)
