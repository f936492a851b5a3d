"""Moving between channels, conversations and messages."""

from functools import partial

from server.protocol.frames import MAX_PAGE
from tui.client.client import nonce
from tui.client.visited import Visited
from tui.fullscreen.room.interface import RoomInterface


class Navigation:
    """Opens places and messages, and remembers the places visited."""

    def __init__(self, room: RoomInterface) -> None:
        self._room = room
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

    def step(self, by: int) -> None:
        """Go back (-1) or forward (1) through the places visited."""
        place = self._visited.step(by)
        while place and place not in self._state.timelines:
            # That channel no longer exists.
            place = self._visited.step(by)
        if place:
            self.look_at(place)

    def next_channel(self, by: int) -> None:
        """Open the place `by` positions further in the list, wrapping around."""
        ids = list(self._state.timelines)
        if self._state.current in ids:
            self.look_at(ids[(ids.index(self._state.current) + by) % len(ids)])

    def open_number(self, number: int) -> None:
        """Open a channel or conversation by its position in the list, from 1."""
        ids = list(self._state.timelines)
        if number <= len(ids):
            self.look_at(ids[number - 1])

    def open_unread(self) -> None:
        """Open the next channel or conversation with unread messages."""
        ids = list(self._state.timelines)
        at = ids.index(self._state.current) if self._state.current in ids else 0
        unread = [each for each in ids[at:] + ids[:at] if self._state.timelines[each].unread]
        if unread:
            self.look_at(unread[0])

    async def switch(self) -> None:
        """Let the user pick a place, and open it."""
        from tui.fullscreen import pickers

        if place := await self._room.choose("Go to channel or person", partial(pickers.places, self._state)):
            self.look_at(place)

    def load_older(self) -> None:
        """Request older messages of the current place."""
        if self._room.client.online and (ask := self._state.ask_older(nonce())):
            self._room.client.send(ask)

    def go_to(self, place: str, msg_id: int) -> None:
        """Open a message; load it first if necessary."""
        self._state.go_to(place, msg_id)
        self._room.redraw()
        self.load_wanted()

    def load_wanted(self) -> None:
        """Highlight the wanted message if it is loaded; otherwise request older ones."""
        if arrived := self._state.arrived():
            self._room.timeline.jump(arrived)
        elif self._state.wanted and (asked := self._state.ask_older(nonce(), MAX_PAGE)):
            self._room.client.send(asked)
