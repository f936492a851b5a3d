"""HTTP on the server's single port, and which web pages may open a websocket."""

from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from server.protocol.frames import Ping
from tests.support.chat_client import connected, entered
from tests.support.raw_socket import dialled, wire
from tests.support.server_process import KEY, ServerProcess, write_settings


async def get(server: ServerProcess, path: str) -> httpx.Response:
    """Return the response for a path."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(server.http_url + path)


async def test_statistics_count_who_is_in_the_room(server: ServerProcess) -> None:
    assert (await get(server, "/api/statistics")).json()["UserCount"] == 0
    async with entered(server.url, "alice"), entered(server.url, "Bob"), connected(server.url):
        assert (await get(server, "/api/statistics")).json()["Usernames"] == ["alice", "Bob"]


@pytest.mark.parametrize("path", ["/", "/ws", "/api/", "/settings.toml", "/room.sqlite"])
async def test_other_paths_are_not_found(server: ServerProcess, path: str) -> None:
    response = await get(server, path)
    assert response.status_code == 404
    assert KEY not in response.text


async def test_a_wrong_method_is_answered_with_the_allowed_ones(server: ServerProcess) -> None:
    response = await get(server, "/api/report/status")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


async def test_only_a_listed_web_page_may_connect(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path, origins=["https://chat.example"])) as server:
        async with connected(server.url, origin="https://chat.example") as (client, _):
            assert (await client.login("alice")).username == "alice"
        async with connected(server.url):
            pass
        for origin in ("https://chat.example.evil", "http://chat.example", "null"):
            with pytest.raises(InvalidStatus) as refused:
                async with connected(server.url, origin=origin):
                    pass
            assert refused.value.response.status_code == 403


async def test_a_pong_is_sent_before_the_answer_to_the_next_frame(server: ServerProcess) -> None:
    async with dialled(server.port) as raw:
        await raw.upgrade()
        await raw.send(Frame(Opcode.PING, b"first").serialize(mask=True) + wire(Ping()))
        assert Frame(Opcode.PONG, b"first").serialize(mask=False) in await raw.until(b'"ping"')
