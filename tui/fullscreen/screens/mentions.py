"""Mentions: the messages that name one, the latest first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import OptionList, Static

from server.protocol import name_text
from tui.client.mentions import Mention, mentioning
from tui.client.state import State
from tui.fullscreen.keys.keymap import Where, bindings
from tui.fullscreen.screens.live import Following
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.rows import Row, RowList
from tui.times import moment

NONE = "Nobody has named you in what is loaded here.\n\nThe search looks through everything that you can read."


class MentionsScreen(Following):
    """Shows messages that name one; what the person wants goes up to the app."""

    BINDINGS = bindings(Where.MENTIONS)

    class JumpWanted(Message):
        """A message shall be shown in its place."""

        def __init__(self, message: Mention) -> None:
            super().__init__()
            self.message = message

    def __init__(self, place_of: Callable[[str], str]) -> None:
        """`place_of` gives the name of a channel by its ID."""
        super().__init__()
        self._place_of = place_of
        self._mentions: Sequence[Mention] = ()

    def compose(self) -> ComposeResult:
        """A title, and the list."""
        with Horizontal(id="mentions-top"):
            yield Static(Content.styled("Mentions", "bold"), id="mentions-title")
        yield RowList(id="mentions-list")
        yield Static(Content(NONE), id="mentions-empty")
        yield KeyFooter()

    def show(self, state: State, connection: str, *, online: bool) -> None:
        """Draw what is known now."""
        mentions = mentioning(state)
        rows, empty = self.query_one(RowList), self.query_one("#mentions-empty")
        first = not self._mentions
        self._mentions = mentions
        rows.display, empty.display = bool(mentions), not mentions
        rows.show_rows([self._row(each, state.now()) for each in mentions])
        if mentions and first:
            rows.focus()
            rows.action_first()

    def _row(self, mention: Mention, now: datetime) -> Row:
        line = mention.line
        head = Content.assemble(
            (name_text.shown(line.author), "bold"), (f"  {self._place_of(mention.channel)}", Style(dim=True))
        )
        said = Content(f"  {' '.join(line.text.split())}")
        return Row(str(line.msg_id), head, Content.styled(moment(line.at, now), Style(dim=True)), said)

    @on(OptionList.OptionSelected)
    def action_jump(self) -> None:
        """Go to the highlighted message."""
        chosen = self.query_one(RowList).chosen
        if mention := next((each for each in self._mentions if str(each.msg_id) == chosen), None):
            self.post_message(self.JumpWanted(mention))

    def action_close(self) -> None:
        """Back to the room."""
        self.dismiss()
