"""What a client may not do, and that it harms nobody but itself."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import MAX_FRAME_BYTES, MAX_MESSAGE_CHARS, Error, Message, Presence
from tests.support.chat_client import connected, entered
from tests.support.server_process import ServerProcess

BAD_TEXTS = {
    "nothing": ("", ErrorCode.MALFORMED),
    "no JSON": ("hello", ErrorCode.MALFORMED),
    "no object": ("[]", ErrorCode.MALFORMED),
    "no action": ('{"channel":"lobby"}', ErrorCode.MALFORMED),
    "a wrong type": ('{"action":"message","channel":5}', ErrorCode.MALFORMED),
    "deep nesting": ('{"action":"ping","x":' + "[" * 20_000, ErrorCode.MALFORMED),
    "many digits": ('{"action":"report","reason":"x","msgID":' + "9" * 5000 + "}", ErrorCode.MALFORMED),
    "a lone surrogate": ('{"action":"message","channel":"lobby","message":"\\ud800"}', ErrorCode.MALFORMED),
    "an unknown action": ('{"action":"nosuchaction"}', ErrorCode.UNKNOWN_ACTION),
    "an action of the server": ('{"action":"who"}', ErrorCode.UNKNOWN_ACTION),
    "just as much as fits": ("x" * MAX_FRAME_BYTES, ErrorCode.MALFORMED),
}


@pytest.mark.parametrize(("text", "code"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_a_bad_frame_is_an_error_and_the_connection_lives(
    server: ServerProcess, text: str, code: ErrorCode
) -> None:
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


async def test_a_message_in_fragments_is_one_message(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(['{"action":"message","chan', 'nel":"lobby","message":"in ', 'parts"}'])
        assert (await alice.next(Message)).message == "in parts"


async def test_a_binary_frame_closes_the_connection(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        await alice.socket.send(b'{"action":"ping"}')
        assert (await alice.closed())[0] == CloseCode.UNSUPPORTED_DATA


async def test_text_that_is_no_utf8_closes_the_connection(server: ServerProcess) -> None:
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
async def test_what_is_no_websocket_frame_closes_the_connection(server: ServerProcess, data: bytes) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        alice.socket.transport.write(data)
        assert (await alice.closed())[0] == CloseCode.PROTOCOL_ERROR
        await bob.say("lobby", "still here")


async def test_a_web_page_that_is_not_listed_is_refused(server: ServerProcess) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connected(server.url, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_there_is_no_chat_room_at_another_path(server: ServerProcess) -> None:
    for path in ("/", "/w", "/ws/", "/ws/x"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(server.url.removesuffix("/ws") + path, proxy=None):
                pass
        assert refused.value.response.status_code == 404


async def test_a_query_behind_the_path_does_no_harm(server: ServerProcess) -> None:
    async with connected(server.url + "?since=3"):
        pass


async def test_whoever_leaves_without_a_word_is_out_of_the_room(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        bob.socket.transport.abort()
        assert (await alice.next(Presence, lambda presence: presence.who is None)).username == "bob"


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_served(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "stuck") as stuck:
        stuck.socket.transport.pause_reading()
        for _ in range(2000):
            # In JSON each of these characters takes six bytes.
            await alice.say("lobby", "\x01" * MAX_MESSAGE_CHARS)
            if any(isinstance(frame, Presence) and frame.who is None for frame in alice.seen):
                break
        else:
            pytest.fail("the client that does not read is still there")
        await alice.say("lobby", "still here")
        stuck.socket.transport.abort()
