"""Reports: sending one, looking at one's own, taking one back."""

from collections.abc import Sequence

from server.handlers import costs
from server.handlers.dispatch import Room
from server.protocol.codes import ErrorCode
from server.protocol.frames import ReportAsk, ReportsAsk, ReportStatus, Withdraw
from server.reporting.desk import Reports
from server.room.session import Session
from server.rules import evidence as evidence_rules
from server.rules.evidence import ContextLine
from server.rules.messages import Publication
from server.rules.refusal import Refusal
from server.storage.base import Reader
from server.storage.reports import Submission


def report(room: Room, session: Session, frame: ReportAsk) -> None:
    """Tell the site about a message, from the server's own record."""
    sent = _reports(room)
    comment = evidence_rules.check_form(frame.reason, frame.comment, room.welcome.report_reasons)
    room.start(session, _send_report(room, sent, session, frame, comment), frame.nonce, lasting=True)


def reports_sent(room: Room, session: Session, frame: ReportsAsk) -> None:
    """Send a person their own reports, and where they stand."""
    room.start(session, _send_reports(room, _reports(room), session, frame.nonce), frame.nonce)


def withdraw(room: Room, session: Session, frame: Withdraw) -> None:
    """Take a report of one's own back."""
    room.start(session, _send_withdrawal(_reports(room), session, frame), frame.nonce, lasting=True)


def _reports(room: Room) -> Reports:
    if room.reports is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "This site takes no reports from here.")
    return room.reports


async def _send_report(room: Room, sent: Reports, session: Session, frame: ReportAsk, comment: str) -> None:
    reader = room.reader(session)
    reporter = reader.person
    publication = evidence_rules.reportable(reporter, next(iter(await _seen(room, reader, [frame.msg_id])), None))
    # Where the site is not sent any, none is kept.
    wanted = frame.context if room.welcome.webhooks.evidence else ()
    context = await _context(room, reader, publication, wanted) if wanted else ()
    evidence = evidence_rules.evidence(reporter, publication, frame.reason, comment, context)
    room.limiter.store(reporter.identity, session.address, costs.report(evidence), "reports")
    entry = await sent.submit(Submission(reporter, evidence, frame.nonce, frame.add))
    # Nothing comes between here and the commit, so that no later status can overtake this one.
    session.send(ReportStatus(entry, frame.nonce))


async def _context(
    room: Room, reader: Reader, publication: Publication, wanted: Sequence[int]
) -> tuple[ContextLine, ...]:
    others = [each for each in await _seen(room, reader, wanted) if each.msg_id != publication.msg_id]
    if len(others) != len(wanted):
        raise Refusal(ErrorCode.BAD_CONTEXT, "A message that should go along with the report is not there any more.")
    end, place = max(publication.msg_id, others[-1].msg_id), publication.channel_for(reader.person)
    shown = await room.broker.numbers(reader, place, end + 1, evidence_rules.MAX_SHOWN)
    return evidence_rules.context_lines(reader.person, publication, others, shown)


async def _seen(room: Room, reader: Reader, wanted: Sequence[int]) -> list[Publication]:
    """Those of these messages that there are for a person: none that was said while a block stood between the two."""
    unseen, found = room.company.relations.said_unseen, await room.broker.find_all(wanted, reader.turn)
    return [each for each in found if not unseen(reader.person.identity, each.author.identity, each.msg_id)]


async def _send_reports(room: Room, sent: Reports, session: Session, nonce: str) -> None:
    session.send(await sent.sent_by(room.reader(session), nonce))


async def _send_withdrawal(sent: Reports, session: Session, frame: Withdraw) -> None:
    session.send(ReportStatus(await sent.withdraw(session.someone, frame.report_id), frame.nonce))
