"""What is unread, over the wire: listed at each login, marked from any session of a person."""

from server.protocol.frames import History, HistoryRequest, Places, Read
from tests.support.chat_client import ChatClient, entered
from tests.support.server_process import ServerProcess

TOKEN = "the-secret-of-ada-123"


async def places(client: ChatClient) -> dict[str, tuple[int, int]]:
    """Return the unread messages and mentions of each place, as listed at the login."""
    frames = [each for each in await client.settled() if isinstance(each, Places)]
    return {each.channel: (each.unread, each.mentions) for frame in frames for each in frame.places}


async def test_unread_messages_are_listed_at_each_login_until_they_are_read(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob:
        await bob.say("lobby", "before ada came")
        async with entered(server.url, "ada", TOKEN) as ada:
            assert await places(ada) == {"lobby": (0, 0)}
        last = await bob.say("lobby", "where is ada?")
        psst = await bob.say("@ada", "psst")
        for _ in range(2):
            async with entered(server.url, "ada", TOKEN) as ada:
                assert await places(ada) == {"lobby": (1, 1), "@bob": (1, 0)}
        async with entered(server.url, "ada", TOKEN) as ada:
            await ada.send(Read("lobby", last.msg_id))
            await ada.send(Read("@BOB", psst.msg_id, closed=True))
            await ada.say("tea", "read it")
        async with entered(server.url, "ada", TOKEN) as ada:
            assert await places(ada) == {"lobby": (0, 0), "tea": (0, 0)}
        await bob.say("@ada", "psst again")
        async with entered(server.url, "ada", TOKEN) as ada:
            assert await places(ada) == {"lobby": (0, 0), "tea": (0, 0), "@bob": (1, 0)}


async def test_a_read_marker_is_sent_only_to_the_other_sessions_of_that_person(server: ServerProcess) -> None:
    async with (
        entered(server.url, "ada", TOKEN) as one,
        entered(server.url, "countess", TOKEN) as two,
        entered(server.url, "bob") as bob,
    ):
        said = await bob.say("lobby", "hello")
        await one.send(Read("lobby", said.msg_id))
        assert await two.next(Read) == Read("lobby", said.msg_id)
        await one.send(Read("lobby", said.msg_id))
        await bob.say("lobby", "end")
        for client, count in ((one, 0), (two, 1), (bob, 0)):
            assert sum(isinstance(each, Read) for each in await client.settled()) == count


async def test_history_around_a_message_is_read_in_both_directions(server: ServerProcess) -> None:
    async with entered(server.url, "ada") as ada:
        numbers = [(await ada.say("lobby", str(number))).msg_id for number in range(9)]

        async def around(before: int, after: int | None) -> list[str]:
            nonce = ada.nonce()
            await ada.send(HistoryRequest("lobby", nonce, before, 2, after))
            page = await ada.next(History, lambda each: each.nonce == nonce)
            return [each.message for each in page.messages]

        assert await around(numbers[4] + 1, None) == ["3", "4"]
        assert await around(0, numbers[4]) == ["5", "6"]
        assert await around(0, 0) == ["0", "1"]
        assert await around(numbers[6], numbers[4]) == ["5"]
