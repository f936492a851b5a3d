"""What the site calls: it says where a report stands with it."""

import hmac
import logging
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.handlers.dispatch import Room
from server.protocol.codes import ReportState
from server.storage.base import StorageError

MAX_NOTE_CHARS = 1000
SITE_STATES = {ReportState.SEEN, ReportState.RESOLVED}

log = logging.getLogger(__name__)


class ReportStatusCall(msgspec.Struct, rename="pascal"):
    """The body of `POST /api/report/status`; for ReportID a `webhook-id` that told the report does too."""

    api_key: str = msgspec.field(name="APIKey")
    report_id: str = msgspec.field(name="ReportID")
    status: str
    note: str = ""


class Callbacks:
    """The addresses that are for the site alone; each call carries its key."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def report_status(self, request: Request) -> Response:
        """Take in what the site says of a report; the reporter is told."""
        # Nothing comes here that is longer than `rules.requests` allows.
        body = await request.body()
        try:
            call = msgspec.json.decode(body, type=ReportStatusCall)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _answer(HTTPStatus.BAD_REQUEST, f"This cannot be read: {error}.")
        key = self._room.site_key
        if not key or not hmac.compare_digest(call.api_key.encode(), key.reveal().encode()):
            return _answer(HTTPStatus.FORBIDDEN, "The APIKey is wrong.")
        if call.status not in SITE_STATES:
            return _answer(HTTPStatus.BAD_REQUEST, f"Status is one of {', '.join(sorted(SITE_STATES))}.")
        if len(call.note) > MAX_NOTE_CHARS:
            return _answer(HTTPStatus.BAD_REQUEST, f"A Note has at most {MAX_NOTE_CHARS} characters.")
        return await self._say(call)

    async def _say(self, call: ReportStatusCall) -> Response:
        reports = self._room.reports
        if reports is None:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "Reports are switched off here now; call again later.")
        try:
            known = await reports.site_said(call.report_id, ReportState(call.status), call.note)
        except StorageError as error:
            log.error("what the site said of a report cannot be kept", extra={"error": str(error)})
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "The storage cannot be reached now; call again.")
        return _answer(HTTPStatus.OK, "") if known else _answer(HTTPStatus.NOT_FOUND, "There is no such report.")


def content(error: str) -> bytes:
    """BareRTC's shape of an answer: an error, or none."""
    return msgspec.json.encode({"OK": not error, "Error": error})


def _answer(status: HTTPStatus, error: str) -> Response:
    return Response(content(error), status, media_type="application/json")
