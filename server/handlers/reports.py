"""Reports: submit, list and withdraw."""

from collections.abc import Sequence

from server.handlers import costs
from server.handlers.dispatch import Dispatcher
from server.protocol.codes import ErrorCode
from server.protocol.frames import ReportReason, ReportRequest, ReportsRequest, ReportStatus, Withdraw
from server.reporting.desk import ReportDesk
from server.room.session import Session
from server.rules import claimed_text
from server.rules import evidence as evidence_rules
from server.rules.evidence import ContextLine
from server.rules.messages import Publication
from server.rules.refusal import Refusal
from server.storage.base import Reader
from server.storage.reports import Submission


def report(dispatcher: Dispatcher, session: Session, frame: ReportRequest) -> None:
    """Report a message to the site. The evidence comes from the server's own record."""
    desk = _desk(dispatcher)
    if not frame.msg_id and not (frame.channel and frame.username):
        raise Refusal(ErrorCode.MALFORMED, "A report must name a msgID, or a channel, a username and the text.")
    reasons = dispatcher.live.welcome.report_reasons
    if not frame.msg_id and frame.reason.strip():
        # Clients that report without a msgID have reasons of their own, and do not know ours.
        reasons = [*reasons, ReportReason(frame.reason, comment_required=False)]
    comment = evidence_rules.check_form(frame.reason, frame.comment, reasons)
    dispatcher.start_task(session, _send_report(dispatcher, desk, session, frame, comment), frame.nonce, lasting=True)


def list_reports(dispatcher: Dispatcher, session: Session, frame: ReportsRequest) -> None:
    """Send the user their own reports and the status of each."""
    dispatcher.start_task(session, _send_reports(dispatcher, _desk(dispatcher), session, frame.nonce), frame.nonce)


def withdraw(dispatcher: Dispatcher, session: Session, frame: Withdraw) -> None:
    """Withdraw the user's own report."""
    dispatcher.start_task(session, _send_withdrawal(_desk(dispatcher), session, frame), frame.nonce, lasting=True)


def _desk(dispatcher: Dispatcher) -> ReportDesk:
    desk = dispatcher.live.reports
    if desk is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "Reports are turned off on this server.")
    return desk


async def _send_report(
    dispatcher: Dispatcher, desk: ReportDesk, session: Session, frame: ReportRequest, comment: str
) -> None:
    reader = dispatcher.reader(session)
    reporter = reader.person
    msg_id = frame.msg_id or await _find_claimed(dispatcher, reader, frame)
    publication = evidence_rules.reportable(reporter, next(iter(await _visible(dispatcher, reader, [msg_id])), None))
    # Context that the site will not receive is not stored either.
    wanted = frame.context if dispatcher.live.welcome.webhooks.evidence else ()
    context = await _context(dispatcher, reader, publication, wanted) if wanted else ()
    holds_name = dispatcher.people.holds_name(publication.author)
    recent = await _recent(dispatcher, reader, publication)
    evidence = evidence_rules.evidence(
        reporter, publication, frame.reason, comment, context, recent, holds_name=holds_name
    )
    dispatcher.limiter.count_stored(reporter.identity, session.address, costs.report_bytes(evidence), "reports")
    dispatcher.limiter.count_report(session.address)
    entry = await desk.submit(Submission(reporter, evidence, frame.nonce, frame.add))
    # Nothing may run between the commit and this line, or a later status could overtake this one.
    session.send(ReportStatus(entry, frame.nonce))


async def _find_claimed(dispatcher: Dispatcher, reader: Reader, frame: ReportRequest) -> int:
    """Return the msgID of the message that a report without one describes. Raises Refusal if it is not found."""
    texts = await dispatcher.broker.texts_by(reader, frame.username, frame.channel)
    if number := claimed_text.find(frame.message, texts):
        return number
    raise Refusal(
        ErrorCode.UNKNOWN_MESSAGE,
        "The server has no record of this message, so it was not reported. Check channel, author and text, or name its"
        " msgID.",
    )


async def _context(
    dispatcher: Dispatcher, reader: Reader, publication: Publication, wanted: Sequence[int]
) -> tuple[ContextLine, ...]:
    others = [each for each in await _visible(dispatcher, reader, wanted) if each.msg_id != publication.msg_id]
    if len(others) != len(wanted):
        raise Refusal(ErrorCode.BAD_CONTEXT, "A context message is no longer available. Choose the context again.")
    end, place = max(publication.msg_id, others[-1].msg_id), publication.channel_for(reader.person)
    shown = await dispatcher.broker.numbers(reader, place, end + 1, evidence_rules.MAX_SHOWN)
    return evidence_rules.context_lines(reader.person, publication, others, shown)


async def _recent(dispatcher: Dispatcher, reader: Reader, publication: Publication) -> tuple[ContextLine, ...]:
    """Return the last messages of a reported conversation, if the settings request them."""
    if publication.peer is None or not dispatcher.live.dm_context:
        return ()
    place = publication.channel_for(reader.person)
    page = await dispatcher.broker.history(reader, place, 0, evidence_rules.MAX_RECENT)
    return evidence_rules.recent_lines(page.publications)


async def _visible(dispatcher: Dispatcher, reader: Reader, wanted: Sequence[int]) -> list[Publication]:
    """Return those of the messages that the reader can see, except those sent while a block hid the author."""
    unseen = dispatcher.people.relations.sent_during_block
    found = [
        each
        for each in await dispatcher.broker.find_all(wanted, reader.queue_key)
        if each.peer is not None or each.channel in reader.channels
    ]
    return [each for each in found if not unseen(reader.person.identity, each.author.identity, each.msg_id)]


async def _send_reports(dispatcher: Dispatcher, desk: ReportDesk, session: Session, nonce: str) -> None:
    session.send(await desk.sent_by(dispatcher.reader(session), nonce))


async def _send_withdrawal(desk: ReportDesk, session: Session, frame: Withdraw) -> None:
    session.send(ReportStatus(await desk.withdraw(session.logged_in_person, frame.report_id), frame.nonce))
