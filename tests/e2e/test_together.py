"""Interaction: reactions, search, typing, status, mute, block, and messages for people who are away."""

from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Block,
    Error,
    Message,
    Mute,
    Presence,
    ProfileRequest,
    React,
    Reacted,
    Reaction,
    Reactions,
    Relations,
    Say,
    SearchRequest,
    SearchResults,
    SetStatus,
    Since,
    Takeback,
    Typing,
    Unblock,
    Unmute,
    Who,
)
from tests.support.chat_client import ChatClient, connected, entered, says
from tests.support.client_queries import TOKENS, gone, heard, history
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings


async def search(client: ChatClient, query: str, channel: str = "") -> list[str]:
    """Return the texts found, the latest first."""
    nonce = client.nonce()
    await client.send(SearchRequest(query, nonce, channel))
    found = await client.next(SearchResults, lambda frame: frame.nonce == nonce)
    return [message.message for message in found.messages]


async def test_a_reaction_reaches_the_readers_of_the_message_and_is_shown_below_it(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        entered(server.url, "bob") as bob,
        entered(server.url, "carol") as carol,
    ):
        direct, public = await alice.say("@bob", "psst"), await alice.say("lobby", "hello")
        await bob.send(React(direct.msg_id, "👻"))
        assert await alice.next(Reacted) == Reacted(direct.msg_id, "bob", "👻")
        await bob.send(React(public.msg_id, "❤️"))
        await carol.send(React(public.msg_id, "❤️"))
        await carol.send(React(public.msg_id, "👻"))
        await carol.send(React(public.msg_id, "👻", remove=True))
        await alice.next(Reacted, lambda frame: frame.remove)
        assert (await history(alice, "lobby"))[-1].reactions == [Reaction("❤️", ["bob", "carol"])]
        assert {frame.msg_id for frame in await heard(carol, Reacted) if isinstance(frame, Reacted)} == {public.msg_id}


@pytest.mark.parametrize("emoji", ["", "a", "ab", "👻👻", "👻 ", "\x1b", "7", "❤️" * 8])
async def test_a_reaction_is_one_emoji(server: ServerProcess, emoji: str) -> None:
    async with entered(server.url, "alice") as alice:
        message = await alice.say("lobby", "hello")
        assert (await alice.refusal(React(message.msg_id, emoji))).code == ErrorCode.BAD_REACTION


