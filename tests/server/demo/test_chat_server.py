"""Errors of the demo site when the chat server is unreachable, hangs or refuses."""

import asyncio
import socket

import httpx
import pytest

from server.demo import chat_server
from server.demo.chat_server import ChatServer
from server.protocol.address import Address
from server.protocol.codes import ReportState
from server.settings import Secret

UNREACHABLE = "the chat server could not be reached. Press the button again."


async def told(transport: httpx.AsyncBaseTransport | None = None, port: int = 9) -> str | None:
    server = ChatServer(Address("127.0.0.1", port), Secret("the key"), transport)
    return await server.set_status("rep_1", ReportState.SEEN, "")


async def test_an_unreachable_chat_server_is_an_error() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        assert await told(port=holder.getsockname()[1]) == UNREACHABLE


async def test_a_chat_server_that_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_server, "DEADLINE_SECONDS", 0.05)

    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    assert await told(httpx.MockTransport(hang)) == UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404, json={"OK": False, "Error": "There is no such report."}), "There is no such report."),
        (httpx.Response(500, content=b"\xff"), "status 500"),
        (httpx.Response(302, json={"Error": ""}), "status 302"),
        (httpx.Response(400, json={"Error": "x" * 5000}), "x" * 300),
        (httpx.Response(400, content=b'{"Error":' * 5000), "status 400"),
    ],
)
async def test_a_refusal_is_shown_with_its_message_or_status(answer: httpx.Response, words: str) -> None:
    problem = await told(httpx.MockTransport(lambda _request: answer))
    assert problem == f"the chat server refused: {words}"
