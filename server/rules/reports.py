"""Who may report what, and what a report says: only the server's own record, never the reporter's claim."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, ReportReason
from server.rules import names
from server.rules.publications import Person, Publication
from server.rules.refusal import Refusal


class Evidence(NamedTuple):
    """A report as the site receives it; `channel` is an ID, or `@username` of the other one in a direct message."""

    reporter: str
    about: str
    channel: str
    at: datetime
    reason: str
    message: str
    comment: str


def reason_list(reasons: Sequence[str]) -> list[ReportReason]:
    """The reasons as the form needs them: one that begins with "Other" says nothing without a comment."""
    return [ReportReason(reason, reason.casefold().startswith("other")) for reason in reasons]


def check_form(reason: str, comment: str, reasons: Sequence[ReportReason]) -> str:
    """The comment without the white space around it. Refusal if the form is not filled in as it must be."""
    chosen = next((known for known in reasons if known.reason == reason), None)
    if chosen is None:
        raise Refusal(ErrorCode.BAD_REASON, "Choose one of the reasons of this room.")
    trimmed = comment.strip()
    if chosen.comment_required and not trimmed:
        raise Refusal(ErrorCode.BAD_COMMENT, "Describe in the comment what is wrong: the reason alone does not say it.")
    if len(trimmed) > MAX_COMMENT_CHARS:
        raise Refusal(
            ErrorCode.BAD_COMMENT,
            f"A comment has at most {MAX_COMMENT_CHARS} characters; this one has {len(trimmed)}.",
        )
    return trimmed


def evidence(reporter: Person, publication: Publication | None, reason: str, comment: str) -> Evidence:
    """What the site is told. Refusal if the reporter may not report it; unknown and unreadable look the same."""
    if publication is None or not publication.readable_by(reporter):
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "There is no such message here.")
    author = publication.author
    if author.identity == reporter.identity or names.key(author.name) == names.key(reporter.name):
        raise Refusal(ErrorCode.CANNOT_REPORT_SELF, "You cannot report your own message.")
    channel = publication.channel_for(reporter)
    return Evidence(reporter.name, author.name, channel, publication.at, reason, publication.text, comment)
