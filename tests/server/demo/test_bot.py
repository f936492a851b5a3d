"""A bot by itself, with a server that disconnects it."""

import asyncio
from datetime import UTC, datetime

import pytest
from websockets.asyncio.server import ServerConnection, serve

from server.demo.bot import Bot, filled
from server.demo.cast import INES, KOBAYASHI, MARLOW, PIKE, Part
from server.protocol.codec import decode_client, encode
from server.protocol.frames import ClientFrame, Login, Me, Message, Say

AT = datetime(2026, 11, 24, 8, 46, tzinfo=UTC)


class Cutting:
    """Closes the first connection after a message, and confirms messages on the next one."""

    def __init__(self) -> None:
        self.logins: list[Login] = []
        self.said: list[str] = []

    async def serve(self, connection: ServerConnection) -> None:
        async for data in connection:
            frame: ClientFrame = decode_client(data.encode() if isinstance(data, str) else data)
            if isinstance(frame, Login):
                self.logins.append(frame)
                await connection.send('{"action":"of a later version"}')
                await connection.send(encode(Me(frame.username, op=False)), text=True)
            elif isinstance(frame, Say):
                self.said.append(frame.message)
                if len(self.logins) == 1:
                    connection.transport.abort()
                else:
                    message = Message(frame.channel, "marlow", frame.message, len(self.said), AT, frame.nonce)
                    await connection.send(encode(message), text=True)


async def test_a_bot_reconnects_as_the_same_person() -> None:
    cutting = Cutting()
    bot = Bot(MARLOW, set(), lambda name: None)
    async with asyncio.timeout(10), serve(cutting.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        living = asyncio.create_task(bot.live(f"ws://127.0.0.1:{port}"))
        for text in ("lost", "heard", "heard too"):
            await bot.say("lobby", text)
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
    assert cutting.said == ["lost", "heard", "heard too"]
    assert [login.token == cutting.logins[0].token for login in cutting.logins] == [True, True]


@pytest.mark.parametrize(
    ("part", "text", "called"),
    [
        (MARLOW, "Marlow, are you there?", True),
        (MARLOW, "the marlowe club", False),
        (INES, "hola ines", True),
        (INES, "¿Inés?", True),
        (KOBAYASHI, "小林さん、おはよう", True),
        (PIKE, "a turnpike", False),
        (PIKE, "`pike`!", True),
    ],
)
def test_a_name_is_recognised_as_a_word(part: Part, text: str, *, called: bool) -> None:
    assert bool(part.called.search(text)) is called


def test_a_name_cannot_format_the_words_of_others() -> None:
    assert filled("Ahoy {name}", "[x](http://evil.example) {name} **") == (
        r"Ahoy \[x\]\(http://evil.example\) {name} \*\*"
    )
