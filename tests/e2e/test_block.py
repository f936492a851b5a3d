"""What somebody behind a block could learn by asking for it, and what the two are told when it begins and ends."""

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Block,
    Echo,
    React,
    Reacted,
    Reaction,
    Relations,
    Since,
    Takeback,
)
from tests.e2e.test_together import TOKENS, history
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.server_process import ServerProcess


async def blocks(client: ChatClient, name: str) -> None:
    """Block somebody, and wait until it holds."""
    await client.send(Block(name))
    await client.next(Relations, lambda frame: name in frame.blocked)


async def test_a_message_behind_a_block_is_unknown_to_whoever_asks_by_its_number(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await blocks(alice, "bob")
        hidden = await alice.say("lobby", "unseen")
        for frame in (React(hidden.msg_id, "👻"), Takeback(hidden.msg_id), React(2**62, "👻"), Takeback(2**62)):
            assert (await bob.refusal(frame)).code == ErrorCode.UNKNOWN_MESSAGE


async def test_reactions_of_somebody_behind_a_block_stand_under_no_message(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        connected(server.url) as (bob, welcome),
        entered(server.url, "carol") as carol,
    ):
        await bob.login("bob", TOKENS["bob"])
        await blocks(alice, "bob")
        message = await carol.say("lobby", "hello")
        await alice.send(React(message.msg_id, "👻"))
        await carol.next(Reacted)
        await bob.send(React(message.msg_id, "👻"))
        await carol.next(Reacted)
        assert (await history(bob, "lobby"))[-1].reactions == [Reaction("👻", ["bob"])]
        assert (await history(alice, "lobby"))[-1].reactions == [Reaction("👻", ["alice"])]
        assert (await history(carol, "lobby"))[-1].reactions == [Reaction("👻", ["alice", "bob"])]
        async with entered(server.url, "bob", TOKENS["bob"], Since(welcome.epoch, message.msg_id)) as again:
            assert [each.reactions for each in again.echo.reacted] == [[Reaction("👻", ["bob"])]]


async def test_whoever_comes_back_does_not_hear_what_somebody_behind_a_block_took_back(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, connected(server.url) as (bob, welcome):
        await bob.login("bob", TOKENS["bob"])
        await blocks(alice, "bob")
        hidden = await alice.say("lobby", "unseen")
        await alice.send(Takeback(hidden.msg_id))
        await alice.next(Takeback)
        async with entered(server.url, "bob", TOKENS["bob"], Since(welcome.epoch, hidden.msg_id)) as again:
            assert again.echo == Echo()
