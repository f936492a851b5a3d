"""Reports to a BareRTC server, which must contain the reported message exactly as the server sent it."""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from server.protocol import frames
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import CHAT_SERVER, ServerFrame
from tui.client.barertc_html import to_text

REASONS = (
    "It's spam",
    "It's abusive (racist, homophobic, etc.)",
    "It's malicious (e.g. link to a malware website, phishing)",
    "It's illegal (e.g. controlled substances, violence)",
    "It's child abuse (CP, CSAM, pedophilia, etc.)",
    "Other (please describe)",
)
"""The reasons of BareRTC's own form."""
DELIVERED = "Your report has been delivered successfully."
NOT_DELIVERED = "Error sending the report to the website"
TOO_OLD = "This message is too old to be reported here."
MAX_REMEMBERED = 1_000
"""Number of messages whose HTML is remembered for reports."""


class SeenMessage(NamedTuple):
    """A message as the server sent it."""

    channel: str
    username: str
    html: str
    at: datetime


class _Asked(NamedTuple):
    """A report that the server has not answered."""

    frame: frames.ReportRequest
    seen: SeenMessage


class BareReports:
    """The messages that can be reported, and the reports that the server has not answered."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._seen: OrderedDict[int, SeenMessage] = OrderedDict()
        self._asked: deque[_Asked] = deque()
        self._count = 0

    def remember(self, msg_id: int, seen: SeenMessage) -> None:
        """Remember a message that the server sent."""
        self._seen[msg_id] = seen
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def knows(self, msg_id: int) -> bool:
        return msg_id in self._seen

    def ask(self, frame: frames.ReportRequest) -> SeenMessage | None:
        """Record a report as sent; return the message that it is about, or None if it is too old."""
        seen = self._seen.get(frame.msg_id)
        if seen:
            self._asked.append(_Asked(frame, seen))
        return seen

    def answer(self, words: str) -> ServerFrame | None:
        """Return the frame for a line of the server that answers the oldest report; None if it does not."""
        if not self._asked or not words.startswith((DELIVERED, NOT_DELIVERED)):
            return None
        frame, seen = self._asked.popleft()
        if words.startswith(NOT_DELIVERED):
            return frames.Error(words, ErrorCode.INTERNAL, CHAT_SERVER, frame.nonce)
        self._count += 1
        entry = frames.ReportEntry(
            report_id=f"barertc-{self._count}",
            msg_id=frame.msg_id,
            about=seen.username,
            channel=seen.channel,
            at=seen.at,
            message=to_text(seen.html)[:300],
            reason=frame.reason,
            comment=frame.comment,
            reported_at=self._now(),
            status=ReportState.DELIVERED,
        )
        return frames.ReportStatus(entry, frame.nonce)

    def lose(self) -> None:
        """Forget the reports that were not answered: the connection was lost."""
        self._asked.clear()
