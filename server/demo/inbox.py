"""The newest reports and the site's answers, in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from server.protocol.codes import ReportState

MAX_REPORTS = 100
MAX_WEBHOOK_IDS = 10_000
"""Number of remembered calls, to recognise repeated ones."""

Moment = Annotated[datetime, Meta(tz=True)]
ReportID = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
"""The ID of a report, safe as part of a URL."""


class ContextMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """A message near the reported one."""

    username: str
    timestamp: Moment
    message: str


class ReceivedReport(msgspec.Struct, frozen=True, rename="pascal"):
    """A report, or an addition to one with another reason and comment, as the webhook delivers it."""

    from_username: str
    about_username: str
    channel: str
    timestamp: Moment
    reason: str
    message: str
    comment: str
    report_id: ReportID = msgspec.field(name="ReportID")
    message_id: int = msgspec.field(name="MessageID")
    context: list[ContextMessage]


class ModeratorAnswer(NamedTuple):
    """The site's answer to a report; `problem`: why the chat server was not notified, or None."""

    status: ReportState
    note: str
    problem: str | None


class Card:
    """A report, with additions, withdrawal and answer."""

    def __init__(self, report: ReceivedReport) -> None:
        self.report = report
        self.additions: list[ReceivedReport] = []
        self.withdrawn = False
        self.answer: ModeratorAnswer | None = None

    def add(self, report: ReceivedReport) -> None:
        """Add an addition, which reopens the report."""
        self.additions.append(report)
        self.withdrawn = False
        self.answer = None

    def listed(self) -> dict[str, object]:
        """Return the card as JSON values, for `/reports.json`."""
        return {
            **msgspec.to_builtins(self.report),
            "Additions": [{"Reason": each.reason, "Comment": each.comment} for each in self.additions],
            "Withdrawn": self.withdrawn,
            "Status": self.answer.status if self.answer else "",
            "Note": self.answer.note if self.answer else "",
            "Problem": (self.answer.problem if self.answer else None) or "",
        }


class Inbox:
    """Holds the newest reports; drops the oldest if there are too many."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}
        self._webhook_ids: dict[str, None] = {}

    def is_repeat(self, webhook_id: str) -> bool:
        """Return whether this call was received before, and remember it."""
        if webhook_id in self._webhook_ids:
            return True
        self._webhook_ids[webhook_id] = None
        if len(self._webhook_ids) > MAX_WEBHOOK_IDS:
            del self._webhook_ids[next(iter(self._webhook_ids))]
        return False

    def add(self, report: ReceivedReport) -> None:
        """Add a report at the top, or an addition to the card of its report."""
        if card := self.card(report.report_id):
            card.add(report)
            return
        self._cards[report.report_id] = Card(report)
        if len(self._cards) > MAX_REPORTS:
            del self._cards[next(iter(self._cards))]

    def withdraw(self, report_id: str) -> None:
        """Mark a report as withdrawn. Does nothing if it was withdrawn before it was delivered."""
        if card := self.card(report_id):
            card.withdrawn = True

    def card(self, report_id: str) -> Card | None:
        """Return the card of a report, or None if it was never received, or dropped."""
        return self._cards.get(report_id)

    def cards(self) -> Sequence[Card]:
        """Return all cards, newest first."""
        return tuple(reversed(self._cards.values()))
