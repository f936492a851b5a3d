"""Answers of a site for httpx's mock transport, as a stream like those of a socket."""

import json
from collections.abc import AsyncIterator, Mapping

import httpx


class Body(httpx.AsyncByteStream):
    """A body in one chunk."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def answer(status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return an unread answer."""
    return httpx.Response(status, headers=headers, stream=Body(content))


def answer_json(status: int, content: object) -> httpx.Response:
    """Return an unread answer with JSON."""
    return answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
