"""Answers of a site for httpx's mock transport, which come as a stream as those of a socket do."""

import json
from collections.abc import AsyncIterator, Mapping

import httpx


class Body(httpx.AsyncByteStream):
    """A body that comes whole."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def answer(status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer that was not read yet."""
    return httpx.Response(status, headers=headers, stream=Body(content))


def answer_json(status: int, content: object) -> httpx.Response:
    """An answer of JSON that was not read yet."""
    return answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
