"""The list of people on the right."""

from collections.abc import Mapping

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style

from server.protocol import name_text
from server.protocol.frames import WhoEntry
from tui.client.own_relations import OwnRelations
from tui.client.person_facts import badge, short_emoji
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.backdrop import first_line
from tui.fullscreen.widgets.colours import name_colour
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow, Row
from tui.fullscreen.widgets.widget_messages import BackToWriting, PersonWanted, Want

AWAY = "away"
DEFINED = frozenset({"online", AWAY})
"""Statuses that the protocol defines; any other is the person's own text."""


class PersonRow(Struct, frozen=True, gc=False):
    """A person and their status."""

    id: str
    entry: WhoEntry
    below: str
    """What is shown below the name."""
    role: str
    """The words beside the name: blocked or muted, or else badge and status."""
    silent: bool
    """True if the user does not see their messages."""
    under: Color
    """The background."""
    hue: int | None
    """The hue of the name, if it differs from the usual one."""

    @property
    def lines(self) -> int:
        return 2 if self.below else 1

    def content(self) -> ListRow:
        hues = {} if self.hue is None else {self.id: self.hue}
        style = Style(dim=True) if self.silent else Style(foreground=name_colour(self.id, self.under, hues))
        emoji = short_emoji(self.entry)
        return ListRow(
            self.id,
            Content.assemble(Content.styled(name_text.shown(self.id), style), f" {emoji}" if emoji else ""),
            Content.styled(self.role, Style(dim=True)),
            Content.styled(f"  {self.below}", Style(dim=True, italic=True)) if self.below else Content(""),
        )


class PeopleList(Vertical):
    """Shows people and their status; posts what the user wants to do with the highlighted person."""

    WHERE = Where.PEOPLE
    BINDINGS = bindings(WHERE)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows = RowList(id="people-rows")
        self._me = self._highlighted = ""
        self._profiles = False
        self._shown: tuple[object, ...] = ()
        """The data of the current rows; most redraws leave it unchanged."""

    def compose(self) -> ComposeResult:
        yield self.rows

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of the background, which are all the same: only the first is rendered."""
        return super().render_lines(first_line(crop)) * crop.height

    def show_people(
        self,
        people: Mapping[str, WhoEntry],
        me: str,
        relations: OwnRelations,
        hues: Mapping[str, int],
        *,
        changes: int,
        profiles: bool,
    ) -> None:
        """Show everyone in alphabetical order.

        `changes` differs whenever `people` has changed. `profiles`: the site provides profiles.
        """
        self._me, self._profiles = me, profiles
        under = self.rows.background_colors[1]
        shown = (changes, me, relations.muted, relations.blocked, under)
        if shown != self._shown:
            self._shown = shown
            self.rows.show_rows(_rows(people, me, relations, hues, under))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the profile key if the site has no profiles, and the keys to mute and block on the user's own row."""
        if action in {"mute", "block"}:
            return self.rows.chosen not in {None, self._me}
        return self._profiles if action == "profile" else True

    @on(RowList.Highlighted)
    def _update_footer(self, event: RowList.Highlighted) -> None:
        """Update the footer if another person is highlighted, because the keys depend on the person."""
        if event.id != self._highlighted:
            self._highlighted = event.id
            self.refresh_bindings()

    @on(RowList.Selected)
    def _write_to(self, event: RowList.Selected) -> None:
        if event.id != self._me:
            self.post_message(PersonWanted(event.id, Want.WRITE))

    def action_select(self) -> None:
        self.rows.action_select()

    def action_profile(self) -> None:
        self._post(Want.PROFILE)

    def action_mute(self) -> None:
        """Mute or unmute the highlighted person."""
        self._post(Want.MUTE)

    def action_block(self) -> None:
        """Block or unblock the highlighted person."""
        self._post(Want.BLOCK)

    def _post(self, want: Want) -> None:
        if self.rows.chosen:
            self.post_message(PersonWanted(self.rows.chosen, want))

    def action_leave(self) -> None:
        self.post_message(BackToWriting())


def _rows(
    people: Mapping[str, WhoEntry], me: str, relations: OwnRelations, hues: Mapping[str, int], under: Color
) -> list[Row]:
    """Return the heading and everyone in alphabetical order."""
    heading = ListRow("", Content.styled(f"PEOPLE  {len(people)}", Style(dim=True)))
    hidden = relations.hidden
    # Muted and blocked people stay in the list after they leave, so that the user can undo it.
    gone = [WhoEntry(name, 0) for name in sorted(hidden - people.keys())]
    entries = [*sorted(people.values(), key=lambda entry: entry.username.casefold()), *gone]
    return [
        heading,
        *(
            PersonRow(
                entry.username,
                entry,
                _below(entry),
                _role(entry, me, relations),
                entry.username in hidden,
                under,
                hues.get(entry.username),
            )
            for entry in entries
        ),
    ]


def _below(entry: WhoEntry) -> str:
    words = "" if entry.status in DEFINED else entry.status
    return f"{entry.nickname} · {words}" if entry.nickname and words else entry.nickname or words


def _role(entry: WhoEntry, me: str, relations: OwnRelations) -> str:
    """Return the words beside a name: blocked or muted, or else badge and status."""
    if entry.username in relations.blocked:
        return "blocked"
    if entry.username in relations.muted:
        return "muted"
    now = "busy" if entry.dnd else "away" if entry.status == AWAY else "you" if entry.username == me else ""
    mark = badge(entry)
    return f"{mark} {now}" if mark and now else mark or now
