"""Invalid frames from a client harm nobody but that client."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    MAX_FRAME_BYTES,
    MAX_MESSAGE_CHARS,
    Error,
    Login,
    Message,
    Presence,
    ProfileRequest,
    Say,
)
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.invalid_frames import SPOTS, encoded, spoiled
from tests.support.raw_socket import dialled, wire
from tests.support.server_process import ServerProcess, write_settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all cases, as it must survive each of them."""
    with ServerProcess(write_settings(tmp_path_factory.mktemp("room"))) as process:
        yield process
        assert "Traceback" not in process.log


@pytest.fixture
async def bob(server: ServerProcess) -> AsyncIterator[ChatClient]:
    """Another user in the room, who receives only what was really said."""
    async with entered(server.url, "bob") as bob:
        yield bob
        await bob.say("lobby", "still here")
        assert not [frame for frame in bob.seen if isinstance(frame, Error)]


BAD_TEXTS = {
    "nothing": ("", ErrorCode.MALFORMED),
    "not JSON": ("hello", ErrorCode.MALFORMED),
    "not an object": ("[]", ErrorCode.MALFORMED),
    "no action": ('{"channel":"lobby"}', ErrorCode.MALFORMED),
    "a wrong type": ('{"action":"message","channel":5}', ErrorCode.MALFORMED),
    "deep nesting": ('{"action":"ping","x":' + "[" * 20_000, ErrorCode.MALFORMED),
    "many digits": ('{"action":"report","reason":"x","msgID":' + "9" * 5000 + "}", ErrorCode.MALFORMED),
    "a lone surrogate": ('{"action":"message","channel":"lobby","message":"\\ud800"}', ErrorCode.MALFORMED),
    "deep nesting that is closed": ('{"action":"ping","x":' + "[" * 8 + "]" * 8 + "}", ErrorCode.MALFORMED),
    "not a number": ('{"action":"report","reason":"x","msgID":NaN}', ErrorCode.MALFORMED),
    "infinity": ('{"action":"report","reason":"x","msgID":-Infinity}', ErrorCode.MALFORMED),
    "a key twice": ('{"action":"message","channel":"lobby","channel":"tea","message":"x"}', ErrorCode.MALFORMED),
    "two frames": ('{"action":"ping"}{"action":"ping"}', ErrorCode.MALFORMED),
    "an unknown action": ('{"action":"nosuchaction"}', ErrorCode.UNKNOWN_ACTION),
    "an action of the server": ('{"action":"who"}', ErrorCode.UNKNOWN_ACTION),
    "the maximum size": ("x" * MAX_FRAME_BYTES, ErrorCode.MALFORMED),
}


