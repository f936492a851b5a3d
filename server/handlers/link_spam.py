"""Removes people who send links to many others by direct message. Each case is reported, and the message withheld."""

import logging
from asyncio import Future
from time import monotonic
from typing import TypeVar

from server.handlers import operators
from server.handlers.dispatch import Dispatcher
from server.reporting.automatic_reports import Complaint
from server.room.session import Session
from server.rules import link_spam
from server.rules.link_spam import SpamConsequence
from server.rules.messages import Keeping, MessageDraft, Person
from server.rules.ranks import Rank

log = logging.getLogger(__name__)

Stored = TypeVar("Stored")


def stops(dispatcher: Dispatcher, session: Session, text: str, peer: Person | None, nonce: str | None = None) -> bool:
    """Return whether a direct message is spam; its author is then removed from the room. Operators are exempt."""
    limits = dispatcher.live.link_limits
    if limits is None or peer is None or session.rank is Rank.OPERATOR:
        return False
    author = session.logged_in_person
    consequence = dispatcher.links.count(author.identity, peer.identity, text, limits, monotonic())
    if consequence is None:
        return False
    banned = consequence is SpamConsequence.BAN and dispatcher.live.link_ban_hours > 0
    keeping = Keeping.RECORDED if dispatcher.live.keeps_direct else Keeping.IN_MEMORY
    _record(dispatcher, MessageDraft(author, "", peer, text, nonce, withheld=True, keeping=keeping), banned=banned)
    if banned:
        dispatcher.people.ban(author, dispatcher.live.link_ban_hours, "ChatServer").add_done_callback(_log_failure)
    words, announced = (link_spam.BAN, operators.BANNED) if banned else (link_spam.WARNING, operators.KICKED)
    operators.send_away(dispatcher, author.identity, words, announced)
    return True


def _record(dispatcher: Dispatcher, draft: MessageDraft, *, banned: bool) -> None:
    """Store the withheld message with a report of it, if reports are on."""
    desk, peer = dispatcher.live.reports, draft.peer
    if desk is None or peer is None:
        return
    message = link_spam.report_message(draft.author.name, peer.name, draft.text)
    report = desk.automatic(Complaint(link_spam.REASON, message, link_spam.BANNED if banned else link_spam.KICKED))
    dispatcher.broker.publish(draft, report.record).add_done_callback(_log_failure)


def _log_failure(done: "Future[Stored]") -> None:
    if not done.cancelled() and (error := done.exception()):
        log.error("link spam could not be recorded", extra={"error": str(error)})
