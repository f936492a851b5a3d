"""The wording of report statuses for all interfaces, as pure functions."""

from datetime import datetime
from typing import NamedTuple

from server.protocol import name_text
from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry
from tui import times
from tui.tone import Tone

SITE_SAYS = "The site says: "
MODERATOR = "A moderator of the site has looked at"
EXPLAINED = frozenset({ReportState.WAITING, ReportState.GIVEN_UP})
"""Statuses whose notification begins with the error of the last attempt."""


class StatusWords(NamedTuple):
    """The words for a status."""

    sign: str
    label: str
    meaning: str
    """A sentence for the list of reports; {when}: when delivery is retried."""
    news: str | None
    """A sentence that notifies the reporter, with {report} and {when}; None if the status is no news."""
    tone: Tone = Tone.INFO


STATUS_WORDS: dict[str, StatusWords] = {
    ReportState.RECEIVED: StatusWords("→", "on its way", "The server has it and is sending it to the site.", None),
    ReportState.WAITING: StatusWords(
        "↻", "waiting", "It is saved and will be resent{when}.", "Your {report} is saved and will be resent{when}."
    ),
    ReportState.DELIVERED: StatusWords(
        "✓", "delivered", "Received by the site.", "Your {report} reached the site. Thank you.", Tone.GOOD
    ),
    ReportState.GIVEN_UP: StatusWords(
        "✗",
        "given up",
        "It is saved, but will not be resent automatically. The administrator can resend it.",
        "Your {report} is saved, but will not be resent automatically. The administrator can resend it.",
        Tone.BAD,
    ),
    ReportState.WITHDRAWN: StatusWords("○", "withdrawn", "You withdrew it.", "Your {report} is withdrawn."),
    ReportState.SEEN: StatusWords("◉", "seen", f"{MODERATOR} it.", f"{MODERATOR} your {{report}}."),
    ReportState.RESOLVED: StatusWords(
        "★", "resolved", "Resolved by the site.", "Your {report} was resolved.", Tone.GOOD
    ),
}


def status_words(status: str) -> StatusWords:
    """Return the words for a status, even for one that this client does not know."""
    return STATUS_WORDS.get(status) or StatusWords("·", status, "", f"Your {{report}}: {_literal(sentence(status))}")


def meaning(entry: ReportEntry, now: datetime) -> str:
    """Return what a status means, for the list of reports; "" if this client does not know it."""
    when = f" at {times.moment(entry.next_at, now, seconds=True)}" if entry.next_at else " later"
    return status_words(entry.status).meaning.format(when=when)


def news(entry: ReportEntry, now: datetime) -> str | None:
    """Return the text that notifies the reporter of a status; None while the report is only on its way."""
    words = status_words(entry.status).news
    if words is None:
        return None
    why = f"{sentence(entry.error)} " if entry.error and entry.status in EXPLAINED else ""
    when = f" {times.until(entry.next_at, now)}" if entry.next_at else " later"
    said = f" {SITE_SAYS}{entry.note}" if entry.note else ""
    return why + words.format(report=f"report about {name_text.quoted(entry.about)}", when=when) + said


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends like a sentence already."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."


def _literal(text: str) -> str:
    """Return a text that `str.format` leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")