@pytest.mark.parametrize(("text", "code"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_a_bad_frame_is_answered_with_an_error_and_the_connection_stays_open(
    server: ServerProcess, bob: ChatClient, text: str, code: ErrorCode
) -> None:
    del bob
    async with entered(server.url, "alice") as alice:
        await alice.send_text(text)
        assert (await alice.next(Error)).code == code
        await alice.say("lobby", "still here")


async def test_a_frame_that_is_too_big_closes_the_connection(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await alice.send_text("x" * (MAX_FRAME_BYTES + 1))
        assert (await alice.closed())[0] == CloseCode.TOO_BIG
        await bob.say("lobby", "still here")


async def test_fragments_that_are_too_big_together_close_the_connection(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(["x" * 40_000, "x" * 40_000])
        assert (await alice.closed())[0] == CloseCode.TOO_BIG


@given(frames=st.lists(st.sampled_from(SPOTS).flatmap(spoiled), min_size=1, max_size=20))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_wrong_types_in_any_field_of_any_frame_are_answered_one_by_one(
    server: ServerProcess, frames: list[dict[str, object]]
) -> None:
    async def send() -> None:
        async with entered(server.url, "mallory") as mallory:
            for frame in frames:
                await mallory.send_text(encoded(frame).decode())
            answers = [each for each in await mallory.settled() if isinstance(each, Error)]
            assert [error.code for error in answers] == [ErrorCode.MALFORMED] * len(frames)

    asyncio.run(send())


NOBODY = ["no\r\nbody", "nobody\n", "\x1b[31mnobody", "no\x00body", "no\x9bbody", "nobody\u202e"]


@pytest.mark.parametrize("name", NOBODY)
async def test_names_with_control_characters_are_refused(server: ServerProcess, bob: ChatClient, name: str) -> None:
    async with connected(server.url) as (mallory, _):
        assert (await mallory.refusal(Login(name))).code == ErrorCode.BAD_NAME
        await mallory.login("mallory")
        for frame, code in ((Say(f"@{name}", "psst"), ErrorCode.NOT_HERE), (Say(name, "x"), ErrorCode.UNKNOWN_CHANNEL)):
            error = await mallory.refusal(frame)
            assert error.code == code
        assert (await mallory.refusal(ProfileRequest(name, "n-1"))).code in {ErrorCode.BAD_NAME, ErrorCode.WEBHOOK_OFF}
    assert name not in json.dumps([encoded(frame).decode() for frame in await bob.settled()])


async def test_a_message_in_fragments_of_one_byte_is_one_message(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(list('{"action":"message","channel":"lobby","message":"byte by byte"}'))
        assert (await alice.next(Message)).message == "byte by byte"


async def test_bytes_that_arrive_one_by_one_are_one_message(server: ServerProcess) -> None:
    async with dialled(server.port) as alice:
        await alice.upgrade()
        for byte in wire(Login("alice")) + wire(Say("lobby", "drop by drop")):
            await alice.send(bytes([byte]))
            await asyncio.sleep(0)
        await alice.until(b"drop by drop")


async def test_endless_fragments_close_the_connection(server: ServerProcess, bob: ChatClient) -> None:
    del bob
    async with entered(server.url, "alice") as alice:
        alice.socket.transport.write(b"\x01\x80\x00\x00\x00\x00")
        alice.socket.transport.write(b"\x00\x80\x00\x00\x00\x00" * (MAX_FRAME_BYTES + 1))
        assert (await alice.closed())[0] == CloseCode.TOO_BIG


async def test_compression_is_not_negotiated_and_a_compressed_bomb_is_a_protocol_error(
    server: ServerProcess, bob: ChatClient
) -> None:
    del bob
    async with connect(server.url, compression="deflate", proxy=None) as mallory:
        assert mallory.response
        assert "Sec-WebSocket-Extensions" not in mallory.response.headers
        bomb = zlib.compress(b"[" * 50_000_000, 9)[2:-4]
        mallory.transport.write(b"\xc1\xfe" + len(bomb).to_bytes(2, "big") + bytes(4) + bomb)
        await mallory.wait_closed()
        assert mallory.close_code == CloseCode.PROTOCOL_ERROR


async def test_a_replaced_connection_is_ignored(tmp_path: Path) -> None:
    token = "a-token-of-16-or-more"
    # Until then the old connection does not close.
    soon = {"server.websocket.connection.CLOSE_SECONDS": 2.0}
    with ServerProcess(write_settings(tmp_path), deadlines=soon) as server:
        async with dialled(server.port) as old, entered(server.url, "bob") as bob:
            await old.upgrade()
            await old.send(wire(Login("alice", token)))
            await old.until(b'"echo"')
            async with entered(server.url, "alice", token) as new:
                assert str(int(CloseCode.REPLACED)).encode() in await old.until(b'"disconnect"') + await old.until(b"}")
                await old.send(wire(Say("lobby", "I am still alice")) * 50)
                await old.rest()
                assert not await new.messages()
            assert not await bob.messages()


async def test_a_message_in_fragments_is_one_message(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(['{"action":"message","chan', 'nel":"lobby","message":"in ', 'parts"}'])
        assert (await alice.next(Message)).message == "in parts"


async def test_a_binary_frame_closes_the_connection(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(b'{"action":"ping"}')
        assert (await alice.closed())[0] == CloseCode.UNSUPPORTED_DATA


async def test_text_that_is_not_utf8_closes_the_connection(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(b'{"action":"\xff"}', text=True)
        assert (await alice.closed())[0] == CloseCode.INVALID_TEXT


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xc1\x80\x00\x00\x00\x00", id="a reserved bit"),
        pytest.param(b"\x83\x80\x00\x00\x00\x00", id="an unknown opcode"),
        pytest.param(b"\x81\x02{}", id="no mask"),
        pytest.param(b"\x80\x80\x00\x00\x00\x00", id="a continuation of nothing"),
    ],
)
async def test_bytes_that_are_not_a_websocket_frame_close_the_connection(server: ServerProcess, data: bytes) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        alice.socket.transport.write(data)
        assert (await alice.closed())[0] == CloseCode.PROTOCOL_ERROR
        await bob.say("lobby", "still here")


async def test_a_query_after_the_path_does_no_harm(server: ServerProcess) -> None:
    async with connected(server.url + "?since=3"):
        pass


async def test_a_client_that_vanishes_leaves_the_room(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "carol") as carol:
        carol.socket.transport.abort()
        await alice.next(Presence, lambda presence: presence.username == "carol" and presence.who is None)


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_served(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "stuck") as stuck:
        stuck.socket.transport.pause_reading()
        for _ in range(2000):
            # In JSON, each of these characters takes six bytes.
            await alice.say("lobby", "\x01" * MAX_MESSAGE_CHARS)
            if any(isinstance(each, Presence) and each.username == "stuck" and not each.who for each in alice.seen):
                break
        else:
            pytest.fail("the client that does not read is still there")
        await alice.say("lobby", "still here")
        stuck.socket.transport.abort()
