"""Screens over the room that list messages or reports: the search, mentions of the user, the user's reports."""

from textual.screen import Screen

from tui.client.search import SearchState
from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.reporting import Reporting
from tui.fullscreen.screens.mentions_screen import MentionsScreen
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.screens.search_screen import SearchScreen


class Overviews:
    """Opens the search, the mentions and the reports; each goes to the message that the user chooses."""

    def __init__(self, screen: Screen[None], room: RoomInterface, navigation: Navigation, reporting: Reporting) -> None:
        self._screen, self._room = screen, room
        self._navigation, self._reporting = navigation, reporting

    async def search(self, words: str) -> None:
        """Open the search; with words, start searching at once."""
        self._room.client.state.search = SearchState()
        await self._open(SearchScreen(self._room.client, self._navigation.go_to, words))

    async def mentions(self) -> None:
        """Open the list of messages that mention the user."""
        await self._open(MentionsScreen(self._room.client, self._navigation.go_to))

    async def reports(self) -> None:
        """Open the list of the user's reports, unless it is open already."""
        if not any(isinstance(each, ReportsScreen) for each in self._screen.app.screen_stack):
            self._reporting.ask_for_reports()
            await self._open(ReportsScreen(self._room.client, self._navigation.go_to, self._reporting.withdraw))

    async def _open(self, screen: Screen[None]) -> None:
        await self._screen.app.push_screen(screen)
        self._room.redraw()
