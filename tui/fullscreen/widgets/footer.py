"""The footer: the keys available in the current context, as many as fit."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import KEYS, Where, first_key

HELP = "always.help"
BORDERS = 3
"""Cells around the key for help."""
BETWEEN = 1
"""Cells after each key."""
_RANKS = {key.id: (key.where in {Where.ALWAYS, Where.EVERYWHERE}, number) for number, key in enumerate(KEYS)}
"""Position of each key in the footer: those of the focused part of the screen come first."""
_WAYS_OUT = frozenset(key.id for key in KEYS if "escape" in key.keys.split(","))


class FooterEntry(NamedTuple):
    """A key as the footer shows it."""

    id: str
    key: str
    display: str
    label: str
    action: str
    enabled: bool = True

    @property
    def width(self) -> int:
        """The width in cells, with the space after it."""
        return cell_len(self.display) + cell_len(self.label) + (1 + BORDERS if self.id == HELP else 2)

    @property
    def rank(self) -> tuple[bool, int]:
        return _RANKS.get(self.id, (True, len(_RANKS)))

    @property
    def importance(self) -> tuple[bool, bool, tuple[bool, int]]:
        """The order in which keys get a place: help, the key to leave, the rest from left to right."""
        return self.id != HELP, self.id not in _WAYS_OUT, self.rank


def fitting(entries: Sequence[FooterEntry], width: int) -> list[FooterEntry]:
    """Return the most important entries that fit into `width` cells, from left to right; none is cut off."""
    kept: list[FooterEntry] = []
    for entry in sorted(entries, key=lambda each: each.importance):
        if sum(each.width for each in kept) + entry.width > width:
            break
        kept.append(entry)
    return sorted(kept, key=lambda each: each.rank)


class KeyFooter(Widget):
    """Shows the available keys in one line, none of them cut off, and the key for help on every screen.

    Textual's footer has a widget for each key, which costs as much as drawing the room does.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[FooterEntry] = []

    @property
    def entries(self) -> Sequence[FooterEntry]:
        """The keys that are shown, from left to right."""
        return self._shown

    @on(events.Mount)
    def _watch_bindings(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    @on(events.Unmount)
    def _ignore_bindings(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus and self.is_attached:
            self.call_after_refresh(self._fit)

    @on(events.Resize)
    def _fit(self) -> None:
        """Draw the keys if they changed: Textual announces a change whenever the focus moves."""
        if self.is_attached and (entries := self._fitting()) != self._shown:
            self._shown = entries
            self.refresh()

    @on(events.MouseDown)
    def _press(self, event: events.MouseDown) -> None:
        """Press the key that is clicked."""
        x = event.x - self.styles.padding.left
        for start, entry in _placed(self._shown, self.size.width):
            if start <= x < start + entry.width - BETWEEN:
                if entry.enabled:
                    self.app.simulate_key(entry.key)
                else:
                    self.app.bell()

    def render(self) -> Content:
        line = Content()
        for start, each in _placed(self._shown, self.size.width):
            edge = Content.assemble(("▏", "$foreground 20%"), " ") if each.id == HELP else Content()
            dim = "" if each.enabled else " dim"
            text = Content.assemble((each.display, f"bold $primary{dim}"), (f" {each.label}", f"$foreground 80%{dim}"))
            line = line.pad_right(start - line.cell_length) + edge + text
        return line

    def _fitting(self) -> list[FooterEntry]:
        # Show only the first of several keys for the same action.
        found: dict[str, FooterEntry] = {}
        for each in self._entries():
            found.setdefault(each.action, each)
        return fitting(list(found.values()), self.screen.size.width - self.styles.padding.left)

    def _entries(self) -> Iterator[FooterEntry]:
        # A dialog hides the bindings of the app, although the key for help works there.
        for binding in bindings(Where.ALWAYS):
            if isinstance(binding, Binding):
                yield self._entry(binding, key=first_key(HELP))
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show:
                yield self._entry(binding, enabled=enabled)

    def _entry(self, binding: Binding, key: str = "", *, enabled: bool = True) -> FooterEntry:
        now = binding.with_key(key) if key else binding
        display = self.app.get_key_display(now)
        return FooterEntry(now.id or "", now.key, display, now.description, now.action, enabled)


def _placed(entries: Sequence[FooterEntry], width: int) -> Iterator[tuple[int, FooterEntry]]:
    """Yield each entry with the cell where it begins; help is at the right end."""
    start = 0
    for each in sorted(entries, key=lambda each: each.id == HELP):
        yield (width - each.width if each.id == HELP else start), each
        start += each.width
