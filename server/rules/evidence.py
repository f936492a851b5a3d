"""The rules for reporting a message, and the content of a report: the server's record, never the reporter's claim."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_COMMENT_CHARS, MAX_CONTEXT_AFTER, MAX_CONTEXT_BEFORE, ReportReason
from server.rules.messages import Person, Publication, readable
from server.rules.refusal import Refusal
from server.rules.storable import storable

MAX_RECENT = 30
"""Maximum number of recent messages of a conversation in a report, as in BareRTC."""
MAX_SHOWN = MAX_CONTEXT_BEFORE + 1 + MAX_CONTEXT_AFTER
"""Number of messages: the reported one, and the maximum context around it."""


class ContextLine(msgspec.Struct, frozen=True):
    """A message near the reported one."""

    username: str
    at: datetime
    message: str
    identity: str = ""
    """The author's identity; empty in old rows."""


class EarlierText(msgspec.Struct, frozen=True):
    """An earlier text of an edited message, and when it was set."""

    since: datetime
    text: str


class Statement(msgspec.Struct, frozen=True):
    """The content of a report; `channel` is an ID, or `@username` of the other person in a conversation."""

    reporter: str
    about: str
    channel: str
    msg_id: int
    at: datetime
    message: str
    reason: str
    comment: str


class Evidence(Statement, frozen=True):
    """A statement with the context that the reporter selected."""

    context: tuple[ContextLine, ...] = ()
    reporter_identity: str = ""
    about_identity: str = ""
    """A name can pass to another person, an identity cannot. Both identities are empty in old rows."""
    holds_name: bool = True
    """Whether the author still had the name, or had it reserved, at the time of the report."""
    earlier_texts: tuple[EarlierText, ...] = ()
    """What the message said before it was edited, oldest first."""
    recent: tuple[ContextLine, ...] = ()
    """The last messages of the conversation, if a webhook has DMContext and the message is a direct one."""
    automatic: bool = False
    """The server itself reports the message; `reporter` is its author."""


class Companion(NamedTuple):
    """A later report of the same message by somebody else."""

    report_id: str
    reporter: str
    identity: str
    reason: str
    comment: str


class Companions(NamedTuple):
    """The reports delivered together with another one, and the number of people who had reported the message so far."""

    people: int = 1
    reports: tuple[Companion, ...] = ()


ALONE = Companions()


def reason_list(reasons: Sequence[str]) -> list[ReportReason]:
    """Return the reasons for the report form: one that starts with "Other" requires a comment."""
    return [ReportReason(reason, reason.casefold().startswith("other")) for reason in reasons]


def check_form(reason: str, comment: str, reasons: Sequence[ReportReason]) -> str:
    """Return the trimmed comment. Raises Refusal if the form is not valid."""
    chosen = next((known for known in reasons if known.reason == reason), None)
    if chosen is None:
        raise Refusal(ErrorCode.BAD_REASON, "Choose one of the reasons of this room.")
    trimmed = storable(comment, ErrorCode.BAD_COMMENT).strip()
    if chosen.comment_required and not trimmed:
        raise Refusal(ErrorCode.BAD_COMMENT, "Please say what's wrong: this reason requires a comment.")
    if len(trimmed) > MAX_COMMENT_CHARS:
        raise Refusal(
            ErrorCode.BAD_COMMENT,
            f"The comment has {len(trimmed)} characters; the limit is {MAX_COMMENT_CHARS}. Shorten it.",
        )
    return trimmed


def reportable(reporter: Person, publication: Publication | None) -> Publication:
    """Return the message. Raises Refusal if this person may not report it."""
    found = readable(publication, reporter)
    if found.taken_back and not found.text:
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "This message was deleted too long ago; its text is no longer stored.")
    if found.author.identity == reporter.identity:
        raise Refusal(ErrorCode.CANNOT_REPORT_SELF, "You cannot report your own message.")
    return found


def context_lines(
    reporter: Person, publication: Publication, found: Sequence[Publication], shown: Sequence[int]
) -> tuple[ContextLine, ...]:
    """Return the context of a report. Raises Refusal if a message is not near the reported one, or not readable.

    `shown`: the numbers of the last MAX_SHOWN messages that the reporter sees in that channel, up to the last message
    found or the reported one. Distances are counted in these, so that a distant message cannot pass as the context.
    """
    place = publication.channel_for(reporter)
    theirs = all(each.readable_by(reporter) and each.channel_for(reporter) == place for each in found)
    if not theirs or not _near(publication.msg_id, [each.msg_id for each in found], shown):
        raise Refusal(
            ErrorCode.BAD_CONTEXT,
            "The context of a report can only contain the messages around the reported one. Choose the context again.",
        )
    return tuple(ContextLine(each.author.name, each.at, each.text, each.author.identity) for each in found)


def recent_lines(found: Sequence[Publication]) -> tuple[ContextLine, ...]:
    """Return the last messages of a conversation, without deleted ones."""
    return tuple(ContextLine(each.author.name, each.at, each.text) for each in found if not each.taken_back)


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
    reporter: Person,
    publication: Publication,
    reason: str,
    comment: str,
    context: tuple[ContextLine, ...],
    recent: tuple[ContextLine, ...] = (),
    *,
    holds_name: bool,
) -> Evidence:
    """Return the evidence that the server attests to the site."""
    return Evidence(
        reporter=reporter.name,
        about=publication.author.name,
        channel=publication.channel_for(reporter),
        msg_id=publication.msg_id,
        at=publication.at,
        message=publication.text,
        reason=reason,
        comment=comment,
        context=context,
        reporter_identity=reporter.identity,
        about_identity=publication.author.identity,
        holds_name=holds_name,
        earlier_texts=tuple(EarlierText(*version) for version in publication.versions),
        recent=recent,
    )