async def test_nobody_can_react_to_what_they_cannot_read(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        direct = await alice.say("@bob", "psst")
        async with entered(server.url, "carol") as carol, connected(server.url) as (nobody, _):
            for msg_id in (direct.msg_id, direct.msg_id + 1):
                assert (await carol.refusal(React(msg_id, "👻"))).code == ErrorCode.UNKNOWN_MESSAGE
            for frame in (React(direct.msg_id, "👻"), Typing("@bob"), Mute("bob"), Block("bob"), SetStatus("away")):
                assert (await nobody.refusal(frame)).code == ErrorCode.NOT_LOGGED_IN
        assert not await heard(bob, Reacted)


async def test_missed_reactions_are_in_the_echo(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob:
        async with connected(server.url) as (alice, welcome):
            await alice.login("alice", TOKENS["alice"])
            message = await alice.say("lobby", "hello")
        await bob.send(React(message.msg_id, "👻"))
        await bob.next(Reacted)
        since = Since(welcome.epoch, message.msg_id)
        async with entered(server.url, "alice", TOKENS["alice"], since) as alice:
            assert alice.echo.reacted == [Reactions(message.msg_id, [Reaction("👻", ["bob"])])]


async def test_search_finds_readable_messages_that_contain_all_words(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await alice.say("lobby", "The Rope is new")
        await alice.say("tea", "a rope, and 100% of it")
        await alice.say("@bob", "my rope is secret")
        await alice.say("lobby", "灯台の油が切れた")
        assert await search(bob, "rope") == ["my rope is secret", "a rope, and 100% of it", "The Rope is new"]
        assert await search(bob, "ROPE is") == ["my rope is secret", "The Rope is new"]
        assert await search(bob, "rope", "tea") == ["a rope, and 100% of it"]
        assert await search(bob, "rope", "@alice") == ["my rope is secret"]
        assert await search(bob, "台の油") == await search(bob, "油") == ["灯台の油が切れた"]
        assert await search(bob, "0%") == ["a rope, and 100% of it"]
        assert await search(bob, "rope OR secret") == []
        assert await search(bob, '"') == await search(bob, "NEAR(") == await search(bob, "a*b") == []
        async with entered(server.url, "carol") as carol:
            assert await search(carol, "secret") == []
        assert (await bob.refusal(SearchRequest("  ", "n-1"))).code == ErrorCode.BAD_QUERY


async def test_deleted_messages_are_not_found(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        message = await alice.say("lobby", "regrettable")
        assert await search(alice, "regrettable") == ["regrettable"]
        await alice.send(Takeback(message.msg_id))
        await alice.next(Takeback)
        assert await search(alice, "regrettable") == await search(alice, "re") == []


async def test_typing_is_sent_only_to_the_other_person(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        entered(server.url, "bob") as bob,
        entered(server.url, "carol") as carol,
    ):
        await alice.send(Typing("@bob"))
        await alice.send(Typing("lobby"))
        await alice.send(Typing("@nobody"))
        assert await bob.next(Typing) == Typing("@alice")
        assert not await heard(carol, Typing)
        # Notices that follow too soon, and those to somebody who refuses direct messages, are dropped silently.
        await carol.send(SetStatus(dnd=True))
        await alice.next(Presence, lambda presence: presence.who is not None and presence.who.dnd)
        for _ in range(50):
            await alice.send(Typing("@bob"))
            await alice.send(Typing("@carol"))
        assert not [frame for frame in await alice.settled() if isinstance(frame, Error)]
        assert len(await heard(bob, Typing)) <= 2
        assert not await heard(carol, Typing)


async def test_a_status_reaches_everyone_and_stays_in_the_who_list(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        await alice.send(SetStatus("at  tea", dnd=True))
        presence = await bob.next(Presence, lambda frame: frame.username == "alice" and frame.message == "")
        assert presence.who
        assert (presence.who.status, presence.who.dnd) == ("at tea", True)
        assert (await bob.refusal(Say("@alice", "psst"))).code == ErrorCode.DO_NOT_DISTURB
        async with connected(server.url) as (carol, _):
            await carol.login("carol")
            who = next(frame for frame in carol.seen if isinstance(frame, Who))
            assert [entry.status for entry in who.who_list] == ["at tea", "online", "online"]
        await alice.send(SetStatus("", dnd=False))
        await bob.next(Presence, lambda frame: bool(frame.who and frame.who.status == "online" and not frame.message))
        assert (await alice.refusal(SetStatus("\x1b[31m"))).code == ErrorCode.BAD_STATUS


async def test_messages_of_a_muted_person_are_not_delivered_and_the_person_is_not_notified(
    server: ServerProcess,
) -> None:
    async with entered(server.url, "alice", TOKENS["alice"]) as alice, entered(server.url, "bob") as bob:
        await bob.say("lobby", "before")
        await alice.send(Mute("BOB"))
        assert await alice.next(Relations) == Relations(["bob"])
        await bob.say("lobby", "unread")
        await bob.say("@alice", "unread too")
        message = await alice.say("lobby", "read")
        await bob.send(React(message.msg_id, "👻"))
        await bob.next(Reacted)
        assert [frame.message for frame in await alice.messages()] == ["before", "read"]
        assert not await heard(alice, Reacted)
        assert [frame.message for frame in await history(alice, "lobby")] == ["read"]
        assert await search(alice, "unread") == []
        await bob.next(Message, says("read"))
        # It is remembered.
        async with entered(server.url, "alice", TOKENS["alice"]) as again:
            assert await again.next(Relations) == Relations(["bob"])
            await again.send(Unmute("bob"))
            assert await again.next(Relations) == Relations()
            assert [frame.message for frame in await history(again, "lobby")] == ["before", "unread", "read"]
        assert (await bob.refusal(Mute("nobody"))).code == ErrorCode.NOT_HERE
        assert (await bob.refusal(Mute("bob"))).code == ErrorCode.NOT_HERE


async def test_blocked_people_do_not_see_each_other(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice", TOKENS["alice"]) as alice,
        entered(server.url, "bob", TOKENS["bob"]) as bob,
        entered(server.url, "carol") as carol,
    ):
        await bob.say("lobby", "from bob")
        await alice.send(Block("bob"))
        assert await alice.next(Relations) == Relations([], ["bob"])
        for one, other in ((alice, "bob"), (bob, "alice")):
            await one.next(Presence, gone(other))
            refusal = await one.refusal(Say(f"@{other}", "psst"))
            assert refusal.message == f"No one named “{other}” has been here. Check the spelling."
        await alice.say("lobby", "from alice")
        await carol.say("lobby", "from carol")
        assert "from alice" not in [frame.message for frame in await bob.messages()]
        assert [frame.message for frame in await history(bob, "lobby")] == ["from bob", "from carol"]
        assert [frame.message for frame in await history(alice, "lobby")] == ["from alice", "from carol"]
        assert [frame.message for frame in await history(carol, "lobby")] == ["from bob", "from alice", "from carol"]
        async with entered(server.url, "bob", TOKENS["bob"]) as again:
            who = next(frame for frame in again.seen if isinstance(frame, Who))
            assert {entry.username for entry in who.who_list} == {"bob", "carol"}
        await alice.send(Unblock("bob"))
        assert await alice.next(Relations) == Relations()
        assert [frame.message for frame in await history(alice, "lobby")] == ["from bob", "from alice", "from carol"]


async def test_the_profile_of_a_person_who_blocked_the_user_cannot_be_requested(
    tmp_path: Path, receiver: Receiver
) -> None:
    with ServerProcess(write_settings(tmp_path, webhooks={"profile": receiver.url})) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            await alice.send(Block("bob"))
            await alice.next(Relations)
            assert (await bob.refusal(ProfileRequest("alice", "n-1"))).code == ErrorCode.NOT_HERE
    assert not receiver.requests


async def test_direct_messages_wait_for_a_person_who_is_away(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with entered(server.url, "bob", TOKENS["bob"]):
            await alice.say("@bob", "seen")
        await alice.next(Presence, lambda frame: frame.username == "bob" and not frame.who)
        await alice.say("@bob", "kept")
        assert (await alice.refusal(Say("@stranger", "psst"))).code == ErrorCode.NOT_HERE
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            kept = [message.message for message in bob.echo.messages if message.channel == "@alice"]
            assert kept == ["kept"]
        # A person who takes the name meanwhile does not get it.
        async with entered(server.url, "bob") as other:
            assert not [message for message in other.echo.messages if message.channel == "@alice"]
            assert await history(other, "@alice") == []


async def test_a_direct_message_sent_to_a_broken_connection_waits_for_the_next_login(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            await alice.say("@bob", "read")
        await alice.next(Presence, gone("bob"))
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            await alice.say("@bob", "on its way")
            bob.socket.transport.abort()
        await alice.next(Presence, gone("bob"))
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            assert [message.message for message in bob.echo.messages] == ["on its way"]


async def test_the_first_message_of_a_room_waits_for_a_person_who_is_away(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with entered(server.url, "bob", TOKENS["bob"]):
            pass
        await alice.next(Presence, gone("bob"))
        await alice.say("@bob", "kept")
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            assert [message.message for message in bob.echo.messages] == ["kept"]


async def test_a_direct_message_waits_for_a_person_who_was_online_before_a_crash(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob", TOKENS["bob"]):
            await alice.say("lobby", "hello")
            server.kill()
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            await alice.say("@bob", "kept")
        async with entered(server.url, "bob", TOKENS["bob"]) as bob:
            assert [message.message for message in bob.echo.messages] == ["hello", "kept"]
