"""Limits per address and per person, on real sockets; the X-Forwarded-For header of trusted proxies counts."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Disconnect, Error, Login, Message, ProfileRequest, Say, Welcome
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.raw_socket import dialled, request, wire
from tests.support.server_process import ServerProcess, write_settings

HERE, THERE = "203.0.113.9", "198.51.100.7"
ADDRESSES: Mapping[str, int | list[str]] = {
    "ConnectionsPerAddress": 3,
    "NewConnectionsPer10Minutes": 6,
    "LoginsPerMinute": 2,
    "TrustedProxies": ["127.0.0.1"],
}


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that trusts our X-Forwarded-For header."""
    with ServerProcess(write_settings(tmp_path, limits=ADDRESSES)) as server:
        yield server


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with default limits."""
    with ServerProcess(write_settings(tmp_path, limits={})) as server:
        yield server


@asynccontextmanager
async def connection(server: ServerProcess, address: str) -> AsyncIterator[ChatClient]:
    """A connection that a proxy opens for a client at this address."""
    async with connect(server.url, proxy=None, additional_headers={"X-Forwarded-For": address}) as socket:
        client = ChatClient(socket)
        await client.next(Welcome)
        yield client


async def refused(server: ServerProcess, address: str) -> str:
    """Return the reason given to a refused client."""
    with pytest.raises(InvalidStatus) as caught:
        async with connection(server, address):
            pass
    assert caught.value.response.status_code == 429
    return (caught.value.response.body or b"").decode()


async def test_concurrent_connections_of_an_address_are_limited(behind_proxy: ServerProcess) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(connection(behind_proxy, HERE))
        assert await refused(behind_proxy, HERE) == "Your address has too many connections open; close one.\n"
        async with connection(behind_proxy, THERE):
            pass
    async with connection(behind_proxy, HERE):
        pass


async def test_new_connections_of_an_address_within_ten_minutes_are_limited(behind_proxy: ServerProcess) -> None:
    for end in range(6):
        async with connection(behind_proxy, f"2001:db8::{end}"):
            pass
    assert "try again in" in await refused(behind_proxy, "2001:db8::ffff:1")
    async with connection(behind_proxy, "2001:db8:0:1::1"):
        pass


async def test_login_attempts_of_an_address_are_limited_and_the_client_may_reconnect(
    behind_proxy: ServerProcess,
) -> None:
    async with connection(behind_proxy, HERE) as client, connection(behind_proxy, THERE) as other:
        for _ in range(2):
            assert (await client.refusal(Login("@"))).code == ErrorCode.BAD_NAME
        await client.send(Login("alice"))
        told = await client.next(Disconnect)
        assert (told.code, told.reconnect) == (CloseCode.TRY_AGAIN_LATER, True)
        assert (await client.closed())[0] == CloseCode.TRY_AGAIN_LATER
        await other.login("bob")


async def test_headers_of_an_untrusted_proxy_are_ignored(tmp_path: Path) -> None:
    limits: Mapping[str, int | list[str]] = {"ConnectionsPerAddress": 1, "ExemptAddresses": []}
    with ServerProcess(write_settings(tmp_path, limits=limits)) as server:
        async with connection(server, HERE):
            assert "close one" in await refused(server, THERE)


async def test_silent_connections_are_limited_and_the_next_one_is_closed(tmp_path: Path) -> None:
    limits: Mapping[str, int | list[str]] = {"ConnectionsPerAddress": 2, "ExemptAddresses": []}
    with ServerProcess(write_settings(tmp_path, limits=limits)) as server:
        async with dialled(server.port) as one, dialled(server.port):
            async with dialled(server.port) as third:
                assert await third.rest() == b""
            assert (await one.answer(request("GET /healthz")))[0] == 200
            async with dialled(server.port) as another:
                assert (await another.answer(request("GET /healthz")))[0] == 200


async def test_loopback_is_exempt(patient: ServerProcess) -> None:
    async with AsyncExitStack() as stack:
        for number in range(40):
            await stack.enter_async_context(entered(patient.url, f"guest {number}"))


async def test_a_flood_is_slowed_then_refused_and_others_do_not_wait(patient: ServerProcess) -> None:
    async with entered(patient.url, "mallory") as mallory, entered(patient.url, "bob") as bob:
        # In one write, so that the server reads all of it at once.
        mallory.socket.transport.write(
            b"".join(wire(Say("lobby", str(number), f"n-{number}")) for number in range(100))
        )
        refused = [await mallory.next(Error) for _ in range(80)]
        assert [(error.code, error.nonce) for error in refused] == [
            (ErrorCode.TOO_FAST, f"n-{number}") for number in range(20, 100)
        ]
        for number in range(10):
            await bob.say("tea", str(number))
        said = [await mallory.next(Message, lambda message: message.channel == "lobby") for _ in range(20)]
        assert [message.message for message in said] == [str(number) for number in range(20)]


async def test_text_pasted_line_by_line_arrives_unchanged(patient: ServerProcess) -> None:
    async with entered(patient.url, "alice") as alice:
        lines = [str(number) for number in range(15)]
        for line in lines:
            await alice.say_only("lobby", line)
        while len(said := [each.message for each in alice.seen if isinstance(each, Message)]) < len(lines):
            await alice.next(Message)
        assert said == lines
        assert not [each for each in alice.seen if isinstance(each, Error)]


async def test_bytes_beyond_the_limit_are_read_later_and_none_is_lost(tmp_path: Path) -> None:
    limits = {"MessagesPerSecond": 0, "BytesPerSecond": 20_000}
    with ServerProcess(write_settings(tmp_path, limits=limits)) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            sent = [await alice.say_only("lobby", f"{number} {'x' * 2500}") for number in range(40)]
            await bob.say("tea", "meanwhile")
            said = [await alice.next(Message, lambda message: message.channel == "lobby") for _ in sent]
            assert [message.nonce for message in said] == sent


async def test_profile_requests_per_minute_are_limited(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, webhooks={"profile": "http://127.0.0.1:9/"}, limits={"ProfilesPerMinute": 2})
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            for number in range(3):
                await alice.send(ProfileRequest("alice", f"n-{number}"))
            error = await alice.next(Error)
            assert (error.code, error.nonce) == (ErrorCode.TOO_FAST, "n-2")


async def test_the_maximum_size_of_a_frame_comes_from_the_settings(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path, limits={"FrameBytes": 5000})) as server:
        async with connected(server.url) as (client, welcome):
            assert welcome.limits.frame_bytes == 5000
            await client.login("alice")
            await client.send(Say("lobby", "x" * 3000))
            await client.send_text("x" * 5001)
            assert (await client.closed())[0] == CloseCode.TOO_BIG


async def test_without_a_limit_a_frame_may_have_any_size(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path, limits={"FrameBytes": 0})) as server:
        async with entered(server.url, "alice") as alice:
            await alice.send_text("x" * 300_000)
            assert (await alice.next(Error)).code == ErrorCode.MALFORMED
