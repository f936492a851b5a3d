"""Applies the person's configuration to the app, and keeps what they change of it."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import structs
from msgspec.structs import replace
from textual import constants, events
from textual.app import App
from textual.theme import BUILTIN_THEMES
from textual.widgets import Input, TextArea

from tui import config as configuration
from tui import times
from tui.client.client import Granted
from tui.config import Config
from tui.fullscreen.connected import ConnectedApp
from tui.fullscreen.keys import alt_keys, keymap
from tui.fullscreen.keys.rebinding import rebind
from tui.fullscreen.themes import DARK, THEMES
from tui.fullscreen.timeline.view import TimelineView
from tui.options import Options
from tui.text import clean_line
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.screens.settings import Choice

THEME_NAMES = (*(theme.name for theme in THEMES), *BUILTIN_THEMES)


class ConfiguredApp(ConnectedApp):
    """A connected app that looks and reacts as the person wants."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.config = options.loaded.config
        """What the person chose, as it is now."""
        self._remembered = False
        for theme in THEMES:
            self.register_theme(theme)
        # Before the style sheet is read: set later, it would be read twice more before the first frame.
        self.set_reactive(App.theme, self._theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def on_mount(self) -> None:
        """Dress before the first frame."""
        if self.current_theme.ansi:
            # Such a theme is more than its variables.
            self.mutate_reactive(App.theme)
        keys, problems = rebind(self.config.keys)
        alt_keys.learn()
        keymap.change(keys)
        self.set_keymap(keys)
        self._apply()
        if self.config.theme not in THEME_NAMES:
            hint = f'there is no theme "{self.config.theme}"; the settings (f2) have them all'
            problems.append(f"theme: {hint}")
        file = self.client.options.loaded.file
        for problem in (*self.client.options.loaded.problems, *(f"{file}: {each}" for each in problems)):
            self.state.note(clean_line(problem), Tone.BAD)

    async def on_ready(self) -> None:
        """Dress what is in the room now."""
        self._apply()

    @property
    def _theme(self) -> str:
        return self.config.theme if self.config.theme in THEME_NAMES else DARK.name

    def _apply(self) -> None:
        """Look and react as configured, from now on."""
        config = self.config
        self.theme = self._theme
        self.animation_level = "none" if config.reduced_motion else constants.TEXTUAL_ANIMATIONS
        self.set_class(config.compact, "-compact")
        times.write_in(config.time)
        for screen in self.screen_stack:
            for view in screen.query(TimelineView):
                view.dress(compact=config.compact)
            for field in screen.query("Input, TextArea"):
                self._calm(field)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A field blinks only while one writes in it."""
        self._calm(event.widget)

    def _calm(self, field: object) -> None:
        if isinstance(field, Input | TextArea) and field.cursor_blink == self.config.reduced_motion:
            field.cursor_blink = not self.config.reduced_motion

    def change(self, config: Config) -> str:
        """Apply another configuration and keep it; why it could not be kept, in words, or nothing."""
        before, self.config = self.config, config
        self._apply()
        # Not before Textual has put on the theme, which it does next: names have their colours for what is under them.
        self.call_next(self.show)
        return self._keep(before)

    def _keep(self, before: Config) -> str:
        file = self.client.options.loaded.file
        try:
            if file and before != self.config:
                configuration.save(file, before, self.config)
        except ValueError as error:
            return str(error)
        return ""

    def action_settings(self) -> None:
        """Show the settings."""
        from tui.fullscreen.screens.settings import SettingsScreen

        self.push_screen(SettingsScreen(self.config, self.client.options.loaded.file, self._offer, self.change))

    def _offer(self, config: Config) -> "list[Choice]":
        from tui.fullscreen.screens.settings import choices

        return choices(config, THEME_NAMES, self.state.current, self.state.place)

    async def settle(self) -> None:
        """Ask for name and server where nobody has said them yet."""
        if self.client.options.asks:
            from tui.fullscreen.screens.start import StartScreen
            from tui.net.address import configured

            try:
                address, tls = configured(self.client.options.settings)
                local = f"wss://{address}" if tls else str(address)
            except ValueError:
                # It is named when the server is looked for.
                local = ""
            start = await self.push_screen_wait(StartScreen(self.client.options.name, local))
            self.client.options = replace(self.client.options, name=start.name, url=start.server or None)

    def _logged_in(self, login: Granted) -> None:
        """Remember where one was let in, and by which name."""
        super()._logged_in(login)
        options = self.client.options
        if options.loaded.file and not self._remembered and not options.demo:
            self._remembered = True
            before, url = self.config, options.url or ""
            server = before.server if _holds_secret(url) else url
            self.config = structs.replace(before, name=login.name, server=server)
            if problem := self._keep(before):
                self.state.note(problem, Tone.BAD)


def _holds_secret(url: str) -> bool:
    """Whether a URL has more than a place in it, which nobody may keep unasked."""
    parts = urlsplit(url if "://" in url else f"ws://{url}")
    return "@" in parts.netloc or bool(parts.query)
