"""The user's reports: a list, and the details of the highlighted report."""

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from server.protocol import name_text, target
from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry
from tui.client.client import OFFLINE, Client
from tui.client.report_words import SITE_SAYS, meaning, sentence, status_words
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow
from tui.fullscreen.widgets.show_text import show_text
from tui.times import moment

EMPTY = "No reports yet.\n\nPress {report} on a message to report it; you can follow it here."
DELETED = "message deleted; only the site receives its text"
COLOURS: dict[str, str] = {
    ReportState.WAITING: "$warning",
    ReportState.DELIVERED: "$success",
    ReportState.GIVEN_UP: "$error",
    ReportState.SEEN: "$success",
    ReportState.RESOLVED: "$success",
}


CLOSED = frozenset({ReportState.WITHDRAWN, ReportState.RESOLVED})
"""Statuses of reports that can no longer be withdrawn."""


class ReportsScreen(Screen[None]):
    """Shows the user's reports."""

    WHERE = Where.REPORTS
    BINDINGS = bindings(WHERE)

    def __init__(
        self, client: Client, go_to: Callable[[str, int], None], withdraw: Callable[[ReportEntry], None]
    ) -> None:
        """`go_to` opens a message in its channel; `withdraw` withdraws a report after confirmation."""
        super().__init__()
        self._client, self._go_to, self._withdraw = client, go_to, withdraw
        self._entries: Sequence[ReportEntry] = ()
        self._now: datetime | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="reports-top"):
            yield Static(Content.assemble(("⚑ ", "bold $error"), ("My reports", "bold")), id="reports-title")
            yield Static(id="reports-state", markup=False)
        with Horizontal(id="reports"):
            yield RowList(id="reports-list")
            with VerticalScroll(id="reports-details"):
                yield Static(id="reports-status", markup=False)
                yield Static(id="reports-message", markup=False)
                yield Static(id="reports-reasons", markup=False)
        yield Static(id="reports-empty", markup=False)
        yield Static(id="reports-problem", markup=False)
        yield KeyFooter()

    @on(events.Mount)
    def _focus_list(self) -> None:
        """Focus the list, so that the arrow keys move in it."""
        self.query_one(RowList).focus()

    def draw(self) -> None:
        state = self._client.state
        reports, now = state.reports, state.now()
        self._entries, self._now = reports.entries, now
        loading = bool(reports.loading)
        words = "loading…" if loading else _unsent(reports.unanswered)
        words = words if self._client.online else f"{self._client.status}; last known status"
        show_text(self.query_one("#reports-state", Static), Content(words))
        rows = self.query_one(RowList)
        rows.show_rows([self._row(entry, now) for entry in self._entries])
        if rows.highlighted is None and self._entries:
            rows.action_first()
        both = self.query_one("#reports")
        appear, both.display = bool(self._entries) and not both.display, bool(self._entries)
        if appear:
            rows.focus()
        empty = self.query_one("#reports-empty", Static)
        empty.display = not self._entries
        show_text(empty, Content("" if loading else EMPTY.format(report=pressed("messages.report"))))
        problem = self.query_one("#reports-problem", Static)
        problem.display = bool(reports.problem)
        show_text(problem, Content(f"✗ {reports.problem}" if reports.problem else ""))
        self._show_details()

    @property
    def _chosen(self) -> ReportEntry | None:
        chosen = self.query_one(RowList).chosen
        return next((entry for entry in self._entries if entry.report_id == chosen), None)

    @on(RowList.Highlighted)
    def _show_details(self) -> None:
        entry = self._chosen
        if entry and self._now:
            place = self._client.state.place_of(entry.channel)
            show_text(self.query_one("#reports-status", Static), _status_and_author(entry, place, self._now))
            show_text(self.query_one("#reports-message", Static), _message(entry))
            show_text(self.query_one("#reports-reasons", Static), _reasons(entry, self._now))
        self.refresh_bindings()

    def _row(self, entry: ReportEntry, now: datetime) -> ListRow:
        status = Content.assemble((_status(entry).ljust(14), _colour(entry)))
        about = Content.assemble(
            status,
            (name_text.shown(entry.about), "bold"),
            (f"  {self._client.state.place_of(entry.channel)}", Style(dim=True)),
        )
        said = " ".join(entry.message.split()) or DELETED
        below = Content.assemble("  ", (f"{entry.reason}: ", Style(dim=True)), said)
        return ListRow(entry.report_id, about, Content.styled(moment(entry.reported_at, now), Style(dim=True)), below)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the keys that do nothing for the highlighted report."""
        if action == "jump":
            return self._chosen is not None
        if action == "withdraw":
            return self._chosen is not None and self._chosen.status not in CLOSED
        return True

    @on(RowList.Selected)
    def action_jump(self) -> None:
        """Go to the message of the highlighted report; load it first if necessary."""
        entry = self._chosen
        if entry is None:
            return
        if problem := self._obstacle(entry):
            self._complain(problem)
        else:
            self.dismiss()
            self._go_to(entry.channel, entry.msg_id)

    def _obstacle(self, entry: ReportEntry) -> str | None:
        """Return why the message of a report cannot be shown, or None."""
        state = self._client.state
        timeline = state.timelines.get(entry.channel)
        if entry.about in state.relations.hidden:
            who = name_text.quoted(entry.about)
            return f"{who} is muted or blocked, so their messages are not shown."
        if timeline is None and not target.is_conversation(entry.channel):
            return "The channel of that message no longer exists."
        if not self._client.online and not (timeline and timeline.find(entry.msg_id)):
            return f"That message is not loaded. {OFFLINE}"
        return None

    def action_withdraw(self) -> None:
        """Withdraw the highlighted report."""
        if self._chosen and self._client.online:
            self._withdraw(self._chosen)
        elif self._chosen:
            self._complain(OFFLINE)

    def _complain(self, problem: str) -> None:
        self._client.state.reports.problem = problem
        self.draw()

    def accept_text(self) -> None:
        """Return to the room, which has the text field."""
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()


def _unsent(unanswered: int) -> str:
    """Return how many reports the server has not acknowledged yet, in words; "" if none."""
    one = "1 report has not reached the server yet"
    return "" if not unanswered else one if unanswered == 1 else f"{unanswered} reports have not reached the server yet"


def _status_and_author(entry: ReportEntry, place: str, now: datetime) -> Content:
    """Return the status of a report, and the author of the message."""
    dim = Style(dim=True)
    parts = [
        Content.assemble(
            (_status(entry), f"bold {_colour(entry)}"), (f"  reported {moment(entry.reported_at, now)}", dim)
        ),
        *(Content(line) for line in _status_lines(entry, now)),
        *([Content.assemble((SITE_SAYS, dim), entry.note)] if entry.note else []),
        Content(""),
        Content.assemble((name_text.shown(entry.about), "bold"), (f"  {place}  {moment(entry.at, now)}", dim)),
    ]
    return Content("\n").join(parts)


def _message(entry: ReportEntry) -> Content:
    return Content(entry.message) if entry.message else Content.styled(DELETED, Style(italic=True, dim=True))


def _reasons(entry: ReportEntry, now: datetime) -> Content:
    """Return what the user wrote about the message, with additions."""
    parts = _reason_lines(entry.reason, entry.comment)
    for added in entry.additions:
        when = Content.styled(f"Added {moment(added.at, now)}", Style(dim=True))
        parts += [Content(""), when, *_reason_lines(added.reason, added.comment)]
    return Content("\n").join(parts)


def _reason_lines(reason: str, comment: str) -> list[Content]:
    dim = Style(dim=True)
    said = [Content.assemble(("Comment  ", dim), comment)] if comment else []
    return [Content.assemble(("Reason   ", dim), reason), *said]


def _status(entry: ReportEntry) -> str:
    words = status_words(entry.status)
    return f"{words.sign} {words.label}"


def _colour(entry: ReportEntry) -> str:
    return COLOURS.get(entry.status, "dim")


def _status_lines(entry: ReportEntry, now: datetime) -> list[str]:
    return [line for line in (sentence(entry.error), meaning(entry, now)) if line]
