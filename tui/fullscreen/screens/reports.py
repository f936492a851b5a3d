"""One's own reports: a list, and all that is known of the highlighted one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import OptionList, Static

from server.protocol import name_text
from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry
from tui.client.reports import sentence
from tui.client.state import State
from tui.fullscreen.keys.keymap import Where, bindings
from tui.fullscreen.screens.live import Following
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.rows import Row, RowList
from tui.times import moment

EMPTY = "You have reported nothing here.\n\nPress r on a message to report it; what becomes of it stands here then."
TAKEN_BACK = "taken back before; its text is for the website alone"
STATUSES: dict[str, tuple[str, str, str]] = {
    ReportState.RECEIVED: ("→", "on its way", "dim"),
    ReportState.WAITING: ("↻", "waiting", "$warning"),
    ReportState.DELIVERED: ("✓", "delivered", "$success"),
    ReportState.GIVEN_UP: ("✗", "given up", "$error"),
    ReportState.WITHDRAWN: ("○", "withdrawn", "dim"),
    ReportState.SEEN: ("◉", "seen", "$success"),
    ReportState.RESOLVED: ("★", "resolved", "$success"),
}
MEANINGS: dict[str, str] = {
    ReportState.RECEIVED: "The server has it and is sending it to the website.",
    ReportState.WAITING: "The server keeps it and sends it again.",
    ReportState.DELIVERED: "The website has it.",
    ReportState.GIVEN_UP: "It is not sent again by itself. The server keeps it, and the operator can send it.",
    ReportState.WITHDRAWN: "You took it back.",
    ReportState.SEEN: "Somebody at the website has looked at it.",
    ReportState.RESOLVED: "The website is done with it.",
}


class ReportList(RowList):
    """The reports, the latest first."""

    BINDINGS = bindings(Where.REPORTS)


class Details(VerticalScroll, can_focus=True):
    """What is known of one report."""

    BINDINGS = bindings(Where.REPORTS)


class ReportsScreen(Following):
    """Shows the reports as they stand; what the person wants of one goes up to the app."""

    BINDINGS = bindings(Where.REPORTS)

    class JumpWanted(Message):
        """The reported message shall be shown in its channel."""

        def __init__(self, entry: ReportEntry) -> None:
            super().__init__()
            self.entry = entry

    class WithdrawWanted(Message):
        """A report shall be taken back."""

        def __init__(self, entry: ReportEntry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, place_of: Callable[[str], str]) -> None:
        """`place_of` gives the name of a channel by its ID."""
        super().__init__()
        self._place_of = place_of
        self._entries: Sequence[ReportEntry] = ()
        self._now: datetime | None = None

    def compose(self) -> ComposeResult:
        """A title, the list, and the details beside or below it."""
        with Horizontal(id="reports-top"):
            yield Static(Content.assemble(("⚑ ", "bold $error"), ("My reports", "bold")), id="reports-title")
            yield Static(id="reports-state", markup=False)
        with Horizontal(id="reports"):
            yield ReportList(id="reports-list")
            with Details(id="reports-details"):
                yield Static(id="reports-detail", markup=False)
        yield Static(id="reports-empty", markup=False)
        yield Static(id="reports-problem", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """The arrow keys move in the list."""
        self.query_one(ReportList).focus()

    def show(self, state: State, connection: str, *, online: bool) -> None:
        """Draw what is known now."""
        reports, now = state.reports, state.now()
        self._entries, self._now = reports.entries, now
        loading = bool(reports.loading)
        words = "loading…" if loading else _on_the_way(reports.unanswered)
        words = words if online else f"{connection}; as it was known before"
        self.query_one("#reports-state", Static).update(Content(words))
        rows = self.query_one(ReportList)
        rows.show_rows([self._row(entry, now) for entry in self._entries])
        if rows.highlighted is None and self._entries:
            rows.action_first()
        both = self.query_one("#reports")
        appear, both.display = bool(self._entries) and not both.display, bool(self._entries)
        if appear:
            rows.focus()
        empty = self.query_one("#reports-empty", Static)
        empty.display = not self._entries
        empty.update(Content("" if loading else EMPTY))
        problem = self.query_one("#reports-problem", Static)
        problem.display = bool(reports.problem)
        problem.update(Content(f"✗ {reports.problem}"))
        self._show_details()

    @property
    def _chosen(self) -> ReportEntry | None:
        chosen = self.query_one(ReportList).chosen
        return next((entry for entry in self._entries if entry.report_id == chosen), None)

    @on(OptionList.OptionHighlighted)
    def _show_details(self) -> None:
        entry = self._chosen
        if entry and self._now:
            self.query_one("#reports-detail", Static).update(_details(entry, self._place_of(entry.channel), self._now))
        self.refresh_bindings()

    def _row(self, entry: ReportEntry, now: datetime) -> Row:
        sign, word, colour = STATUSES.get(entry.status, ("·", entry.status, "dim"))
        status = Content.assemble((f"{sign} {word}".ljust(14), colour))
        about = Content.assemble(
            status, (name_text.shown(entry.about), "bold"), (f"  {self._place_of(entry.channel)}", Style(dim=True))
        )
        said = " ".join(entry.message.split()) or TAKEN_BACK
        below = Content.assemble("  ", (f"{entry.reason}: ", Style(dim=True)), said)
        return Row(entry.report_id, about, Content.styled(moment(entry.reported_at, now), Style(dim=True)), below)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that mean nothing for the highlighted report."""
        if action == "jump":
            return self._chosen is not None
        if action == "withdraw":
            return self._chosen is not None and self._chosen.status != ReportState.WITHDRAWN
        return True

    @on(OptionList.OptionSelected)
    def action_jump(self) -> None:
        """Go to the message of the highlighted report."""
        if entry := self._chosen:
            self.post_message(self.JumpWanted(entry))

    def action_withdraw(self) -> None:
        """Take the highlighted report back."""
        if entry := self._chosen:
            self.post_message(self.WithdrawWanted(entry))

    def action_close(self) -> None:
        """Back to the room."""
        self.dismiss()


