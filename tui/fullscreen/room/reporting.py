"""Reporting messages, and loading the user's own reports."""

from functools import partial

from server.protocol import name_text
from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry
from tui.client.client import OFFLINE, nonce
from tui.client.entries import Line
from tui.client.own_reports import GONE
from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.screens.report_form import ReportForm, Subject
from tui.tone import Tone


class Reporting:
    """Opens the report form, and sends the report."""

    def __init__(self, room: RoomInterface) -> None:
        self._room = room
        self._client = room.client

    def report(self, line: Line) -> None:
        """Show the report form, after a question if this is a second report; send the report, or store a draft."""
        if self._room.can_ask():
            self._room.dialogs.start(partial(self._report, line))

    async def _report(self, line: Line) -> None:
        state = self._client.state
        welcome, reports = state.welcome, state.reports
        if welcome is None or not welcome.report_reasons:
            return
        again = reports.reported(line.msg_id)
        author = name_text.quoted(line.author)
        known = f"You've already reported this message from {author}."
        if again and not welcome.webhooks.evidence and not reports.was_given_up(line.msg_id):
            state.note(f"{known} This site accepts no additions.")
            self._room.redraw()
            return
        if again and not await self._room.dialogs.ask(f"{known} Add to your report?", "Add to report"):
            return
        subject = Subject(line, state.context_of(line), again, reports.drafts.get(line.msg_id), state.name_hues)
        longest = welcome.limits.comment_chars
        form = ReportForm(subject, welcome.report_reasons, longest, self._obstacle)
        filled = await self._room.dialogs.result_of(form)
        if not filled.sent:
            reports.store_draft(line.msg_id, filled.draft)
        elif not state.timeline.holds(line):
            state.note(GONE, Tone.BAD)
        else:
            self._client.send_stored(state.report(line, filled.draft, nonce()))
        self._room.redraw()

    def withdraw(self, entry: ReportEntry) -> None:
        """Withdraw a report after confirmation."""
        self._room.dialogs.start(partial(self._withdraw, entry))

    async def _withdraw(self, entry: ReportEntry) -> None:
        state = self._client.state
        evidence = state.welcome is not None and state.welcome.webhooks.evidence
        about = name_text.quoted(entry.about)
        words = f"Withdraw your report about {about}? {withdrawal_consequence(entry, evidence=evidence)}"
        if await self._room.dialogs.ask(words, "Withdraw"):
            self._client.send_stored(state.reports.withdraw(entry.report_id, nonce()))
            self._room.redraw()

    def _obstacle(self) -> str | None:
        return None if self._client.online else OFFLINE

    def ask_for_reports(self) -> None:
        """Request all reports of the user."""
        reports = self._client.state.reports
        reports.problem = None
        if self._client.online:
            self._client.send(reports.ask(nonce()))


def withdrawal_consequence(entry: ReportEntry, *, evidence: bool) -> str:
    """Return the consequence of a withdrawal, in words. The site is notified only if it receives evidence."""
    if entry.status in {ReportState.RECEIVED, ReportState.WAITING, ReportState.GIVEN_UP}:
        # The site may have read a failed attempt, or the report before something was added to it.
        known = "will be told that you withdrew it" if evidence else "will not be told"
        return f"No further copies will be sent. If the site already has the report, it {known}."
    return "The site will be told." if evidence else "The site already has it and will not be told."
