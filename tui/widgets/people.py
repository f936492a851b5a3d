"""Who is in the room, at the right."""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from textual.color import Color
from textual.content import Content
from textual.message import Message
from textual.style import Style

from server.protocol.frames import WhoEntry
from tui.keymap import Where, bindings
from tui.widgets.colours import name_colour
from tui.widgets.rows import Row, RowList


class PeopleList(RowList):
    """Writes to a person when they are selected, and shows their profile on a key."""

    BINDINGS = bindings(Where.PEOPLE)

    @dataclass
    class ProfileWanted(Message):
        """A person's profile shall be shown."""

        username: str

    @dataclass
    class MuteWanted(Message):
        """A person shall be muted, or not any more."""

        username: str

    class Left(Message):
        """The person goes back to writing."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._me = ""
        self._profiles = False

    def show(self, people: Iterable[WhoEntry], me: str, muted: Set[str], *, profiles: bool) -> None:
        """Show everyone in alphabetical order; `profiles`: whether the site gives any."""
        self._me, self._profiles = me, profiles
        entries = sorted(people, key=lambda entry: entry.username.casefold())
        heading = Row("", Content.styled(f"PEOPLE  {len(entries)}", Style(dim=True)))
        # Who is muted stands here also after leaving: there would be no way to undo it.
        gone = [WhoEntry(name, 0) for name in sorted(muted - {entry.username for entry in entries})]
        self.show_rows([heading, *(_row(entry, me, muted) for entry in [*entries, *gone])])
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No profile key where the site has no profiles; nobody mutes themselves."""
        if action == "mute":
            return self.chosen not in {None, self._me}
        return self._profiles if action == "profile" else True

    def watch_highlighted(self, highlighted: int | None) -> None:
        """The keys depend on the person."""
        super().watch_highlighted(highlighted)
        self.refresh_bindings()

    def action_profile(self) -> None:
        """Show the profile of the highlighted person."""
        if self.chosen:
            self.post_message(self.ProfileWanted(self.chosen))

    def action_mute(self) -> None:
        """Mute the highlighted person, or not any more."""
        if self.chosen:
            self.post_message(self.MuteWanted(self.chosen))

    def action_leave(self) -> None:
        """Go back to writing."""
        self.post_message(self.Left())


def _row(entry: WhoEntry, me: str, muted: Set[str]) -> Row:
    silent = entry.username in muted
    style = Style(dim=True) if silent else Style(foreground=Color.parse(name_colour(entry.username)))
    name = Content.styled(entry.username, style)
    role = "you" if entry.username == me else "muted" if silent else "op" if entry.op else ""
    return Row(entry.username, name, Content.styled(role, Style(dim=True)))
