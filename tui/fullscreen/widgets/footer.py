"""The footer: the keys available in the current context, as many as fit."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import KEYS, Where, first_key

HELP = "always.help"
BORDERS = 3
"""Cells around the key for help."""
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
        """The order in which keys get a place: help, the way out, the rest from left to right."""
        return self.id != HELP, self.id not in _WAYS_OUT, self.rank


def fitting(entries: Sequence[FooterEntry], width: int) -> list[FooterEntry]:
    """Return the most important entries that fit into so many cells, from left to right; none is cut."""
    kept: list[FooterEntry] = []
    for entry in sorted(entries, key=lambda each: each.importance):
        if sum(each.width for each in kept) + entry.width > width:
            break
        kept.append(entry)
    return sorted(kept, key=lambda each: each.rank)


class KeyFooter(Footer):
    """A footer that shows whole keys only, and the key for help on every screen."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._composed: list[FooterEntry] = []

    async def recompose(self) -> None:
        """Replace the keys if they changed: each is a widget, and Textual asks for new ones at each change of focus."""
        if self.is_attached and self._fitting() != self._composed:
            await super().recompose()

    @on(events.Resize)
    def _fit(self) -> None:
        if self._bindings_ready:
            self.call_after_refresh(self.recompose)

    def compose(self) -> ComposeResult:
        self._composed = self._fitting() if self._bindings_ready else []
        for each in self._composed:
            # Textual would add the class after mounting, and match all style rules once more.
            classes = "-compact -always" if each.id == HELP else "-compact"
            yield FooterKey(each.key, each.display, each.label, each.action, disabled=not each.enabled, classes=classes)

    def _fitting(self) -> list[FooterEntry]:
        # The first of several keys for the same action.
        found: dict[str, FooterEntry] = {}
        for each in self._entries():
            found.setdefault(each.action, each)
        return fitting(list(found.values()), self.screen.size.width - self.styles.padding.left)

    def _entries(self) -> Iterator[FooterEntry]:
        # A dialog hides the bindings of the app, though this one works.
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
