"""Resuming: missed messages are delivered once, in order, and only to their recipients."""

from pathlib import Path

from server.protocol.codes import CloseCode
from server.protocol.frames import Disconnect, Echo, Error, Login, Message, Presence, Say, Since, Welcome
from tests.support.chat_client import ChatClient, confirms, connected, entered
from tests.support.server_process import Channel, ServerProcess, write_settings

TOKEN = "the-secret-of-alices-client"


async def epoch_of(server: ServerProcess) -> str:
    """Return the epoch."""
    async with connected(server.url) as (_, welcome):
        assert isinstance(welcome, Welcome)
        return welcome.epoch


async def left(witness: ChatClient, name: str) -> None:
    """Wait until the room has announced that a person left."""
    await witness.next(Presence, lambda presence: presence.username == name and presence.who is None)


async def missed(url: str, since: Since, token: str = TOKEN) -> Echo:
    """Return what a person receives after logging in again."""
    async with connected(url) as (client, _):
        await client.login("alice", token, since)
        return client.echo


async def test_a_reconnect_gets_every_missed_message_once_and_nothing_else(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        async with entered(server.url, "alice", TOKEN) as alice:
            seen = await alice.say("lobby", "seen")
        await left(bob, "alice")
        said = [await bob.say("tea" if number % 3 else "lobby", str(number)) for number in range(30)]
        echo = await missed(server.url, Since(epoch, seen.msg_id))
        assert echo.recovered
        assert [message.msg_id for message in echo.messages] == [message.msg_id for message in said]
        assert [message.message for message in echo.messages] == [str(number) for number in range(30)]


async def test_resuming_while_others_write_loses_and_repeats_nothing(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        heard: list[int] = []
        for _ in range(10):
            for number in range(20):
                await bob.say_only("lobby", str(number))
            async with entered(server.url, "alice", TOKEN, Since(epoch, max(heard, default=0))) as alice:
                heard += [message.msg_id for message in alice.echo.messages]
                heard += [message.msg_id for message in await alice.messages()]
        await bob.say("lobby", "end")
        rest = await missed(server.url, Since(epoch, max(heard)))
        heard += [message.msg_id for message in rest.messages]
        assert heard == [message.msg_id for message in await bob.messages()]


async def test_many_missed_messages_are_sent(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        for _ in range(400):
            await bob.say("lobby", "long " * 800)
        heard: list[int] = []
        recovered = True
        async with connected(server.url) as (alice, _):
            await alice.login("alice", TOKEN, Since(epoch, 0))
            echo = alice.echo
            while True:
                recovered &= echo.recovered
                heard += [message.msg_id for message in echo.messages]
                if heard[-1] == 400:
                    break
                # It may arrive in parts.
                echo = await alice.next(Echo)
            # The connection stays open.
            await alice.settled()
        assert heard == list(range(heard[0], 401))
        assert recovered is (heard[0] == 1)


async def test_more_missed_messages_than_can_be_sent_show_as_a_gap(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        for _ in range(4):
            nonces = [await bob.say_only("lobby", "x") for _ in range(130)]
            await bob.next(Message, confirms(nonces[-1]))
        echo = await missed(server.url, Since(epoch, 1))
        assert not echo.recovered
        assert echo.messages[-1].msg_id == 520


async def test_only_the_two_people_of_a_conversation_receive_its_messages_again(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        async with entered(server.url, "alice", TOKEN):
            await bob.say("@alice", "psst")
        await left(bob, "alice")
        mine = await missed(server.url, Since(epoch, 0))
        assert [(message.channel, message.message) for message in mine.messages] == [("@bob", "psst")]
        await left(bob, "alice")
        impostor = await missed(server.url, Since(epoch, 0), "the-secret-of-somebody-else")
        assert not impostor.messages


async def test_resuming_from_another_epoch_shows_a_gap(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob:
        await bob.say("lobby", "hello")
        echo = await missed(server.url, Since("another epoch", 0))
        assert not echo.recovered
        assert [message.message for message in echo.messages] == ["hello"]


async def test_the_same_person_takes_over_the_session_and_nobody_else_notices(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob, entered(server.url, "alice", TOKEN) as old:
        await bob.next(Presence)
        async with connected(server.url) as (new, _):
            assert (await new.login("ALICE", TOKEN)).username == "alice"
            goodbye = await old.next(Disconnect)
            assert (goodbye.code, goodbye.reconnect) == (CloseCode.REPLACED, False)
            assert (await old.closed())[0] == CloseCode.REPLACED
            await bob.say("@alice", "still you?")
            assert (await new.next(Message)).message == "still you?"
            assert not [frame for frame in await bob.settled() if isinstance(frame, Presence)][1:]


async def test_nobody_is_impersonated_without_their_secret(server: ServerProcess) -> None:
    async with entered(server.url, "alice", TOKEN) as alice, connected(server.url) as (other, _):
        assert (await other.login("alice", "a-secret-of-another-client")).username == "alice 2"
        await alice.say("lobby", "still here")


async def test_the_welcome_message_is_sent_only_to_newcomers(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path, channels=[Channel("lobby", ["Welcome!"])])) as server:
        epoch = await epoch_of(server)
        async with entered(server.url, "alice", TOKEN, Since(epoch, 0)) as alice:
            assert not [frame for frame in await alice.settled() if isinstance(frame, Error)]


async def test_resent_messages_are_confirmed_after_the_missed_ones(server: ServerProcess) -> None:
    epoch = await epoch_of(server)
    async with entered(server.url, "bob") as bob:
        async with entered(server.url, "alice", TOKEN) as alice:
            await bob.say("lobby", "not seen by alice")
            await alice.send(Say("lobby", "hello", "n-1"))
            await alice.next(Message, confirms("n-1"))
        async with connected(server.url) as (again, _):
            # Both at once, as a client does that does not know what has arrived.
            await again.send(Login("alice", TOKEN, Since(epoch, 0)))
            await again.send(Say("lobby", "hello", "n-1"))
            await again.next(Message, confirms("n-1"))
            kinds = [type(frame) for frame in again.seen if isinstance(frame, Echo | Message)]
            assert kinds == [Echo, Message]
