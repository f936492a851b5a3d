"""Applies the user's configuration to the app, and saves what they change of it."""

from urllib.parse import urlsplit

from msgspec import structs
from textual import constants
from textual.app import App
from textual.theme import BUILTIN_THEMES
from textual.widgets import Input, TextArea

from tui import config as configuration
from tui import times
from tui.config import Config, Loaded
from tui.fullscreen.keys import alt_keys, keymap
from tui.fullscreen.keys.rebinding import rebind
from tui.fullscreen.themes import DARK, THEMES
from tui.fullscreen.timeline.view import TimelineView

SETTINGS = "everywhere.settings"
THEME_NAMES = (*(theme.name for theme in THEMES), *BUILTIN_THEMES)


class Preferences:
    """How an app looks and reacts, as the user wants it."""

    def __init__(self, app: App[None], loaded: Loaded) -> None:
        """Give the app its theme; `install` does the rest, once it is mounted."""
        self.config = loaded.config
        """What the user chose, as it is now."""
        self._app = app
        self._loaded = loaded
        self._remembered = False
        for theme in THEMES:
            app.register_theme(theme)
        # Before the style sheet is read: set later, it would be read twice more before the first frame.
        app.set_reactive(App.theme, self._theme)
        app.stylesheet.set_variables(app.get_css_variables())

    def install(self) -> list[str]:
        """Apply keys and looks before the first frame; return the problems of the configuration, a line each."""
        if self._app.current_theme.ansi:
            # Such a theme is more than its variables.
            self._app.mutate_reactive(App.theme)
        keys, problems = rebind(self.config.keys)
        alt_keys.learn()
        keymap.change(keys)
        self._app.set_keymap(keys)
        self.apply()
        if self.config.theme not in THEME_NAMES:
            hint = f'there is no theme "{self.config.theme}"; the settings ({keymap.pressed(SETTINGS)}) have them all'
            problems.append(f"theme: {hint}")
        return [*self._loaded.problems, *(f"{self._loaded.file}: {each}" for each in problems)]

    @property
    def _theme(self) -> str:
        return self.config.theme if self.config.theme in THEME_NAMES else DARK.name

    def apply(self) -> None:
        """Look and react as configured, from now on, also in what was mounted since."""
        config, app = self.config, self._app
        app.theme = self._theme
        app.animation_level = "none" if config.reduced_motion else constants.TEXTUAL_ANIMATIONS
        app.set_class(config.compact, "-compact")
        times.write_in(config.time)
        for screen in app.screen_stack:
            for view in screen.query(TimelineView):
                view.dress(compact=config.compact)
            for field in screen.query("Input, TextArea"):
                self.set_cursor_blink(field)

    def set_cursor_blink(self, field: object) -> None:
        """Let the cursor of a field blink, unless the user wants less motion."""
        if isinstance(field, Input | TextArea) and field.cursor_blink == self.config.reduced_motion:
            field.cursor_blink = not self.config.reduced_motion

    def change(self, config: Config) -> str:
        """Apply another configuration and save it; return why it could not be saved, or nothing."""
        before, self.config = self.config, config
        self.apply()
        return self._save(before)

    def remember(self, name: str, url: str) -> str:
        """Save name and server after the first login; return why they could not be saved, or nothing."""
        if not self._loaded.file or self._remembered:
            return ""
        self._remembered = True
        before = self.config
        self.config = structs.replace(before, name=name, server=before.server if _holds_secret(url) else url)
        return self._save(before)

    def _save(self, before: Config) -> str:
        file = self._loaded.file
        try:
            if file and before != self.config:
                configuration.save(file, before, self.config)
        except ValueError as error:
            return str(error)
        return ""


def _holds_secret(url: str) -> bool:
    """Whether a URL has more than a place in it, which nobody may keep unasked."""
    parts = urlsplit(url if "://" in url else f"ws://{url}")
    return "@" in parts.netloc or bool(parts.query)
