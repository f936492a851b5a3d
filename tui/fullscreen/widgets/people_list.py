"""The list of people on the right."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from textual.color import Color
from textual.content import Content
from textual.style import Style

from server.protocol import name_text
from server.protocol.frames import WhoEntry
from tui.client.own_relations import OwnRelations
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.colours import name_colour
from tui.fullscreen.widgets.rows import ListRow, RowList
from tui.fullscreen.widgets.widget_messages import AboutPerson, BackToWriting
from tui.limits import MARK

MAX_SHOWN = 2_000
"""The most people shown, as each takes time at every change."""
ONLINE = "online"
AWAY = "away"


class PeopleList(RowList):
    """Shows people and their status; posts what the user wants to do with the highlighted person."""

    WHERE = Where.PEOPLE
    BINDINGS = bindings(WHERE)

    class ProfileWanted(AboutPerson):
        """The user wants to see a person's profile."""

    class MuteWanted(AboutPerson):
        """The user wants to mute or unmute a person."""

    class BlockWanted(AboutPerson):
        """The user wants to block or unblock a person."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._me = ""
        self._profiles = False
        self._shown: tuple[object, ...] = ()
        """The data of the current rows; most redraws leave it unchanged."""

    def show(
        self, people: Iterable[WhoEntry], me: str, relations: OwnRelations, hues: Mapping[str, int], *, profiles: bool
    ) -> None:
        """Show everyone in alphabetical order; `profiles`: the site provides profiles."""
        self._me, self._profiles = me, profiles
        entries, under = list(people), self.background_colors[1]
        shown = (entries, me, relations.muted, relations.blocked, under, hues)
        if shown != self._shown:
            self._shown = shown
            self.show_rows(_rows(entries, me, relations, partial(name_colour, under=under, hues=hues)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the profile key if the site has no profiles, and mute and block for the user themselves."""
        if action in {"mute", "block"}:
            return self.chosen not in {None, self._me}
        return self._profiles if action == "profile" else True

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Update the footer, as the keys depend on the person."""
        super().watch_highlighted(highlighted)
        self.refresh_bindings()

    def action_profile(self) -> None:
        if self.chosen:
            self.post_message(self.ProfileWanted(self.chosen))

    def action_mute(self) -> None:
        """Mute or unmute the highlighted person."""
        if self.chosen:
            self.post_message(self.MuteWanted(self.chosen))

    def action_block(self) -> None:
        """Block or unblock the highlighted person."""
        if self.chosen:
            self.post_message(self.BlockWanted(self.chosen))

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


def _rows(entries: list[WhoEntry], me: str, relations: OwnRelations, colour: Callable[[str], Color]) -> list[ListRow]:
    """Return the heading and everyone in alphabetical order; after MAX_SHOWN, one row counts the rest."""
    entries = sorted(entries, key=lambda entry: entry.username.casefold())
    heading = ListRow("", Content.styled(f"PEOPLE  {len(entries)}", Style(dim=True)))
    # Muted and blocked people stay in the list after they leave, so that the user can undo it.
    gone = [WhoEntry(name, 0) for name in sorted(relations.hidden - {entry.username for entry in entries})]
    everyone = [*entries, *gone]
    rest = len(everyone) - MAX_SHOWN
    more = [ListRow("", Content.styled(f"{MARK} and {rest} more", Style(dim=True)))] if rest > 0 else []
    return [heading, *(_row(entry, me, relations, colour) for entry in everyone[:MAX_SHOWN]), *more]


def _row(entry: WhoEntry, me: str, relations: OwnRelations, colour: Callable[[str], Color]) -> ListRow:
    silent, here = entry.username in relations.hidden, entry.status == ONLINE
    style = Style(dim=True) if silent else Style(foreground=colour(entry.username))
    name = Content.styled(name_text.shown(entry.username), style)
    # "online" and "away" are defined by the protocol; any other status is the person's own text, on its own line.
    own_words = "" if here or entry.status == AWAY else entry.status
    return ListRow(
        entry.username,
        name,
        Content.styled(_role(entry, me, relations), Style(dim=True)),
        Content.styled(f"  {own_words}", Style(dim=True, italic=True)) if own_words else Content(""),
    )


def _role(entry: WhoEntry, me: str, relations: OwnRelations) -> str:
    """Return the most important fact about a person, in one word."""
    words = {
        "blocked": entry.username in relations.blocked,
        "muted": entry.username in relations.muted,
        "you": entry.username == me and not entry.dnd and entry.status != AWAY,
        "busy": entry.dnd,
        "away": entry.status == AWAY,
        "op": entry.op,
    }
    return next((word for word, holds in words.items() if holds), "")
