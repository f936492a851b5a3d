"""A server whose reports go to a website, and what people do with their reports."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from server.protocol.codes import ReportState
from server.protocol.frames import ReportEntry, ReportRequest, ReportStatus, Withdraw
from tests.support.chat_client import ChatClient
from tests.support.database_file import Disk
from tests.support.receiver import Receiver, Request
from tests.support.server_process import UNHURRIED, write_settings

SPAM = "It's spam"


class Delivered(NamedTuple):
    """A request of a report as the site reads it."""

    webhook_id: str
    timestamp: int
    action: str
    report: dict[str, object]


def report_settings(directory: Path, url: str, *, evidence: bool = False, per_hour: int = 0) -> Path:
    """Write settings whose reports go to this URL; return their path."""
    settings = write_settings(directory, webhooks={"report": url}, limits={**UNHURRIED, "ReportsPerHour": per_hour})
    more = f"\nEvidence = {json.dumps(evidence)}\n"
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    return settings


def disk_of(settings: Path) -> Disk:
    """Return the database of a server with these settings."""
    return Disk(settings.with_name("room.sqlite"))


def delivered(request: Request) -> Delivered:
    """Parse a request."""
    body: dict[str, object] = json.loads(request.body)
    report = body["Report"]
    assert isinstance(report, dict)
    return Delivered(
        request.header("webhook-id") or "", int(request.header("webhook-timestamp") or 0), str(body["Action"]), report
    )


def written(at: datetime) -> str:
    """Format a time as in a report to the site."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def about(receiver: Receiver, message: str) -> list[Delivered]:
    """Return the requests about a message with this text, in order."""
    return [each for each in map(delivered, receiver.requests) if each.report.get("Message") == message]


async def send_report(client: ChatClient, ask: ReportRequest) -> ReportEntry:
    """Report a message; return the report once it is stored."""
    await client.send(ask)
    return (await client.next(ReportStatus, lambda status: status.nonce == ask.nonce)).report


async def ask_report(client: ChatClient, msg_id: int) -> ReportEntry:
    """Report a message as spam, with the same nonce each time; as `send_report`."""
    return await send_report(client, ReportRequest(msg_id, SPAM, "", f"report of {msg_id}"))


async def try_now(disk: Disk, client: ChatClient, msg_id: int) -> None:
    """Make all waiting deliveries due; submitting a report again wakes the server before its next check."""
    disk.make_due()
    await ask_report(client, msg_id)


async def withdraw(client: ChatClient, report_id: str) -> ReportEntry:
    """Withdraw a report; return it as updated."""
    nonce = client.nonce()
    await client.send(Withdraw(report_id, nonce))
    return (await client.next(ReportStatus, lambda status: status.nonce == nonce)).report


async def told(client: ChatClient, report_id: str, state: ReportState) -> ReportEntry:
    """Wait until a reporter is notified that a report has this status."""
    return (await client.next(ReportStatus, _is(report_id, state))).report


def _is(report_id: str, state: ReportState) -> Callable[[ReportStatus], bool]:
    return lambda status: (status.report.report_id, status.report.status) == (report_id, state)
