"""Showing the profile of a person in place of the list of people."""

from textual.screen import Screen
from textual.widget import Widget

from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.widgets.profile import ProfilePanel


class ProfileActions:
    """Opens and closes the panel, and restores the focus."""

    def __init__(self, screen: Screen[None], room: RoomInterface, people: PeopleActions) -> None:
        self._screen = screen
        self._room = room
        self._people = people
        self._before: Widget | None = None
        """The widget that had the focus before the panel."""

    def open(self, username: str) -> None:
        """Show what is known about a person in the panel, request the rest, and focus the panel."""
        panel = self._screen.query_one(ProfilePanel)
        if self._people.ask_profile(username):
            if self._screen.focused is not panel:
                self._before = self._screen.focused
            panel.focus()

    def close(self) -> None:
        """Show the list of people again, and restore the focus."""
        self._people.close_profile()
        before, self._before = self._before, None
        if before and before.is_attached and before.display:
            before.focus()
        else:
            self._room.write()
