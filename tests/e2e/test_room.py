"""Messages in channels and conversations: recipients, order and history."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_MESSAGE_CHARS, History, HistoryRequest, Message, Presence, Say
from tests.support.chat_client import ChatClient, confirms, connected, entered, says
from tests.support.server_process import Channel, ServerProcess, write_settings


def texts(messages: list[Message]) -> list[str]:
    """Return the texts."""
    return [message.message for message in messages]


async def read(client: ChatClient, channel: str, before: int = 0, limit: int = 50) -> History:
    """Request a page of history."""
    nonce = client.nonce()
    await client.send(HistoryRequest(channel, nonce, before, limit))
    return await client.next(History, lambda page: page.nonce == nonce)


async def test_a_message_reaches_everyone_and_its_author_once_with_number_and_time(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        confirmed = await alice.say("lobby", "hello **world**")
        heard = await bob.next(Message)
        assert (heard.channel, heard.username, heard.message) == ("lobby", "alice", "hello **world**")
        assert heard == confirmed
        assert heard.at.tzinfo == UTC
        assert heard.at <= datetime.now(UTC)
        assert len(await alice.messages()) == len(await bob.messages()) == 1


async def test_all_clients_receive_the_same_order_and_numbers_grow(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        for number in range(100):
            await alice.say_only("lobby", f"a{number}")
            await bob.say_only("tea" if number % 2 else "lobby", f"b{number}")
        for client in (alice, bob):
            for end in ("a99", "b99"):
                await client.next(Message, says(end))
        heard = await alice.messages()
        assert heard == await bob.messages()
        numbers = [message.msg_id for message in heard]
        assert numbers == sorted(set(numbers))
        assert [text for text in texts(heard) if text[0] == "a"] == [f"a{number}" for number in range(100)]


async def test_a_message_that_is_sent_twice_is_delivered_once_and_confirmed_twice(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        for _ in range(2):
            await alice.send(Say("lobby", "hello", "n-1"))
            await alice.next(Message, confirms("n-1"))
        first, second = await alice.messages()
        assert first == second
        await alice.say("lobby", "end")
        await bob.next(Message, says("end"))
        assert texts(await bob.messages()) == ["hello", "end"]


@pytest.mark.parametrize("text", ["🦊 *é* \u0627\u0644", "two\n\n    lines", "\x1b[31mred\x07 \u202e", "<b>&</b>\x01"])
async def test_message_text_arrives_unchanged(server: ServerProcess, text: str) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await alice.say("lobby", text)
        assert (await bob.next(Message)).message == text
        assert texts((await read(bob, "lobby")).messages) == [text]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Say("nowhere", "hi", "n-1"), ErrorCode.UNKNOWN_CHANNEL),
        (Say("", "hi", "n-1"), ErrorCode.UNKNOWN_CHANNEL),
        (Say("LOBBY", "hi", "n-1"), ErrorCode.UNKNOWN_CHANNEL),
        (Say("@nobody", "hi", "n-1"), ErrorCode.NOT_HERE),
        (Say("@", "hi", "n-1"), ErrorCode.NOT_HERE),
        (Say("lobby", " \n", "n-1"), ErrorCode.BAD_MESSAGE),
        (Say("lobby", "x" * (MAX_MESSAGE_CHARS + 1), "n-1"), ErrorCode.BAD_MESSAGE),
        (HistoryRequest("nowhere", "n-1"), ErrorCode.UNKNOWN_CHANNEL),
    ],
)
async def test_a_refused_request_gets_an_error_with_its_nonce_and_the_connection_stays_open(
    server: ServerProcess, frame: Say | HistoryRequest, code: ErrorCode
) -> None:
    async with entered(server.url, "alice") as alice:
        error = await alice.refusal(frame)
        assert (error.code, error.nonce) == (code, "n-1")
        await alice.say("lobby", "still here")
        assert texts(await alice.messages()) == ["still here"]


async def test_a_direct_message_reaches_only_its_two_people_each_under_the_others_name(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        entered(server.url, "Bob") as bob,
        entered(server.url, "carol") as carol,
    ):
        sent = await alice.say("@bob", "psst")
        assert (sent.channel, sent.username) == ("@Bob", "alice")
        heard = await bob.next(Message)
        assert (heard.channel, heard.username, heard.message) == ("@alice", "alice", "psst")
        await bob.say("@alice", "yes?")
        assert (await alice.next(Message)).channel == "@Bob"
        await alice.say("lobby", "end")
        await carol.next(Message, says("end"))
        assert texts(await carol.messages()) == ["end"]


async def test_only_the_two_people_of_a_conversation_can_read_it_again(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        entered(server.url, "bob") as bob,
        entered(server.url, "carol") as carol,
    ):
        await alice.say("@bob", "1")
        await bob.say("@alice", "2")
        from_alice, from_bob = await read(alice, "@bob"), await read(bob, "@alice")
        assert texts(from_alice.messages) == texts(from_bob.messages) == ["1", "2"]
        assert {message.channel for message in from_alice.messages} == {"@bob"}
        assert {message.channel for message in from_bob.messages} == {"@alice"}
        for other in ("@alice", "@bob"):
            assert not (await read(carol, other)).messages


async def test_a_conversation_is_found_whatever_the_case_of_the_name(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "Bob"):
        await alice.say("@bob", "psst")
        assert texts((await read(alice, "@bob")).messages) == ["psst"]


async def test_history_is_read_page_by_page(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        for number in range(7):
            await alice.say("lobby", str(number))
        await alice.say("tea", "elsewhere")
        newest = await read(alice, "lobby", limit=3)
        older = await read(alice, "lobby", newest.messages[0].msg_id, 3)
        oldest = await read(alice, "lobby", older.messages[0].msg_id, 3)
        pages = [texts(page.messages) for page in (oldest, older, newest)]
        assert pages == [["0"], ["1", "2", "3"], ["4", "5", "6"]]
        assert [page.more for page in (oldest, older, newest)] == [False, True, True]
        assert newest.channel == "lobby"


async def test_a_newcomer_sees_the_configured_number_of_recent_messages_of_each_channel(tmp_path: Path) -> None:
    channels = [Channel("lobby", echo=2), Channel("tea", echo=1), Channel("quiet", echo=0)]
    with ServerProcess(write_settings(tmp_path, channels=channels)) as server:
        async with entered(server.url, "alice") as alice:
            async with entered(server.url, "bob"):
                await alice.say("@bob", "psst")
            await alice.next(Presence, lambda presence: presence.who is None)
            for channel in ("lobby", "tea", "quiet"):
                for number in range(3):
                    await alice.say(channel, f"{channel} {number}")
            async with connected(server.url) as (carol, _):
                await carol.login("carol")
                echo = carol.echo
        assert texts(echo.messages) == ["lobby 1", "lobby 2", "tea 2"]
        assert echo.recovered
