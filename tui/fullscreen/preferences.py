"""Applies the user's configuration to the app, and saves changes."""

from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from msgspec import structs
from textual import constants
from textual.app import App
from textual.theme import BUILTIN_THEMES
from textual.widgets import Input, TextArea

from tui import times
from tui.config import Config, LoadedConfig
from tui.files import FileError
from tui.fullscreen.keys import alt_keys, keymap
from tui.fullscreen.keys.rebinding import rebind
from tui.fullscreen.screen_protocols import Restyled
from tui.fullscreen.themes import CONTRAST, DARK, THEMES
from tui.fullscreen.widgets.colours import HIGH, READABLE, Legible

SETTINGS = "everywhere.settings"
LEGIBLE, HIGHLY_LEGIBLE = Legible(READABLE), Legible(HIGH)
THEME_NAMES = (*(theme.name for theme in THEMES), *BUILTIN_THEMES)


@runtime_checkable
class UsesMouse(Protocol):
    """A driver that can leave the mouse to the terminal."""

    def use_mouse(self, *, on: bool) -> None:
        """Turn mouse events on or off."""


class Preferences:
    """The user's choices of look and behaviour."""

    def __init__(self, app: App[None], loaded: LoadedConfig) -> None:
        """Set the app's theme; `install` does the rest once the app is mounted."""
        self.config = loaded.config
        """The current configuration."""
        self._app = app
        self._loaded = loaded
        self._remembered = False
        for theme in THEMES:
            app.register_theme(theme)
        # Set before the style sheet is read; otherwise it would be read twice more before the first frame.
        app.set_reactive(App.theme, self._theme)
        app.stylesheet.set_variables(app.get_css_variables())

    def install(self) -> list[str]:
        """Apply keys and look before the first frame; return the problems of the configuration, one line each."""
        if self._app.current_theme.ansi:
            # An ANSI theme consists of more than variables, so Textual's watcher has to run.
            self._app.mutate_reactive(App.theme)
        keys, problems = rebind(self.config.keys)
        alt_keys.install()
        keymap.change(keys)
        self._app.set_keymap(keys)
        self.apply()
        if self.config.theme not in THEME_NAMES:
            hint = f'unknown theme "{self.config.theme}"; Settings ({keymap.pressed(SETTINGS)}) lists all themes'
            problems.append(f"theme: {hint}")
        return [*self._loaded.problems, *(f"{self._loaded.file}: {each}" for each in problems)]

    @property
    def _theme(self) -> str:
        return self.config.theme if self.config.theme in THEME_NAMES else DARK.name

    @property
    def legible(self) -> Legible:
        """The filter that ensures the minimum contrast of the theme for all text."""
        return HIGHLY_LEGIBLE if self._app.theme == CONTRAST.name else LEGIBLE

    def apply(self) -> None:
        """Apply the configuration to the app and to all mounted widgets."""
        config, app = self.config, self._app
        app.theme = self._theme
        app.animation_level = "none" if config.reduced_motion else constants.TEXTUAL_ANIMATIONS
        app.set_class(config.compact, "-compact")
        times.set_hours(config.time)
        if isinstance(app._driver, UsesMouse):
            app._driver.use_mouse(on=config.mouse)
        for screen in app.screen_stack:
            # By name: this module is imported before the first frame, which has no timeline.
            for view in screen.query("TimelineView").results():
                if isinstance(view, Restyled):
                    view.restyle(compact=config.compact)
            for field in screen.query("Input, TextArea"):
                self.set_cursor_blink(field)

    def set_cursor_blink(self, field: object) -> None:
        """Make a field's cursor blink, unless the user wants reduced motion."""
        if isinstance(field, Input | TextArea) and field.cursor_blink == self.config.reduced_motion:
            field.cursor_blink = not self.config.reduced_motion

    def change(self, config: Config) -> str | None:
        """Apply another configuration and save it; return why saving failed, or None."""
        before, self.config = self.config, config
        self.apply()
        return self._save(before)

    def remember(self, name: str, url: str | None) -> str | None:
        """Save the chosen name and server after the first login; return why saving failed, or None.

        If `url` is None or may contain a secret, the saved server stays unchanged.
        """
        if not self._loaded.file or self._remembered:
            return None
        self._remembered = True
        before = self.config
        self.config = structs.replace(
            before, name=name, server=before.server if url is None or _holds_secret(url) else url
        )
        return self._save(before)

    def _save(self, before: Config) -> str | None:
        # Imported late: only needed to save a change.
        from tui.config_saving import save

        file = self._loaded.file
        try:
            if file and before != self.config:
                save(file, before, self.config)
        except FileError as error:
            return str(error)
        return None


def _holds_secret(url: str) -> bool:
    """Return whether a URL may contain a secret, which must not be saved without asking."""
    parts = urlsplit(url if "://" in url else f"ws://{url}")
    return "@" in parts.netloc or bool(parts.query)
