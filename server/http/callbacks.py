"""The site's callback, which sets the status of a report."""

import logging
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.handlers.dispatch import Dispatcher
from server.http.access import Access
from server.protocol.characters import ZERO, ZERO_NAME
from server.protocol.codes import ReportState
from server.rules import lenient_json
from server.rules.lenient_json import UnreadableError
from server.rules.requests import RefusedRequest
from server.storage.base import StorageError

MAX_NOTE_CHARS = 1000
UNKNOWN_REPORT = "Unknown ReportID. Send the ReportID, or the webhook-id, of a report from this server."
REQUIRED = ("APIKey", "ReportID", "Status")
SITE_STATES = {ReportState.SEEN, ReportState.RESOLVED}

log = logging.getLogger(__name__)


class _Call(NamedTuple):
    """Body of `POST /api/report/status`. ReportID may also be the `webhook-id` of a delivery of the report."""

    api_key: str
    report_id: str
    status: str
    note: str


class Callbacks:
    """Handler of the callback; each call contains the site's key."""

    def __init__(self, dispatcher: Dispatcher, access: Access) -> None:
        self._dispatcher = dispatcher
        self._access = access

    async def report_status(self, request: Request) -> Response:
        """Store a status that the site sets on a report, and notify the reporter."""
        # `rules.requests` has already bounded the length of the body.
        try:
            call = _read(await request.body())
        except UnreadableError as error:
            return _response(HTTPStatus.BAD_REQUEST, f"Invalid body: {error}. Send ReportID, Status and APIKey.")
        try:
            self._access.check_key(request, call.api_key)
        except RefusedRequest as refusal:
            return refused(refusal)
        if call.status not in SITE_STATES:
            return _response(HTTPStatus.BAD_REQUEST, f"Invalid Status. Send one of {', '.join(sorted(SITE_STATES))}.")
        if ZERO in call.note:
            return _response(HTTPStatus.BAD_REQUEST, f"Invalid Note: it contains {ZERO_NAME}. Remove it.")
        if len(call.note) > MAX_NOTE_CHARS:
            return _response(HTTPStatus.BAD_REQUEST, f"Note is too long. Send at most {MAX_NOTE_CHARS} characters.")
        return await self._record(call)

    async def _record(self, call: _Call) -> Response:
        reports = self._dispatcher.live.reports
        if reports is None:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "Reports are turned off. Retry later.")
        try:
            known = ZERO not in call.report_id and await reports.site_said(
                call.report_id, ReportState(call.status), call.note
            )
        except StorageError as error:
            log.error("storing a report status from the site failed", extra={"error": str(error)})
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "The storage is unavailable. Retry later.")
        return _response(HTTPStatus.OK) if known else _response(HTTPStatus.NOT_FOUND, UNKNOWN_REPORT)


def _read(body: bytes) -> _Call:
    """Parse a body as leniently as the site's responses. Raises UnreadableError."""
    parsed = lenient_json.parse(body)
    if missing := [name for name in REQUIRED if name not in parsed]:
        raise UnreadableError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    found = [text for name in REQUIRED if (text := parsed.text(name)) is not None]
    if len(found) < len(REQUIRED):
        raise UnreadableError(str(parsed.odd))
    api_key, report_id, status = found
    note = parsed.text("Note")
    if note is None:
        log.warning("the note of a callback could not be read", extra={"unreadable": str(parsed.odd)})
    return _Call(api_key, report_id, status.strip().lower(), note or "")


def response_body(error: str | None) -> bytes:
    """Encode a response body in BareRTC's format; without an error, its field OK is true."""
    return msgspec.json.encode({"OK": error is None, "Error": error or ""})


def refused(refusal: RefusedRequest, *, as_json: bool = True) -> Response:
    """Return the response to a refused request, as JSON or as one line of text."""
    response = (
        _response(refusal.status, refusal.message)
        if as_json
        else PlainTextResponse(f"{refusal.message}\n", refusal.status)
    )
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _response(status: HTTPStatus, error: str | None = None) -> Response:
    return Response(response_body(error), status, media_type="application/json")
