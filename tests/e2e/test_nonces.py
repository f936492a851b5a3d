"""Nonces from outside: a resend counts once, another message under the same nonce is refused with an explanation."""

from server.protocol.codes import ErrorCode
from server.protocol.frames import Message, Say
from tests.support.chat_client import confirms, entered
from tests.support.server_process import ServerProcess

TOKEN = "a-secret-of-a-bot"


async def test_a_bot_that_repeats_a_used_nonce_gets_an_error(server: ServerProcess) -> None:
    async with entered(server.url, "bot", TOKEN) as bot:
        await bot.send(Say("lobby", "first", "1"))
        await bot.next(Message, confirms("1"))
    async with entered(server.url, "bot", TOKEN) as bot:
        error = await bot.refusal(Say("tea", "second", "1"))
        assert (error.code, error.nonce) == (ErrorCode.NONCE_USED, "1")
        assert (
            error.message == "You used this nonce for another message within 24 hours. Send this one with a new nonce."
        )
        for say in (Say("lobby", "first", "1"), Say("tea", "second", "2")):
            await bot.send(say)
        again, second = [await bot.next(Message, confirms(nonce)) for nonce in ("1", "2")]
        assert (again.msg_id, again.message) == (bot.echo.messages[-1].msg_id, "first")
        assert (second.channel, second.message) == ("tea", "second")
    async with entered(server.url, "somebody") as other:
        await other.send(Say("lobby", "third", "1"))
        assert (await other.next(Message)).message == "third"
