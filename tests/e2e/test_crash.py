"""The server is killed during a burst: no confirmed message is missing afterwards."""

import asyncio
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from server.protocol.frames import History, HistoryRequest, Message, Since
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.server_process import ServerProcess, write_settings

TOKEN = "the-secret-of-a-client"
ENOUGH = 300


async def talk(client: ChatClient) -> None:
    """Send messages until the connection breaks."""
    number = 0
    try:
        while True:
            await client.say_only("lobby", str(number))
            number += 1
            # Let the confirmations be read in between.
            await asyncio.sleep(0)
    except ConnectionClosed:
        return


def messages(client: ChatClient) -> list[Message]:
    """Return the messages received so far."""
    return [frame for frame in client.seen if isinstance(frame, Message)]


async def test_no_confirmed_message_is_missing_or_out_of_order_after_a_kill(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as alice:
            talking = asyncio.create_task(talk(alice))
            await alice.next(Message, lambda message: message.msg_id >= ENOUGH)
            server.kill()
            await alice.closed()
            await talking
    confirmed = messages(alice)
    assert len(confirmed) >= ENOUGH
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice", TOKEN) as again:
            stored = await read_all(again)
            assert stored[: len(confirmed)] == confirmed
            assert [message.message for message in stored] == [str(number) for number in range(len(stored))]
            assert (await again.say("lobby", "after")).msg_id > stored[-1].msg_id


async def read_all(client: ChatClient) -> list[Message]:
    """Return the whole history of the lobby, read page by page."""
    read: list[Message] = []
    more = True
    while more:
        await client.send(HistoryRequest("lobby", "n", read[0].msg_id if read else 0, 100))
        page = await client.next(History)
        read, more = page.messages + read, page.more
    return read


async def test_a_client_that_reconnects_after_a_kill_gets_exactly_what_it_missed(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, connected(server.url) as (bob, welcome):
            await bob.login("bob", TOKEN)
            talking = asyncio.create_task(talk(alice))
            seen = await bob.next(Message, lambda message: message.msg_id >= 50)
            await alice.next(Message, lambda message: message.msg_id >= ENOUGH)
            server.kill()
            await alice.closed()
            await talking
            bob.socket.transport.abort()
    with ServerProcess(settings) as server:
        async with connected(server.url) as (again, after):
            assert after.epoch == welcome.epoch
            await again.login("bob", TOKEN, Since(after.epoch, seen.msg_id))
            echo = again.echo
            stored = await read_all(again)
    assert echo.messages == stored[-len(echo.messages) :]
    assert echo.recovered is (len(stored) - 50 == len(echo.messages))
    assert {message.msg_id for message in messages(alice)} <= {message.msg_id for message in stored}
