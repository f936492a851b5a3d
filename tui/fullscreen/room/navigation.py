"""Moving between channels, conversations and messages."""

from collections.abc import Callable
from functools import partial

from server.protocol import target
from tui.client import unread
from tui.client.client import nonce
from tui.client.loading import ask_page, ask_shown
from tui.client.visited import Visited
from tui.fullscreen import pickers
from tui.fullscreen.room.interface import RoomInterface

NOTHING_NEW = "No unread messages here."


class Navigation:
    """Opens places and messages, and remembers the places visited."""

    def __init__(self, room: RoomInterface, is_muted: Callable[[str], bool]) -> None:
        """`is_muted` returns whether the user has turned off notifications from a place."""
        self._room = room
        self._is_muted = is_muted
        self._state = room.client.state
        self._visited = Visited()

    def visit(self) -> None:
        """Add the current place to the places visited."""
        self._visited.visit(self._state.current)

    def look_at(self, place: str) -> None:
        """Open a channel or conversation, by its ID."""
        self._state.look_at(place)
        self._room.redraw()
        self._room.write()

    def write_to(self, username: str) -> None:
        """Open the conversation with a person."""
        self.look_at(target.conversation(username))

    def step(self, by: int) -> None:
        """Go back (-1) or forward (1) through the places visited."""
        place = self._visited.step(by)
        while place and place not in self._state.timelines:
            # That channel no longer exists.
            place = self._visited.step(by)
        if place:
            self.look_at(place)

    def next_channel(self, by: int) -> None:
        """Open the place `by` positions further down the list, wrapping around."""
        ids = list(self._state.timelines)
        if self._state.current in ids:
            self.look_at(ids[(ids.index(self._state.current) + by) % len(ids)])

    def open_number(self, number: int) -> None:
        """Open a channel or conversation by its position in the list, from 1."""
        ids = list(self._state.timelines)
        if number <= len(ids):
            self.look_at(ids[number - 1])

    def open_unread(self) -> None:
        """Open the most important other place with unread messages, or else go to the first unread message here."""
        ordered = unread.by_importance(self._state.timelines.values(), self._is_muted)
        elsewhere = [each for each in ordered if each.id != self._state.current]
        if elsewhere:
            self.look_at(elsewhere[0].id)
        elif ordered:
            self.show_new()

    def switch(self) -> None:
        """Let the user pick a place, and open it."""
        self._room.dialogs.start(self._switch)

    async def _switch(self) -> None:
        if place := await self._room.dialogs.choose("Go to channel or person", partial(pickers.places, self._state)):
            self.look_at(place)

    def load_page(self, low: float, *, forward: bool, scrolled: bool) -> None:
        """Request messages of the current place that are missing after message number `low`.

        `forward` requests the oldest of them instead of the newest. After a refusal, they are requested again only if
        the user `scrolled` to them.
        """
        timeline = self._state.timeline
        timeline.refused = timeline.refused and not scrolled
        if timeline.refused:
            return
        if self._room.client.online and (asked := ask_page(self._state, low, nonce(), forward=forward)):
            self._room.client.send(asked)

    def load_shown(self) -> None:
        """Request what the current place must show but has not loaded."""
        if self._room.client.online:
            for asked in ask_shown(self._state, nonce):
                self._room.client.send(asked)

    def close(self) -> str | None:
        """Close the current conversation, and open the previous place; return the problem, or None."""
        closed = self._state.current
        if problem := self._state.close(closed):
            return problem
        self._visited.forget(closed)
        self.look_at(self._visited.current or next(iter(self._state.timelines)))
        return None

    def mark_read(self, *, everywhere: bool) -> None:
        """Mark the current place as read, or all of them."""
        for place in [*self._state.timelines] if everywhere else [self._state.current]:
            self._state.see_all(place)
        self._state.wants_new = False
        self._room.redraw()

    def go_to(self, place: str, msg_id: int) -> None:
        """Open a message; load it first if necessary."""
        self._state.go_to(place, msg_id)
        self._room.redraw()
        self.arrive()

    def show_new(self) -> None:
        """Scroll to the first new message; load it first if necessary."""
        timeline = self._state.timeline
        if not (timeline.unread or timeline.new_from):
            self._room.note(NOTHING_NEW)
            return
        if timeline.unread and not timeline.new_from:
            timeline.begin_new(timeline.read)
        self._state.wants_new = True
        self._room.redraw()
        self.arrive()

    def show_latest(self) -> None:
        """Scroll to the end."""
        self._state.wants_new = False
        self._room.timeline.show_latest()
        self._room.redraw()

    def arrive(self) -> None:
        """Go to the wanted message, or to the first new one, once it is loaded."""
        if arrived := self._state.arrived():
            self._room.timeline.jump(arrived)
        elif self._state.wants_new and self._state.timeline.new_from:
            self._state.wants_new = False
            self._room.timeline.show_new()
