"""The user's own reports: their status, requests that wait for an answer, and changes to notify the user of."""

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from server.protocol import frames
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import ReportEntry
from tui.client import report_words
from tui.client.entries import Line
from tui.client.report_words import sentence
from tui.limits import MAX_REPORTS
from tui.tone import Tone

GONE = "That message is no longer on the server; nothing was reported."
REFUSED = "Your report was not sent."
KEPT = "Your text is saved: report the message again to send it."
ADD_INSTEAD = "Your text is saved: report the message again to add it to your report."
FINAL = frozenset({ErrorCode.UNKNOWN_MESSAGE, ErrorCode.CANNOT_REPORT_SELF, ErrorCode.WEBHOOK_OFF})
"""Errors after which a retry cannot succeed."""

MAX_CAUSES = 20
"""Causes of a delay that are remembered for each report."""


class ReportDraft(NamedTuple):
    """A report form as filled in; `context` has the numbers of the messages that it includes."""

    reason: str
    comment: str
    context: tuple[int, ...] = ()


class Remark(NamedTuple):
    """A line for the user, and its channel ("": the current one)."""

    text: str
    tone: Tone
    channel: str


class AskedReport(NamedTuple):
    """A report that the server has not answered; `about`: the author of the message."""

    frame: frames.ReportRequest
    channel: str
    about: str


