"""Handles API calls as their rows in `endpoints` describe: reads the body, checks the key, and calls the handler."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple, TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.handlers.dispatch import Dispatcher
from server.http.access import Access
from server.http.api_types import Answer, Call, KeyCall
from server.rules import api_json
from server.rules.refusal import Refusal
from server.rules.requests import RefusedRequest
from server.storage.base import StorageError

JSON = "application/json"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
NO_STORAGE = "The storage is unavailable. Retry later."
# In BareRTC's words:
NO_POST = "Only POST methods allowed"
NO_JSON = "Only application/json content-types allowed"
DENIED = "Authentication denied."

log = logging.getLogger(__name__)

Body = TypeVar("Body", bound=Call)


class Endpoint(NamedTuple):
    """An API call: its path, the types of its body and answer, and its handler."""

    path: str
    summary: str
    body: type[Call]
    answer: type[Answer]
    handle: Callable[[Dispatcher, Call], Awaitable[Answer]]
    by_key: bool
    """Whether the site's key is required. If not, the handler checks a token."""


def endpoint(
    path: str,
    summary: str,
    handle: Callable[[Dispatcher, Body], Awaitable[Answer]],
    body: type[Body],
    answer: type[Answer] = Answer,
    *,
    by_key: bool = True,
) -> Endpoint:
    """Return a row of the table of calls."""
    # A handler receives only the type that its row declares.
    return Endpoint(path, summary, body, answer, cast(Callable[[Dispatcher, Call], Awaitable[Answer]], handle), by_key)


def routes(endpoints: Sequence[Endpoint], dispatcher: Dispatcher, access: Access) -> list[Route]:
    return [Route(each.path, _Responder(each, dispatcher, access).respond, methods=METHODS) for each in endpoints]


class _Responder:
    """Answers the requests for one API call."""

    def __init__(self, row: Endpoint, dispatcher: Dispatcher, access: Access) -> None:
        self._row, self._dispatcher, self._access = row, dispatcher, access

    async def respond(self, request: Request) -> Response:
        try:
            return response(await self._answer(request))
        except RefusedRequest as refused:
            status, words, wait = refused.status, refused.message, refused.retry_after
        except Refusal as refusal:
            wait, words = refusal.retry_after, refusal.message
            status = HTTPStatus.TOO_MANY_REQUESTS if wait else HTTPStatus.BAD_REQUEST
        except StorageError as error:
            log.error("an API call failed", extra={"path": self._row.path, "error": str(error)})
            status, words, wait = HTTPStatus.SERVICE_UNAVAILABLE, NO_STORAGE, 0
        failed = response(self._row.answer(ok=False, error=words) if words else self._row.answer(ok=False), status)
        if wait:
            failed.headers["Retry-After"] = str(wait)
        return failed

    async def _answer(self, request: Request) -> Answer:
        if request.method != "POST":
            raise RefusedRequest(HTTPStatus.BAD_REQUEST, NO_POST)
        if request.headers.get("content-type") != JSON:
            raise RefusedRequest(HTTPStatus.BAD_REQUEST, NO_JSON)
        # `rules.requests` has already bounded the length of the body.
        call = api_json.read(await request.body(), self._row.body)
        if isinstance(call, KeyCall) and (self._row.by_key or call.api_key):
            check_key(self._access, request, call.api_key)
        return await self._row.handle(self._dispatcher, call)


def check_key(access: Access, request: Request, key: str) -> None:
    """Raise RefusedRequest, in BareRTC's words, if this is not a key of the site."""
    if not key:
        # No key was tried, so this does not count as a wrong one.
        raise RefusedRequest(HTTPStatus.UNAUTHORIZED, DENIED)
    try:
        access.check_key(request, key)
    except RefusedRequest as refused:
        if refused.status is HTTPStatus.FORBIDDEN:
            raise RefusedRequest(HTTPStatus.UNAUTHORIZED, DENIED) from None
        raise


def response(answer: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return an answer in BareRTC's format: JSON with an indent of two spaces."""
    return Response(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n", status, media_type=JSON)
