"""Screens of the whole app, rather than of the room: the list of all keys, and the settings."""

from collections.abc import Callable

from textual.app import App

from tui.client.client import Client
from tui.config import Config
from tui.fullscreen.preferences import THEME_NAMES, Preferences
from tui.fullscreen.room.commands import RoomCommands
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.settings import Choice, SettingsScreen, choices


class AppScreens:
    """Opens the list of all keys and the settings, over any screen."""

    def __init__(
        self,
        app: App[None],
        client: Client,
        preferences: Preferences,
        commands: RoomCommands,
        change: Callable[[Config], str | None],
    ) -> None:
        """`change` applies and saves another configuration; it returns the problem, or None."""
        self._app, self._client, self._preferences = app, client, preferences
        self._commands, self._change = commands, change

    def toggle_help(self) -> None:
        """Open the list of all keys, or close it."""
        if isinstance(self._app.screen, HelpScreen):
            self._app.screen.dismiss()
        else:
            self._app.push_screen(HelpScreen(self._commands.explained))

    def open_settings(self) -> None:
        config, file = self._preferences.config, self._client.options.loaded.file
        self._app.push_screen(SettingsScreen(config, file, self._choices, self._change, self._client.name))

    def _choices(self, config: Config) -> list[Choice]:
        state = self._client.state
        return choices(config, THEME_NAMES, self._client.address, state.current, state.place)
