"""Calls the chat server's API to set the status of a report."""

import asyncio

import httpx
import msgspec

from server.protocol.address import Address
from server.protocol.codes import ReportState
from server.settings import Secret

DEADLINE_SECONDS = 3.0
MAX_ERROR_CHARS = 300


class _Said(msgspec.Struct, rename="pascal"):
    error: str = ""


class ChatServer:
    """The chat server's API, authenticated with the site's key; `transport` can be replaced by tests."""

    def __init__(self, address: Address, key: Secret, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = f"http://{address}/api/report/status"
        self._key = key
        self._transport = transport

    async def set_status(self, report_id: str, status: ReportState, note: str) -> str | None:
        """Set the status of a report; return the problem, or None."""
        call = {"APIKey": self._key.reveal(), "ReportID": report_id, "Status": status, "Note": note}
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                httpx.AsyncClient(transport=self._transport, trust_env=False) as client,
            ):
                answer = await client.post(self._url, json=call)
        except (TimeoutError, httpx.HTTPError):
            return "the chat server could not be reached. Press the button again."
        return None if answer.status_code == httpx.codes.OK else _refusal(answer)


def _refusal(answer: httpx.Response) -> str:
    try:
        error = msgspec.json.decode(answer.content, type=_Said).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = ""
    return f"the chat server refused: {error[:MAX_ERROR_CHARS] or f'status {answer.status_code}'}"
