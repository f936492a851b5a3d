"""Reporting messages, and loading the user's reports."""

from server.protocol import name_text
from tui.client.client import OFFLINE, nonce
from tui.client.own_reports import GONE
from tui.client.timeline import Line
from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.typeahead import TypeAhead
from tui.tone import Tone


class Reporting:
    """Opens the report form, and replays keys typed ahead into it."""

    def __init__(self, room: RoomInterface, typeahead: TypeAhead) -> None:
        self._room = room
        self._client = room.client
        self._typeahead = typeahead

    def begin(self, line: Line) -> None:
        """Hold keys for the form, unless a question comes first."""
        if not self._client.state.reports.reported(line.msg_id):
            self._typeahead.hold()

    async def report(self, line: Line) -> None:
        """Show the form for a message, and send the report."""
        try:
            await self._fill_in(line)
        finally:
            # However the form ended, keys go to the room again.
            self._typeahead.drop()

    async def _fill_in(self, line: Line) -> None:
        """Confirm a second report of the same message, show the form, and send or keep what was filled in."""
        from tui.fullscreen.screens.report_form import ReportForm, Subject

        state = self._client.state
        welcome, reports = state.welcome, state.reports
        if welcome is None or not welcome.report_reasons:
            return
        again = reports.reported(line.msg_id)
        author = name_text.quoted(line.author)
        question = f"You've already reported this message from {author}. Add to your report?"
        if again and not await self._room.ask(question, "Add to report"):
            return
        subject = Subject(line, state.context_of(line), again, reports.drafts.get(line.msg_id))
        longest = welcome.limits.comment_chars
        form = ReportForm(subject, welcome.report_reasons, longest, self._obstacle, self._typeahead.replay)
        filled = await self._room.result_of(form)
        if not filled.sent:
            reports.keep_draft(line.msg_id, filled.draft)
        elif not state.timeline.holds(line):
            state.note(GONE, Tone.BAD)
        else:
            self._client.send(state.report(line, filled.draft, nonce()))
        self._room.redraw()

    def _obstacle(self) -> str | None:
        return None if self._client.online else OFFLINE

    def ask_for_reports(self) -> None:
        """Request all reports of the user."""
        reports = self._client.state.reports
        reports.problem = None
        if self._client.online:
            self._client.send(reports.ask(nonce()))