def _on_the_way(unanswered: int) -> str:
    """What the server has not answered for yet."""
    one = "1 report has not reached the server yet"
    return "" if not unanswered else one if unanswered == 1 else f"{unanswered} reports have not reached the server yet"


def _details(entry: ReportEntry, place: str, now: datetime) -> Content:
    """The message, what one wrote about it, and where the report stands."""
    dim = Style(dim=True)
    sign, word, colour = STATUSES.get(entry.status, ("·", entry.status, "dim"))
    parts = [
        Content.assemble((f"{sign} {word}", f"bold {colour}"), (f"  reported {moment(entry.reported_at, now)}", dim)),
        *(Content(line) for line in _standing(entry, now)),
        *([Content.assemble(("The site says: ", dim), entry.note)] if entry.note else []),
        Content(""),
        Content.assemble((name_text.shown(entry.about), "bold"), (f"  {place}  {moment(entry.at, now)}", dim)),
        Content(_indented(entry.message))
        if entry.message
        else Content.styled(TAKEN_BACK, Style(italic=True, dim=True)),
        Content(""),
        *_wrong(entry.reason, entry.comment),
    ]
    for added in entry.additions:
        when = Content.styled(f"Added {moment(added.at, now)}", dim)
        parts += [Content(""), when, *_wrong(added.reason, added.comment)]
    return Content("\n").join(parts)


def _indented(text: str) -> str:
    """What somebody else wrote: no line of it looks like one of the report."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _wrong(reason: str, comment: str) -> list[Content]:
    """What one wrote about the message."""
    dim = Style(dim=True)
    said = [Content.assemble(("Comment  ", dim), comment)] if comment else []
    return [Content.assemble(("Reason   ", dim), reason), *said]


def _standing(entry: ReportEntry, now: datetime) -> list[str]:
    lines = [sentence(entry.error)] if entry.error else []
    meaning = MEANINGS.get(entry.status, "")
    if entry.status == ReportState.WAITING and entry.next_at:
        meaning = f"The server keeps it and sends it again at {moment(entry.next_at, now, seconds=True)}."
    return [*lines, meaning] if meaning else lines
