"""Who may report what, and what a report says: only the server's own record, never the reporter's claim."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, MAX_CONTEXT_AFTER, MAX_CONTEXT_BEFORE, ReportReason
from server.rules import names
from server.rules.messages import Person, Publication
from server.rules.refusal import Refusal

MAX_SHOWN = MAX_CONTEXT_BEFORE + 1 + MAX_CONTEXT_AFTER
"""The reported message and as many around it as can be sent along."""


class ContextLine(msgspec.Struct, frozen=True):
    """A message near the reported one."""

    username: str
    at: datetime
    message: str


class Statement(msgspec.Struct, frozen=True):
    """What a report says; `channel` is an ID, or `@username` of the other one in a direct message."""

    reporter: str
    about: str
    channel: str
    msg_id: int
    at: datetime
    message: str
    reason: str
    comment: str


class Evidence(Statement, frozen=True):
    """And the messages around it."""

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
    reporter: Person, publication: Publication, found: Sequence[Publication], shown: Sequence[int]
) -> tuple[ContextLine, ...]:
    """The messages around one. Refusal if one of those found is not near, or not theirs to read.

    `shown`: the numbers of the last MAX_SHOWN messages that the reporter is shown in that place, up to the last one
    found or the one reported. What is near is counted among these, so that nothing far away can pass for what led to
    it.
    """
    place = publication.channel_for(reporter)
    theirs = all(each.readable_by(reporter) and each.channel_for(reporter) == place for each in found)
    if not theirs or not _near(publication.msg_id, [each.msg_id for each in found], shown):
        raise Refusal(ErrorCode.BAD_CONTEXT, "The context of a report is made of the messages around it.")
    return tuple(ContextLine(each.author.name, each.at, each.text) for each in found)


def _near(msg_id: int, found: Sequence[int], shown: Sequence[int]) -> bool:
    before, after = [number for number in found if number < msg_id], [number for number in found if number > msg_id]
    shown_before = [number for number in shown if number < msg_id]
    farthest = 0 if len(shown_before) < MAX_CONTEXT_BEFORE else shown_before[-MAX_CONTEXT_BEFORE]
    return (
        len(before) <= MAX_CONTEXT_BEFORE
        and all(number >= farthest for number in before)
        and len(after) <= MAX_CONTEXT_AFTER
        and sum(number > msg_id for number in shown) <= MAX_CONTEXT_AFTER
    )


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