class OwnReports(Struct):
    """The user's own reports; methods that fold a frame return the lines that notify the user."""

    drafts: dict[int, ReportDraft] = field(default_factory=dict)
    """Message number -> form that the server has not accepted."""
    loading: str = ""
    """The nonce of the pending request for the list."""
    problem: str | None = None
    """Why the latest request failed."""
    _entries: dict[str, ReportEntry] = field(default_factory=dict)
    _asked: dict[str, AskedReport] = field(default_factory=dict)
    _withdrawing: dict[str, str] = field(default_factory=dict)
    """Nonce -> reportID."""
    _refused: set[int] = field(default_factory=set)
    """Messages that were reported before, according to the server."""
    _notified: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """ReportID -> statuses with their causes that the user was notified of since the last change."""

    @property
    def entries(self) -> list[ReportEntry]:
        """Return all reports, the latest first."""
        return sorted(self._entries.values(), key=lambda entry: (entry.reported_at, entry.msg_id), reverse=True)

    def find(self, report_id: str) -> ReportEntry | None:
        return self._entries.get(report_id)

    @property
    def statuses(self) -> Mapping[int, str]:
        """Return the status of the user's report by message number, including withdrawn reports."""
        # The server refuses another report of these; their status is unknown.
        return dict.fromkeys(self._refused, ReportState.RECEIVED.value) | {
            each.msg_id: each.status for each in self._entries.values()
        }

    @property
    def marked(self) -> Set[int]:
        """Return the messages that are shown as reported: those with a report that is not withdrawn."""
        open_reports = {each.msg_id for each in self._entries.values() if each.status != ReportState.WITHDRAWN}
        return open_reports | self._refused

    def reported(self, msg_id: int) -> bool:
        """Return whether the user has reported this message, as far as this client knows."""
        return msg_id in self.marked or any(asked.frame.msg_id == msg_id for asked in self._asked.values())

    def was_given_up(self, msg_id: int) -> bool:
        """Return whether the site never accepted the user's report of this message."""
        return any(each.msg_id == msg_id and each.status == ReportState.GIVEN_UP for each in self._entries.values())

    @property
    def unanswered(self) -> int:
        """Return the number of reports that the server has not answered."""
        return len(self._asked)

    def asked(self, nonce: str | None) -> AskedReport | None:
        """Return the unanswered report with this nonce, if any."""
        return self._asked.get(nonce or "")

    @property
    def pending(self) -> list[AskedReport]:
        """Return the reports that the server has not answered."""
        return list(self._asked.values())

    @property
    def withdrawing(self) -> Mapping[str, str]:
        """Return the withdrawals that the server has not answered: nonce -> reportID."""
        return self._withdrawing

    def restore(
        self, asked: Iterable[AskedReport], withdrawing: Mapping[str, str], drafts: Mapping[int, ReportDraft]
    ) -> None:
        """Restore what was unanswered when the client ended; newer forms take precedence."""
        self._asked |= {each.frame.nonce or "": each for each in asked}
        self._withdrawing |= withdrawing
        self.drafts = {**drafts, **self.drafts}

    def store_draft(self, msg_id: int, draft: ReportDraft) -> None:
        """Store an unsent form about a message, if it has a comment."""
        self.drafts.pop(msg_id, None)
        if draft.comment:
            self.drafts[msg_id] = draft

    def send(self, line: Line, channel: str, draft: ReportDraft, nonce: str) -> frames.ReportRequest:
        """Report a message, or add to its report; stored until the server answers."""
        # The server still has a withdrawn report: another one of the message can only add to it.
        add = self.reported(line.msg_id) or any(each.msg_id == line.msg_id for each in self._entries.values())
        frame = frames.ReportRequest(line.msg_id, draft.reason, draft.comment, nonce, draft.context, add)
        self._asked[nonce] = AskedReport(frame, channel, line.author)
        return frame

    def ask(self, nonce: str) -> frames.ReportsRequest:
        """Request the list of all reports of the user."""
        self.loading, self.problem = nonce, None
        return frames.ReportsRequest(nonce)

    def withdraw(self, report_id: str, nonce: str) -> frames.Withdraw:
        """Withdraw a report; stored until the server answers."""
        self._withdrawing[nonce], self.problem = report_id, None
        return frames.Withdraw(report_id, nonce)

    def unsent(self) -> list[frames.ReportRequest | frames.Withdraw]:
        """Return the unanswered requests; resent after a reconnect, each counts once."""
        return [
            *(asked.frame for asked in self._asked.values()),
            *(frames.Withdraw(report_id, nonce) for nonce, report_id in self._withdrawing.items()),
        ]

    def give_up(self, why: str) -> list[Remark]:
        """Drop the unanswered requests; their forms are kept."""
        errors = (frames.Error(why, "", frames.CHAT_SERVER, nonce) for nonce in [*self._asked, *self._withdrawing])
        return [remark for error in errors for remark in self.fold_error(error) or ()]

    def lost(self) -> None:
        """Forget the request for the list: the connection is lost."""
        self.loading = ""

    def forget(self) -> list[Remark]:
        """Drop all reports, forms and requests: the server has started a new numbering, so they refer to no message."""
        lost = [Remark(GONE, Tone.BAD, asked.channel) for asked in self._asked.values()]
        for mine in (self.drafts, self._entries, self._asked, self._withdrawing, self._refused, self._notified):
            mine.clear()
        return lost

    def fold_status(self, frame: frames.ReportStatus, now: datetime) -> list[Remark]:
        entry, nonce = _aware(frame.report), frame.nonce or ""
        asked = self._asked.pop(nonce, None)
        self._withdrawing.pop(nonce, None)
        if asked:
            self.drafts.pop(asked.frame.msg_id, None)
            self._refused.discard(asked.frame.msg_id)
            if asked.frame.add:
                self._notified.pop(entry.report_id, None)
        self._entries[entry.report_id] = entry
        if len(self._entries) > MAX_REPORTS:
            del self._entries[next(iter(self._entries))]
        return self._news(entry, now, entry.channel)

    def fold_list(self, frame: frames.Reports, now: datetime) -> list[Remark]:
        """Fold the list; changes to a status notify the user in the current channel."""
        before, entries = self._entries, [_aware(each) for each in frame.reports]
        self._entries = {each.report_id: each for each in entries}
        if frame.nonce == self.loading:
            self.loading = ""
        waited_for = {asked.frame.msg_id for asked in self._asked.values()}
        remarks = []
        for entry in entries:
            if entry.report_id in frame.changed or entry.report_id in before:
                remarks += self._news(entry, now, "")
            elif entry.msg_id not in waited_for:
                self._is_news(entry)
        return remarks

    def fold_error(self, frame: frames.Error) -> list[Remark] | None:
        """Fold the error of a report request; None if it is about something else."""
        nonce = frame.nonce or ""
        if nonce and (nonce == self.loading or nonce in self._withdrawing):
            self.loading = "" if nonce == self.loading else self.loading
            self._withdrawing.pop(nonce, None)
            self.problem = frame.message
            return []
        asked = self._asked.pop(nonce, None)
        if asked is None:
            return None
        report = asked.frame
        if frame.code not in FINAL:
            context = () if frame.code == ErrorCode.BAD_CONTEXT else report.context
            self.drafts[report.msg_id] = ReportDraft(report.reason, report.comment, context)
        if frame.code == ErrorCode.ALREADY_REPORTED:
            self._refused.add(report.msg_id)
        words = ADD_INSTEAD if report.msg_id in self._refused and not report.add else KEPT
        words = "" if frame.code in FINAL else words
        return [Remark(f"{REFUSED} {sentence(frame.message)} {words}".strip(), Tone.BAD, asked.channel)]

    def _news(self, entry: ReportEntry, now: datetime, channel: str) -> list[Remark]:
        words = report_words.news(entry, now)
        return (
            [Remark(words, report_words.status_words(entry.status).tone, channel)]
            if self._is_news(entry) and words
            else []
        )

    def _is_news(self, entry: ReportEntry) -> bool:
        """Record the status as known; return False if it already was. While a report waits, each cause is news once."""
        reached = (entry.status, entry.error if entry.status == ReportState.WAITING else entry.note)
        known = self._notified.setdefault(entry.report_id, set())
        if len(self._notified) > MAX_REPORTS:
            del self._notified[next(iter(self._notified))]
        if reached in known:
            return False
        if (
            len(known) >= MAX_CAUSES
            or entry.status != ReportState.WAITING
            or any(status != entry.status for status, _ in known)
        ):
            known.clear()
        known.add(reached)
        return True


def _aware(entry: ReportEntry) -> ReportEntry:
    """Add UTC to a time without a zone: it is not RFC 3339, and cannot be compared with one that has a zone."""
    names = ("at", "reported_at", "next_at")
    added = [msgspec.structs.replace(each, at=_utc(each.at)) for each in entry.additions]
    return msgspec.structs.replace(entry, additions=added, **{name: _utc(getattr(entry, name)) for name in names})


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
