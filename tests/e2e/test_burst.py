"""A burst of messages, far more than fit into one commit, write or iteration of the event loop."""

import asyncio
import re

from server.protocol.frames import Login, Say
from tests.support.raw_socket import RawSocket, dialled, wire
from tests.support.server_process import ServerProcess

MESSAGES = 10_000
HEARD = re.compile(rb'"message":"(\d+)","msgID":(\d+)')


async def enter(socket: RawSocket, name: str) -> None:
    """Log in on a bare socket, which reads fast enough not to be disconnected."""
    await socket.upgrade()
    await socket.send(wire(Login(name)))
    await socket.until(b'"echo"')


async def test_ten_thousand_messages_at_once_arrive_in_order(server: ServerProcess) -> None:
    async with dialled(server.port) as alice, dialled(server.port) as bob:
        await enter(alice, "alice")
        await enter(bob, "bob")
        said = b"".join(wire(Say("lobby", str(number))) for number in range(MESSAGES))
        end = b'"message":"end"'
        _, *heard = await asyncio.gather(alice.send(said + wire(Say("lobby", "end"))), alice.much(end), bob.much(end))
    for came in heard:
        messages = [(int(text), int(msg_id)) for text, msg_id in HEARD.findall(came)]
        first = messages[0][1]
        assert messages == [(number, first + number) for number in range(MESSAGES)]
