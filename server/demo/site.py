"""The demo website: takes the chat server's webhooks and shows the reports."""

import hmac

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from server.demo.inbox import Inbox, Report
from server.demo.page import CONTENT_SECURITY_POLICY, render
from server.demo.profiles import profile
from server.settings import Secret

MAX_BODY_BYTES = 64 * 1024

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _ReportCall(msgspec.Struct, tag_field="Action", tag="report", rename="pascal"):
    report: Report
    api_key: str = msgspec.field(name="APIKey")


class _ProfileCall(msgspec.Struct, tag_field="Action", tag="profile", rename="pascal"):
    username: str
    api_key: str = msgspec.field(name="APIKey")


Call = _ReportCall | _ProfileCall
_call_decoder: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


class Site:
    """What each address of the website does."""

    def __init__(self, title: str, key: Secret) -> None:
        self._title = title
        self._key = key
        self._inbox = Inbox()

    def app(self) -> Starlette:
        """The website as an ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/reports.json", self._reports),
                Route("/webhooks", self._webhooks, methods=["POST"]),
            ]
        )

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(render(self._title, self._inbox.reports()), headers=HEADERS)

    async def _reports(self, _request: Request) -> Response:
        return _json(self._inbox.reports())

    async def _webhooks(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse(f"A body has at most {MAX_BODY_BYTES} bytes.\n", 413)
        try:
            call = _call_decoder.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return PlainTextResponse(f"This webhook cannot be read: {error}.\n", 400)
        if not hmac.compare_digest(call.api_key.encode(), self._key.reveal().encode()):
            return PlainTextResponse("The APIKey is wrong.\n", 403)
        return self._answer(call)

    def _answer(self, call: Call) -> Response:
        if isinstance(call, _ProfileCall):
            return _json(profile(call.username))
        self._inbox.add(call.report)
        return _json({"StatusCode": 200})


async def _body(request: Request) -> bytes | None:
    """The body, or None if it is too big."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=HEADERS)
