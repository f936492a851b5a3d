"""The settings: each cycles through its values, which apply at once."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

from msgspec import Struct, structs
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Input, Static

from server.protocol.name_text import MAX_NAME_CHARS
from tui.config import Config, Hours, Level
from tui.fullscreen import pickers
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow
from tui.net.server_address import MAX_URL_CHARS, fault, normal
from tui.text import clean_line

ON, OFF = "on", "off"
AS_ALL = "default"
FEW = 5
"""The maximum number of values that a key cycles through; more are offered as a list."""
FIELDS = {"name": "Name at next start", "server": "Server at next start (empty: this machine)"}


class Choice(Struct, frozen=True):
    """A setting: its values as text, the current one, and the function that sets one in the configuration."""

    id: str
    label: str
    values: Sequence[str]
    value: str
    change: Callable[[str], Config]

    def next_value(self, by: int) -> Config:
        """Return the configuration with the value `by` positions after the current one, wrapping around."""
        at = self.values.index(self.value) if self.value in self.values else -1
        return self.change(self.values[(at + by) % len(self.values)])


def choices(config: Config, themes: Sequence[str], server: str, channel: str, place: str) -> list[Choice]:
    """Return the settings on offer; `channel` and `place`: ID and name of the current channel of `server`."""

    def switch(name: str, label: str) -> Choice:
        words = ON if getattr(config, name) else OFF
        return Choice(name, label, (OFF, ON), words, lambda value: structs.replace(config, **{name: value == ON}))

    def select(name: str, label: str, kind: type[StrEnum]) -> Choice:
        change = lambda value: structs.replace(config, **{name: kind(value)})  # noqa: E731 - shorter than a function
        return Choice(name, label, list(kind), getattr(config, name), change)

    def theme(name: str) -> Config:
        return structs.replace(config, theme=name)

    return [
        Choice("theme", "Theme", themes, config.theme, theme),
        switch("compact", "Compact: author and text in one line"),
        select("time", "Time format", Hours),
        switch("reduced_motion", "Reduced motion: nothing slides or blinks"),
        select("notices", "Notifications", Level),
        *([_of_channel(config, server, channel, place)] if channel else []),
        switch("mouse", "Mouse (off: the terminal selects text)"),
    ]


def _of_channel(config: Config, server: str, channel: str, place: str) -> Choice:
    own = config.own_level(channel, server)

    def change(value: str) -> Config:
        return config.with_level(channel, server, None if value == AS_ALL else Level(value))

    return Choice("channel", f"Notifications in {place}", [AS_ALL, *Level], own or AS_ALL, change)


class SettingsScreen(ModalScreen[None]):
    """Changes the configuration through `change`, which returns the problem, or None."""

    WHERE = Where.SETTINGS
    BINDINGS = bindings(WHERE)

    def __init__(
        self,
        config: Config,
        file: Path | None,
        offer: Callable[[Config], Sequence[Choice]],
        change: Callable[[Config], str | None],
        now: str,
    ) -> None:
        """`now` is the current name, shown as a placeholder if none is saved."""
        super().__init__()
        self._now = now
        self._config = config
        self._file = file
        self._offer = offer
        self._change = change

    def compose(self) -> ComposeResult:
        with Vertical(id="settings"):
            yield Static(Content("Settings"), id="settings-title")
            yield RowList(id="settings-list")
            for name, label in FIELDS.items():
                yield Static(Content(label), classes="field-label")
                longest = MAX_NAME_CHARS if name == "name" else MAX_URL_CHARS
                saved, placeholder = getattr(self._config, name), f"{self._now} (now)" if name == "name" else ""
                yield Field(saved, placeholder=placeholder, max_length=longest, id=f"settings-{name}", compact=True)
            yield Static(id="settings-problem", markup=False)
            kept = (
                f"Changes are saved at once in {self._file}; rebind keys in its [keys] table."
                if self._file
                else "Changes aren't saved (no file)."
            )
            yield Static(Content(clean_line(kept)), id="settings-file")
        yield KeyFooter()

    @on(events.Mount)
    def _focus_list(self) -> None:
        """Focus the list, so that the arrow keys work in it."""
        self.query_one(RowList).focus()

    @on(events.Resize)
    def _refit(self) -> None:
        """Fit the rows to the new width."""
        self.call_after_refresh(self._fill)

    @property
    def _highlighted(self) -> Choice | None:
        """The highlighted setting; None while a text field has the focus."""
        rows = self.query_one(RowList)
        found = (each for each in self._offer(self._config) if each.id == rows.chosen)
        return next(found, None) if rows.has_focus else None

    def action_cycle(self, by: int) -> None:
        """Set another value of the highlighted setting, `by` positions after the current one."""
        if choice := self._highlighted:
            self._apply(choice.next_value(by))

    @on(RowList.Selected)
    def action_choose(self) -> None:
        """Let the user choose from a list if there are many values; set the next one otherwise."""
        choice = self._highlighted
        if choice is None or len(choice.values) <= FEW:
            self.action_cycle(1)
            return
        offer = partial(pickers.themes, choice.values, choice.value)
        self.app.push_screen(Picker("Theme", offer, self._preview_theme), partial(self._set_theme, self.app.theme))

    def _preview_theme(self, name: str) -> None:
        self.app.theme = name

    def _set_theme(self, before: str, chosen: str | None) -> None:
        """Use the theme that was chosen; without a choice, restore the one from before the preview."""
        if chosen:
            self._apply(structs.replace(self._config, theme=chosen))
        else:
            self.app.theme = before

    def _apply(self, config: Config) -> None:
        if config != self._config:
            self._config = config
            self._complain(self._change(config))
            self._fill()

    def _complain(self, problem: str | None) -> None:
        self.query_one("#settings-problem", Static).update(Content(f"✗ {problem}" if problem else ""))

    def _fill(self) -> None:
        rows = [
            ListRow(each.id, Content(each.label), Content.styled(f"‹ {each.value} ›", Style(bold=True)))
            for each in self._offer(self._config)
        ]
        self.query_one(RowList).show_rows(rows, self.query_one(RowList).chosen or rows[0].id)

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _written(self, event: Input.Submitted | Input.Blurred) -> None:
        self._read(event.input)

    def _read(self, field: Input) -> bool:
        """Apply a text field, or show the problem; return whether it was valid."""
        name, text = (field.id or "").removeprefix("settings-"), clean_line(field.value).strip()
        problem = fault(text) if name == "server" and text else None
        if problem:
            self._complain(problem)
        else:
            value = normal(text) if name == "server" and text else text
            self._apply(structs.replace(self._config, **{name: value}))
        return not problem

    def action_close(self) -> None:
        """Close the settings if all text fields are valid."""
        if all(self._read(field) for field in self.query(Input)):
            self.dismiss()
