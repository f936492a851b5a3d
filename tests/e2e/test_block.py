"""What a blocked person can learn by requests, and what both are notified of when a block begins and ends."""

from pathlib import Path

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Block,
    Echo,
    Message,
    Presence,
    React,
    Reacted,
    Reaction,
    Relations,
    ReportRequest,
    SetStatus,
    Since,
    Takeback,
    Unblock,
    Who,
)
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.client_queries import TOKENS, gone, heard, history
from tests.support.receiver import Receiver
from tests.support.reporting import SPAM, ask_report, report_settings
from tests.support.server_process import ServerProcess


async def blocks(client: ChatClient, name: str) -> None:
    """Block a person, and wait until the block applies."""
    await client.send(Block(name))
    await client.next(Relations, lambda frame: name in frame.blocked)


async def test_a_message_by_a_blocked_person_cannot_be_requested_by_its_number(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await blocks(alice, "bob")
        hidden = await alice.say("lobby", "unseen")
        for frame in (React(hidden.msg_id, "👻"), Takeback(hidden.msg_id), React(2**62, "👻"), Takeback(2**62)):
            assert (await bob.refusal(frame)).code == ErrorCode.UNKNOWN_MESSAGE


async def test_reactions_of_a_blocked_person_are_not_shown(server: ServerProcess) -> None:
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


async def test_a_reconnect_gets_no_deletions_of_blocked_people(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, connected(server.url) as (bob, welcome):
        await bob.login("bob", TOKENS["bob"])
        await blocks(alice, "bob")
        hidden = await alice.say("lobby", "unseen")
        await alice.send(Takeback(hidden.msg_id))
        await alice.next(Takeback)
        async with entered(server.url, "bob", TOKENS["bob"], Since(welcome.epoch, hidden.msg_id)) as again:
            assert again.echo == Echo()


async def test_a_report_does_not_reveal_messages_hidden_by_a_block(tmp_path: Path, receiver: Receiver) -> None:
    settings = report_settings(tmp_path, receiver.url, evidence=True)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob", TOKENS["bob"]) as bob:
            insult = await alice.say("lobby", "said to bob's face")
            await blocks(alice, "bob")
            hidden = await alice.say("lobby", "unseen")
            await blocks(alice, "bob")
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice"), entered(server.url, "bob", TOKENS["bob"]) as bob:
            error = await bob.refusal(ReportRequest(hidden.msg_id, SPAM, "", "n"))
            assert error.code == ErrorCode.UNKNOWN_MESSAGE
            error = await bob.refusal(ReportRequest(insult.msg_id, SPAM, "", "n", (hidden.msg_id,)))
            assert error.code == ErrorCode.BAD_CONTEXT
            # A block does not prevent a report.
            assert (await ask_report(bob, insult.msg_id)).message == "said to bob's face"


async def test_both_people_of_a_block_get_one_notification_with_every_name(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice", TOKENS["alice"]) as alice,
        entered(server.url, "alice too", TOKENS["alice"]),
        entered(server.url, "bob", TOKENS["bob"]) as bob,
        entered(server.url, "bob too", TOKENS["bob"]) as bob_too,
    ):
        await blocks(alice, "bob")
        await blocks(alice, "bob")
        for client, others in ((alice, ("bob", "bob too")), (bob_too, ("alice", "alice too"))):
            told = [
                frame.username
                for frame in await heard(client, Presence)
                if isinstance(frame, Presence) and not frame.who
            ]
            assert sorted(told) == sorted(others)
        await bob.settled()


async def test_a_blocked_person_learns_nothing_by_blocking_back(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice", TOKENS["alice"]) as alice,
        entered(server.url, "bob", TOKENS["bob"]) as bob,
    ):
        await blocks(alice, "bob")
        await bob.next(Presence, gone("alice"))
        await blocks(bob, "alice")
        await blocks(alice, "bob")
        await bob.send(Unblock("alice"))
        assert await bob.next(Relations) == Relations()
        frames = await bob.settled()
        first = next(at for at, frame in enumerate(frames) if frame == Presence("alice", "has exited the room!"))
        assert not [frame for frame in frames[first + 1 :] if isinstance(frame, Presence | Who)]


async def test_a_status_right_after_a_block_is_not_sent_to_the_blocked_person(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        for round_ in range(3):
            await alice.send(Block("bob"))
            await alice.send(SetStatus(f"away {round_}"))
            await alice.next(Relations)
            await bob.next(Presence, gone("alice"))
            await alice.settled()
            last = [frame for frame in await heard(bob, Presence) if isinstance(frame, Presence)][-1]
            assert last.who is None
            await alice.send(Unblock("bob"))
            await alice.next(Relations)


async def test_a_person_who_unblocks_and_leaves_is_not_listed(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob:
        for _ in range(3):
            async with entered(server.url, "alice", TOKENS["alice"]) as alice:
                await bob.next(Presence, lambda frame: frame.who is not None)
                await alice.send(Unblock("bob"))
            await bob.next(Presence, gone("alice"))
            async with entered(server.url, "carol") as carol:
                await carol.say("lobby", "hello")
            await bob.next(Message)
            await bob.next(Presence, gone("carol"))
            told = [frame for frame in bob.seen if isinstance(frame, Presence) and frame.username == "alice"]
            assert told[-1].who is None
