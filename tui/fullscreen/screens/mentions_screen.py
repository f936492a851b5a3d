"""The list of messages that mention the user, the latest first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from server.protocol import name_text
from tui.client.client import Client, nonce
from tui.client.mentions import Mention, mentioning
from tui.client.named_texts import NamedTexts
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow
from tui.fullscreen.widgets.show_text import show_text
from tui.times import moment

NONE = "Nobody has mentioned you."
SEARCHING = "Searching…"


class MentionsScreen(Screen[None]):
    """Shows the messages that mention the user."""

    WHERE = Where.MENTIONS
    BINDINGS = bindings(WHERE)

    def __init__(self, client: Client, go_to: Callable[[str, int], None]) -> None:
        """`go_to` opens a message in its channel."""
        super().__init__()
        self._client, self._go_to = client, go_to
        self._mentions: Sequence[Mention] = ()
        self._texts = NamedTexts()

    def compose(self) -> ComposeResult:
        with Horizontal(id="mentions-top"):
            yield Static(Content.styled("Mentions", "bold"), id="mentions-title")
        yield RowList(id="mentions-list")
        yield Static(Content(NONE), id="mentions-empty")
        yield KeyFooter()

    @on(events.Mount)
    def _search(self) -> None:
        """Request mentions that are not loaded, including those from while the user was away."""
        if self._client.online:
            state = self._client.state
            self._client.send(state.mention_search.ask("", nonce(), state.now()))

    @on(RowList.Highlighted)
    def _search_on(self, event: RowList.Highlighted) -> None:
        """Request older mentions at the end of the list."""
        last = event.number == len(self._mentions) - 1
        if last and self._client.online and (asked := self._client.state.mention_search.ask_more(nonce())):
            self._client.send(asked)

    def draw(self) -> None:
        state = self._client.state
        mentions = mentioning(state, self._texts)
        rows, empty = self.query_one(RowList), self.query_one("#mentions-empty", Static)
        first = not self._mentions
        self._mentions = mentions
        rows.display, empty.display = bool(mentions), not mentions
        rows.show_rows([self._row(each, state.now()) for each in mentions])
        show_text(empty, Content(self._why_empty()))
        if mentions and first:
            rows.focus()
            rows.action_first()

    def _why_empty(self) -> str:
        search = self._client.state.mention_search
        if search.problem:
            return f"✗ {search.problem}"
        return SEARCHING if search.nonce else NONE

    def _row(self, mention: Mention, now: datetime) -> ListRow:
        line = mention.line
        head = Content.assemble(
            (name_text.shown(line.author), "bold"),
            (f"  {self._client.state.place_of(mention.channel)}", Style(dim=True)),
        )
        said = Content(f"  {' '.join(line.text.split())}")
        return ListRow(str(line.msg_id), head, Content.styled(moment(line.at, now), Style(dim=True)), said)

    @on(RowList.Selected)
    def action_jump(self) -> None:
        """Go to the highlighted message."""
        chosen = self.query_one(RowList).chosen
        if mention := next((each for each in self._mentions if str(each.msg_id) == chosen), None):
            self.dismiss()
            self._go_to(mention.channel, mention.msg_id)

    def accept_text(self) -> None:
        """Return to the screen below, which has the text field."""
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()
