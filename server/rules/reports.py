"""Who may report what, and what a report says: only the server's own record, never the reporter's claim."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, MAX_CONTEXT_AFTER, MAX_CONTEXT_BEFORE, ReportReason
from server.rules import names
from server.rules.publications import Person, Publication
from server.rules.refusal import Refusal


class ContextLine(msgspec.Struct, frozen=True):
    """A message near the reported one."""

    username: str
    at: datetime
    message: str


class Evidence(msgspec.Struct, frozen=True):
    """What a report says; `channel` is an ID, or `@username` of the other one in a direct message."""

    reporter: str
    about: str
    channel: str
    msg_id: int
    at: datetime
    message: str
    reason: str
    comment: str
    context: tuple[ContextLine, ...] = ()


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


def reportable(reporter: Person, publication: Publication | None) -> Publication:
    """The message. Refusal if the reporter may not report it; unknown and unreadable look the same."""
    if publication is None or not publication.readable_by(reporter):
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "There is no such message here.")
    if publication.taken_back and not publication.text:
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "It was taken back too long ago: its text is not kept any more.")
    author = publication.author
    if author.identity == reporter.identity or names.key(author.name) == names.key(reporter.name):
        raise Refusal(ErrorCode.CANNOT_REPORT_SELF, "You cannot report your own message.")
    return publication


def context_lines(
    reporter: Person, publication: Publication, wanted: Sequence[int], found: Sequence[Publication]
) -> tuple[ContextLine, ...]:
    """The messages around one. Refusal if one of those wanted is not there, not near, or not theirs to read."""
    before = sum(each.msg_id < publication.msg_id for each in found)
    after = sum(each.msg_id > publication.msg_id for each in found)
    near = before <= MAX_CONTEXT_BEFORE and after <= MAX_CONTEXT_AFTER and before + after == len(wanted)
    place = publication.channel_for(reporter)
    if not near or not all(each.readable_by(reporter) and each.channel_for(reporter) == place for each in found):
        raise Refusal(ErrorCode.BAD_CONTEXT, "The context of a report is made of the messages around it.")
    return tuple(ContextLine(each.author.name, each.at, each.text) for each in found)


def evidence(
    reporter: Person, publication: Publication, reason: str, comment: str, context: tuple[ContextLine, ...]
) -> Evidence:
    """What the site is told."""
    return Evidence(
        reporter.name,
        publication.author.name,
        publication.channel_for(reporter),
        publication.msg_id,
        publication.at,
        publication.text,
        reason,
        comment,
        context,
    )
