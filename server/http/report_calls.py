"""API calls by which the site reads reports: a list of them, or one with its evidence."""

from http import HTTPStatus

from msgspec import UNSET

from server.handlers.dispatch import Dispatcher
from server.http.api_types import (
    AttestedContext,
    EarlierMessage,
    ReportEvidence,
    ReportLine,
    ReportPage,
    ReportsCall,
    TrailLine,
)
from server.reporting.desk import ReportDesk
from server.rules.evidence import Evidence
from server.rules.reports import StoredReport
from server.rules.requests import RefusedRequest
from server.rules.trail import Added, Event, Reported, SiteSaid
from server.storage.clock import moment
from server.storage.trail import TrailRow

OFF = "Reports are turned off. Retry later."
UNKNOWN = "There is no report with this ReportID."
MAX_TRAIL = 500


async def reports(dispatcher: Dispatcher, call: ReportsCall) -> ReportPage:
    """Return a page of reports, or one report with its evidence."""
    desk = dispatcher.live.reports
    if desk is None:
        raise RefusedRequest(HTTPStatus.SERVICE_UNAVAILABLE, OFF)
    if call.report_id:
        return await _account(desk, call.report_id)
    found = await desk.latest(call.before, call.limit + 1)
    return ReportPage(reports=[_line(each) for each in found[: call.limit]], more=len(found) > call.limit)


async def _account(desk: ReportDesk, report_id: str) -> ReportPage:
    found = await desk.account(report_id)
    if found is None:
        raise RefusedRequest(HTTPStatus.NOT_FOUND, UNKNOWN)
    report, events = found
    evidence = next((event.evidence for _, event in events if isinstance(event, Reported)), None)
    attested = _attested(evidence, events) if evidence else UNSET
    return ReportPage(reports=[_line(report)], evidence=attested)


def _attested(evidence: Evidence, events: list[tuple[TrailRow, Event]]) -> ReportEvidence:
    context = [*evidence.context, *(line for _, event in events if isinstance(event, Added) for line in event.context)]
    return ReportEvidence(
        evidence.message,
        evidence.at,
        [EarlierMessage(each.since, each.text) for each in evidence.earlier_texts],
        [AttestedContext(each.username, each.at, each.message) for each in dict.fromkeys(context)],
        evidence.holds_name,
        [_entry(row, event) for row, event in events[:MAX_TRAIL]],
    )


def _entry(row: TrailRow, event: Event) -> TrailLine:
    at = moment(row.at)
    match event:
        case Reported(evidence=said):
            return TrailLine(at, "reported", reason=said.reason, comment=said.comment)
        case Added(reason=reason, comment=comment):
            return TrailLine(at, "added", reason=reason, comment=comment)
        case SiteSaid(status=status, note=note):
            return TrailLine(at, "site-said", status=status, note=note)
    return TrailLine(at, type(event).__name__.lower())


def _line(report: StoredReport) -> ReportLine:
    said = report.statement
    return ReportLine(
        report_id=report.id,
        status=report.status,
        reported_at=moment(report.at),
        from_username=said.reporter,
        about_username=said.about,
        channel=said.channel,
        message_id=said.msg_id,
        reason=said.reason,
        comment=said.comment,
        error=report.error,
        note=report.note,
    )
