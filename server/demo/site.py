"""The demo site: receives the chat server's webhooks, shows reports and answers them."""

import hmac
import secrets
import time
from http import HTTPStatus
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.demo import page, receiver
from server.demo.chat_server import ChatServer
from server.demo.inbox import Inbox, ModeratorAnswer
from server.demo.profiles import profile
from server.demo.receiver import ProfileCall, RefusedCall, ReportCall
from server.http.callbacks import MAX_NOTE_CHARS, SITE_STATES
from server.protocol.address import Address
from server.protocol.codes import ReportState
from server.settings import Secret, SigningSecrets

MAX_BODY_BYTES = 512 * 1024
"""More than the longest report with the longest context."""
MAX_FORM_FIELDS = 10
LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")
HTTP_PORT = 80

HEADERS = {
    "Content-Security-Policy": page.CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def site_hosts(address: Address) -> frozenset[str]:
    """Return the allowed values of the Host header for this address, in lower case."""
    hosts = {str(Address(name, address.port)).lower() for name in (address.host, *LOOPBACK_NAMES)}
    if address.port == HTTP_PORT:
        hosts |= {host.removesuffix(f":{HTTP_PORT}") for host in hosts}
    return frozenset(hosts)


class HostCheck:
    """Middleware that refuses requests for any other host.

    Otherwise a web page could point its own host name at this machine, and read the site as its own origin.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests with exactly one Host header, which must name this site."""
        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(named) == 1 and named[0] in self._hosts:
            await self._app(scope, receive, send)
            return
        words = "This site does not have that name; open the address that the demo printed."
        await _words(HTTPStatus.FORBIDDEN, words)(scope, receive, send)


class Site:
    """The handlers of the site."""

    def __init__(
        self, address: Address, title: str, key: Secret, signing: SigningSecrets, chat_server: ChatServer
    ) -> None:
        self._hosts = site_hosts(address)
        self._title = title
        self._key = key
        self._signing = signing
        self._chat_server = chat_server
        self._inbox = Inbox()
        # A page of another site can post a form here, but cannot read this token.
        self._token = secrets.token_urlsafe(32)

    def app(self) -> Starlette:
        """Return the site as an ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/reports/{report_id}", self._report),
                Route("/reports/{report_id}", self._answer, methods=["POST"]),
                Route("/reports.json", self._reports),
                Route("/webhooks", self._webhooks, methods=["POST"]),
            ],
            middleware=[Middleware(HostCheck, hosts=self._hosts)],
        )

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(page.inbox(self._title, self._inbox.cards()), headers=HEADERS)

    async def _report(self, request: Request) -> Response:
        card = self._inbox.card(request.path_params["report_id"])
        if card is None:
            return _words(HTTPStatus.NOT_FOUND, "This report does not exist, or is no longer stored.")
        return HTMLResponse(page.report(self._title, card, self._token), headers=HEADERS)

    async def _answer(self, request: Request) -> Response:
        card = self._inbox.card(request.path_params["report_id"])
        if card is None:
            return _words(HTTPStatus.NOT_FOUND, "This report does not exist, or is no longer stored.")
        try:
            status, note = self._form(await _body(request))
        except RefusedCall as refused:
            return _words(refused.status, str(refused))
        answered = len(card.additions)
        problem = await self._chat_server.set_status(card.report.report_id, status, note)
        if len(card.additions) == answered:
            card.answer = ModeratorAnswer(status, note, problem)
        return RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER, HEADERS)

    def _form(self, body: bytes) -> tuple[ReportState, str]:
        """Parse and check the form on a report's page."""
        try:
            fields = parse_qs(body.decode(errors="replace"), max_num_fields=MAX_FORM_FIELDS)
        except ValueError:
            raise RefusedCall(HTTPStatus.BAD_REQUEST, "This form has too many fields.") from None
        token, status, note = (fields.get(name, [""])[0] for name in ("token", "status", "note"))
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise RefusedCall(HTTPStatus.FORBIDDEN, "This form is from another site, or outdated; open the page again.")
        if status not in SITE_STATES:
            raise RefusedCall(HTTPStatus.BAD_REQUEST, "Choose one of the buttons.")
        # Forms send line ends as CR LF.
        note = note.replace("\r\n", "\n").strip()
        if len(note) > MAX_NOTE_CHARS:
            raise RefusedCall(
                HTTPStatus.BAD_REQUEST,
                f"The limit for a note is {MAX_NOTE_CHARS} characters. Go back and shorten it.",
            )
        return ReportState(status), note

    async def _reports(self, _request: Request) -> Response:
        return _json([card.listed() for card in self._inbox.cards()])

    async def _webhooks(self, request: Request) -> Response:
        try:
            body = await _body(request)
            call = receiver.read(self._key, self._signing, request.headers, body, time.time())
        except RefusedCall as refused:
            return _words(refused.status, str(refused))
        if isinstance(call, ProfileCall):
            return _json(profile(call.username))
        if not self._inbox.is_repeat(request.headers["webhook-id"]):
            if isinstance(call, ReportCall):
                self._inbox.add(call.report)
            else:
                self._inbox.withdraw(call.report.report_id)
        return _json({"StatusCode": 200})


async def _body(request: Request) -> bytes:
    """Read the body. Raises RefusedCall if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RefusedCall(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is too large; the limit is {MAX_BODY_BYTES} bytes."
            )
    return bytes(body)


def _words(status: HTTPStatus, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status, HEADERS)


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=HEADERS)
