"""The search: words, and the messages that contain them."""

from collections.abc import Callable
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Input, Static

from server.protocol import frames, name_text
from tui.client.client import OFFLINE, Client, nonce
from tui.client.search import SearchState, excerpt
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow
from tui.fullscreen.widgets.show_text import show_text
from tui.times import moment

HINT = """\
Type words and press Enter.

Finds messages with all of them, in every channel and conversation you can read.

Narrow it down:  "a phrase"  from:ada  in:lobby  in:@bob
after:2026-11-01  before:2026-12-01"""
UNFINISHED = "No messages found among the newest ones. Press Enter to search older messages."


class SearchScreen(Screen[None]):
    """Searches, and shows the results so far."""

    WHERE = Where.SEARCH
    BINDINGS = bindings(WHERE)

    def __init__(self, client: Client, go_to: Callable[[str, int], None], words: str = "") -> None:
        """`go_to` opens a message in its channel. If there are `words`, the search starts at once."""
        super().__init__()
        self._words = words
        self._client, self._go_to = client, go_to
        self._search = SearchState()
        self._shown_query = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="search-top"):
            yield Static(Content.styled("Search", "bold"), id="search-title")
            yield Field(
                self._words,
                placeholder="words",
                id="search-query",
                max_length=frames.MAX_QUERY_CHARS,
                compact=True,
            )
            yield Static(id="search-state", markup=False)
        yield RowList(id="search-list")
        yield Static(id="search-empty", markup=False)
        yield KeyFooter()

    @on(events.Mount)
    def _focus_query(self) -> None:
        """Focus the query; start the search if there are words."""
        self.query_one(Input).focus()
        if self._words:
            self._search_for(self._words)

    def draw(self) -> None:
        state = self._client.state
        self._search = search = state.search
        rows = self.query_one(RowList)
        rows.display = bool(search.found)
        rows.show_rows([self._row(each, state.now()) for each in search.found])
        if search.found and search.query != self._shown_query and not search.nonce:
            self._shown_query = search.query
            rows.focus()
            rows.action_first()
        count = f"{len(search.found)}{'+' if search.unfinished else ''} found" if search.found else ""
        show_text(self.query_one("#search-state", Static), Content("searching…" if search.nonce else count))
        empty = self.query_one("#search-empty", Static)
        empty.display = not search.found
        show_text(empty, Content(_empty(search)))

    def _row(self, message: frames.Message, now: datetime) -> ListRow:
        head = Content.assemble(
            (name_text.shown(message.username), "bold"),
            (f"  {self._client.state.place_of(message.channel)}", Style(dim=True)),
        )
        said = Content(f"  {excerpt(message.message, self._search.query)}")
        return ListRow(str(message.msg_id), head, Content.styled(moment(message.at, now), Style(dim=True)), said)

    @on(Input.Submitted)
    def _ask(self, event: Input.Submitted) -> None:
        words, search = event.value.strip(), self._client.state.search
        if words and words == search.query and not search.found and search.unfinished:
            self._search_on()
        elif words:
            self._shown_query = ""
            self._search_for(words)

    def _search_for(self, words: str) -> None:
        search = self._client.state.search
        asked = search.ask(words, nonce(), self._client.state.now())
        if self._client.online:
            self._client.send(asked)
        else:
            search.fail(asked.nonce, OFFLINE)
        self.draw()

    def _search_on(self) -> None:
        if self._client.online and (asked := self._client.state.search.ask_more(nonce())):
            self._client.send(asked)
            self.draw()

    @on(RowList.Highlighted)
    def _highlighted(self, event: RowList.Highlighted) -> None:
        if event.number == len(self._search.found) - 1:
            self._search_on()

    @on(RowList.Selected)
    def action_jump(self) -> None:
        """Go to the highlighted message."""
        chosen = self.query_one(RowList).chosen
        if message := next((each for each in self._search.found if str(each.msg_id) == chosen), None):
            self.dismiss()
            self._go_to(message.channel, message.msg_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that do nothing where the focus is: in the query or in the results."""
        writing = isinstance(self.focused, Input)
        if action == "list":
            return writing and bool(self._search.found)
        return action != "write" or not writing

    def action_write(self) -> None:
        """Return to the query."""
        self.query_one(Input).focus()

    def action_list(self) -> None:
        """Move from the query to the results."""
        if self._search.found:
            self.query_one(RowList).focus()

    def accept_text(self) -> None:
        """Return to the query, the text field of this screen."""
        self.action_write()

    def action_close(self) -> None:
        self.dismiss()


def _empty(search: SearchState) -> str:
    if search.problem:
        return f"✗ {search.problem}"
    if search.nonce:
        return ""
    if search.unfinished:
        return UNFINISHED
    return "No messages found." if search.query else HINT
