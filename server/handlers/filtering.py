"""Filters applied to messages and edits: what is stored and reported, and the reply to the author."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from server.handlers import link_spam
from server.handlers.dispatch import Dispatcher
from server.protocol.codes import ErrorCode
from server.protocol.frames import Edit
from server.reporting.automatic_reports import AutomaticReport, Complaint
from server.room.session import Session
from server.rules import filters
from server.rules import messages as message_rules
from server.rules.filters import FilterVerdict
from server.rules.messages import Person, Publication
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.storage.base import Recorder

log = logging.getLogger(__name__)


class Filtered(NamedTuple):
    """The verdict of the filters on a text, and the report to store with it."""

    verdict: FilterVerdict
    report: AutomaticReport | None

    @property
    def recorder(self) -> Recorder | None:
        """Return the function that stores the report along with the message."""
        return self.report.record if self.report else None

    def respond(self, session: Session, channel: str) -> None:
        """Send the responses of the filters to the author."""
        for line in self.verdict.responses:
            session.notice(channel, line)


def apply(dispatcher: Dispatcher, session: Session, text: str, peer: Person | None) -> Filtered:
    """Apply the filters to what a user writes to a channel, or to a peer."""
    live = dispatcher.live
    verdict = filters.judge(
        live.filters,
        text,
        private=peer is not None,
        author_op=session.rank is Rank.OPERATOR,
        peer_op=peer is not None and dispatcher.hub.is_operator(peer.identity),
    )
    return Filtered(verdict, _report(dispatcher, session, text) if verdict.report else None)


def _report(dispatcher: Dispatcher, session: Session, text: str) -> AutomaticReport | None:
    desk = dispatcher.live.reports
    if desk is None:
        return None
    try:
        dispatcher.limiter.count_report(session.address)
    except Refusal:
        log.warning("a filtered message is not reported: too many from one address", extra={"address": session.address})
        return None
    return desk.automatic(Complaint(filters.REASON, text))


async def edit(dispatcher: Dispatcher, session: Session, frame: Edit, text: str) -> None:
    """Edit a message, if the filters let the new text through. Raises Refusal or StorageError."""
    person = session.logged_in_person
    access = dispatcher.access(session)
    before = await _find(dispatcher, session, frame.msg_id)
    peer = message_rules.check_edit(before, person, access, text).peer
    if link_spam.stops(dispatcher, session, text, peer):
        return
    filtered = apply(dispatcher, session, text, peer)
    verdict, report = filtered
    if verdict.forward:
        await dispatcher.broker.edit(frame.msg_id, person, verdict.text, access, filtered.recorder)
    elif before and report and dispatcher.live.reports:
        await dispatcher.live.reports.record(report, before)
    filtered.respond(session, before.channel_for(person) if before else "")
    if not verdict.forward:
        raise Refusal(ErrorCode.BAD_MESSAGE, filters.REFUSED_EDIT)


async def _find(dispatcher: Dispatcher, session: Session, msg_id: int) -> Publication | None:
    found: Sequence[Publication] = await dispatcher.broker.find_all([msg_id], session.queue_key)
    return next(iter(found), None)
