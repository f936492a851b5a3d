"""Generates the OpenAPI document of the calls below /api/ from the table of endpoints and the types of their bodies."""

from collections.abc import Iterator
from inspect import getdoc

import msgspec

from server.http.api_types import Answer, ReportStatusCall, Statistics
from server.http.endpoints import ENDPOINTS
from server.protocol.version import VERSION

NOTE = "Written by `python -m docs.generate`; change the code instead."
FAILURES = {
    "400": "The body, its Content-Type, the method or the token is not valid, or the member has to be in the room.",
    "401": "APIKey is wrong, or the token of `amend-jwt` is not valid.",
    "403": "APIKey is wrong (`report/status`).",
    "404": "Nobody in the room has this name, or there is no such report.",
    "411": "The body is chunked; send a Content-Length.",
    "413": "The body has more than 64 KiB.",
    "421": "The server does not know the name by which it was called; see `AllowedHosts`.",
    "429": "Too many requests, or too many wrong keys; `Retry-After` is the number of seconds to wait.",
    "500": "The member has no conversations, or the profile is not available.",
    "503": "The storage is unavailable, or reports are turned off.",
}

Document = dict[str, object]


def calls() -> Iterator[tuple[str, str, type[msgspec.Struct] | None, type[msgspec.Struct]]]:
    """Yield path, summary, body (None without one) and answer of each call."""
    for each in ENDPOINTS:
        yield each.path, each.summary, each.body, each.answer
    yield "/api/report/status", "Set the status of a report.", ReportStatusCall, Answer
    yield "/api/statistics", "Read how many people are in the room, and with a key their names.", None, Statistics


def document() -> Document:
    """Return the document as values that can be encoded as JSON."""
    kinds = [kind for _, _, sent, answered in calls() for kind in (sent, answered) if kind]
    _, schemas = msgspec.json.schema_components([*kinds, Answer], ref_template="#/components/schemas/{name}")
    paths: dict[str, Document] = {
        path: {"post": _call(summary, sent, answered)}
        if sent
        else {"get": {"summary": summary, "responses": {"200": _answer(answered), **_failures("421", "429")}}}
        for path, summary, sent, answered in calls()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Flagpost", "version": VERSION, "description": NOTE},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def text() -> str:
    """Return the document as formatted JSON."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1).decode() + "\n"


def _call(summary: str, body: type[msgspec.Struct], answer: type[msgspec.Struct]) -> Document:
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        "responses": {"200": _answer(answer), **_failures(*FAILURES)},
    }


def _failures(*statuses: str) -> Document:
    return {status: _answer(Answer, FAILURES[status]) for status in statuses}


def _answer(kind: type[msgspec.Struct], description: str = "") -> Document:
    return {"description": description or getdoc(kind) or "", "content": {"application/json": {"schema": _ref(kind)}}}


def _ref(kind: type[msgspec.Struct]) -> Document:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
