"""The commands of operators: their effects, and that nobody else receives them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.handlers.dispatch import Dispatcher
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    Block,
    Disconnect,
    Error,
    Login,
    Message,
    Mute,
    Presence,
    Relations,
    Say,
    Takeback,
    Typing,
)
from server.room.session import Session
from server.rules.ranks import Rank
from server.rules.tokens import Claims
from server.storage.base import Marker, StorageError
from server.storage.broker import Broker
from server.storage.people import People
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, dispatcher_over, receive, settle


class Member:
    """Somebody in the room, and what they received."""

    def __init__(self, dispatcher: Dispatcher, name: str, rank: Rank, token: str = "") -> None:
        self.dispatcher = dispatcher
        self.outlet = RecordingOutlet()
        self.session = Session(self.outlet)
        self.session.rank = rank
        self._login = Login(name, token or f"the secret token of {name}")

    async def enter(self) -> "Member":
        """Log in."""
        receive(self.dispatcher, self.session, self._login)
        await stored(self.dispatcher)
        return self

    async def say(self, text: str) -> list[str]:
        """Send a message without a channel; return what ChatServer replied."""
        before = len(self.outlet.frames)
        receive(self.dispatcher, self.session, Say("", text))
        await stored(self.dispatcher)
        return [each.message for each in self.outlet.frames[before:] if isinstance(each, Error)]

    @property
    def notices(self) -> list[str]:
        return [each.message for each in self.outlet.frames if isinstance(each, Error)]

    @property
    def spoken(self) -> list[str]:
        return [each.message for each in self.outlet.frames if isinstance(each, Message)]

    async def sees(self, name: str, message: str) -> None:
        """Wait for a presence change of somebody."""
        async with asyncio.timeout(15):
            while Presence(name, message) not in self.outlet.frames:
                await asyncio.sleep(0.01)


async def stored(dispatcher: Dispatcher) -> None:
    """Wait until everything sent so far is stored and answered."""
    await settle(dispatcher)
    await dispatcher.broker.mark_read("nobody", Marker("tea", 1))
    await settle(dispatcher)


@pytest.fixture
async def dispatcher(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    yield dispatcher_over(Broker(database), database, UNLIMITED)
    await database.close()


@pytest.fixture
async def op(dispatcher: Dispatcher) -> Member:
    """An operator."""
    return await Member(dispatcher, "op", Rank.OPERATOR).enter()


@pytest.fixture
async def bob(dispatcher: Dispatcher, op: Member) -> Member:
    """A person who joined after the operator."""
    return await Member(dispatcher, "bob", Rank.PERSON).enter()


REPLIES = {
    "/kick nobody": "/kick: username not found: nobody",
    "/kick op": "/kick: did you really mean to kick yourself?",
    "/ban OP": "/ban: did you really mean to ban yourself?",
    "/unban nobody": "/unban: user nobody was not found to be banned. Try `/bans` to see current banned users.",
    "/bans": "Nobody is banned.",
    "/op nobody": "/op: username not found: nobody",
    "/deop nobody": "/deop: username not found: nobody",
    "/unmute-all": "Your mute on 0 users has been lifted.",
    "/nsfw bob": "There are no webcams in this room.",
    "/cut bob": "There are no webcams in this room.",
    "/reconfigure": "This server has no settings file to reload.",
    "/op bob": "Operator rights have been granted to bob",
    "/deop bob": "Operator rights have been taken from bob",
    '/ban "Some Body"': "Some Body has been banned from the room for 24 hours.",
    "/ban zed 1": "zed has been banned from the room for 1 hour.",
    "/unban ZED": "The ban on zed has been lifted.",
    "/kick @bob": "bob has been kicked from the room",
}


async def test_each_command_is_answered_only_to_its_sender(op: Member, bob: Member) -> None:
    assert {command: await op.say(command) for command in REPLIES} == {
        command: [reply] for command, reply in REPLIES.items()
    }
    for typed in ("/", "/nosuch", '/kick "bob', "/kick", "/nsfw", "/cut", "  /ikck bob", "/help", "/help-advanced"):
        assert len(await op.say(typed)) == 1
    receive(op.dispatcher, op.session, Say("lobby", "/kikc bob", "n-1"))
    receive(op.dispatcher, op.session, Say("lobby", "//shrug"))
    await stored(op.dispatcher)
    assert op.spoken == ["/shrug"]
    assert [each.nonce for each in op.outlet.frames if isinstance(each, Error)][-1] == "n-1"


async def test_slash_commands_of_others_are_sent_as_text(op: Member, bob: Member) -> None:
    receive(bob.dispatcher, bob.session, Say("lobby", "/kick op"))
    await stored(bob.dispatcher)
    assert op.spoken == ["/kick op"]
    assert not op.outlet.closed


async def test_a_kicked_operator_is_gone_at_once_and_has_no_rights_left(op: Member, bob: Member) -> None:
    await op.say("/op bob")
    await op.say("/kick bob")
    assert bob.outlet.closed == [CloseCode.REMOVED]
    assert "You have been kicked from the chat room by op" in bob.notices
    assert [each.reconnect for each in bob.outlet.frames if isinstance(each, Disconnect)] == [False]
    await op.sees("bob", "has been kicked from the room!")
    await bob.say("/kick op")
    assert not op.outlet.closed
    assert bob.session.rank is Rank.PERSON


async def test_a_person_who_logs_in_while_their_ban_is_being_stored_is_removed(op: Member, bob: Member) -> None:
    dispatcher = op.dispatcher
    came = [Member(dispatcher, "zed", Rank.PERSON), Member(dispatcher, "ida", Rank.PERSON)]
    for banned in ("zed", "ida", "bob"):
        receive(dispatcher, op.session, Say("", f"/ban {banned}"))
    for member in came:
        receive(dispatcher, member.session, member._login)
    await stored(dispatcher)
    for member in came:
        name = member._login.username
        assert member.notices[-1].endswith("banned from entering the chat room. Your ban expires in 1 day.")
        assert member.session.ended
        assert dispatcher.hub.find(name) is None
        await op.sees(name, "has been banned!")
    # The ban itself removes those who were there before, with its own message.
    assert bob.notices == ["You have been banned from the chat room by op. You may come back after 24 hours."]


async def test_a_person_who_logs_in_under_another_name_while_a_ban_is_being_stored_is_removed(
    op: Member, bob: Member
) -> None:
    """This is how the server bans the author of link spam."""
    banned = op.dispatcher.people.ban(bob.session.logged_in_person, 24, CHAT_SERVER)
    other = Member(op.dispatcher, "robert", Rank.PERSON, "the secret token of bob")
    receive(op.dispatcher, other.session, other._login)
    await banned
    assert other.notices[-1].endswith("Your ban expires in 1 day.")
    assert [other.session.ended, bob.session.ended, op.session.ended] == [True, True, False]


async def test_a_ban_applies_to_any_spelling_and_to_the_identity_and_after_a_restart(op: Member, bob: Member) -> None:
    assert await op.say("/ban bob 2") == ["bob has been banned from the room for 2 hours."]
    await op.sees("bob", "has been banned!")
    assert bob.outlet.closed == [CloseCode.REMOVED]
    for login in (Login("BOB"), Login("robert", "the secret token of bob")):
        outlet = RecordingOutlet()
        receive(op.dispatcher, Session(outlet), login)
        assert [each.code for each in outlet.frames if isinstance(each, Error)] == [ErrorCode.BANNED]
        assert outlet.closed == [CloseCode.REMOVED]
    assert "for 2 hours" not in (await op.say("/bans"))[0]
    assert "“bob” 2 hours" in (await op.say("/bans"))[0]
    again = People(op.dispatcher.people._database)
    await again.load()
    assert [ban.name for ban, _ in again.current_bans()] == ["bob"]
    await op.say("/unban Bob")
    assert (await Member(op.dispatcher, "bob", Rank.PERSON).enter()).session.person


async def test_operator_rights_end_with_deop_and_so_does_hiding(op: Member, bob: Member) -> None:
    await op.say("/op bob")
    bob.session.status = "hidden"
    await op.say("/deop bob")
    assert bob.session.rank is Rank.PERSON
    assert bob.session.status == "online"
    receive(bob.dispatcher, bob.session, Say("lobby", "/kick op"))
    await stored(bob.dispatcher)
    assert "/kick op" in op.spoken


async def test_hidden_operator_is_not_revealed_by_typing_or_by_holding_a_name(op: Member, bob: Member) -> None:
    receive(op.dispatcher, op.session, Typing("@bob"))
    assert bob.outlet.frames[-1] == Typing("@op")
    op.session.status = "hidden"
    before = len(bob.outlet.frames)
    receive(op.dispatcher, op.session, Typing("@bob"))
    assert not any(isinstance(each, Typing) for each in bob.outlet.frames[before:])
    for name in ("op", "ор"):
        guest = await Member(op.dispatcher, name, Rank.PERSON, "another secret token").enter()
        assert guest.session.logged_in_person.name != name
        assert any("is reserved for the person who used it last." in each for each in guest.notices)


async def test_a_vip_who_was_an_operator_is_a_vip_again(op: Member, bob: Member) -> None:
    bob.session.set_claims(Claims(vip=True))
    await op.say("/op bob")
    await op.say("/deop bob")
    assert bob.session.rank is Rank.VIP


@pytest.mark.parametrize("blockable", [False, True])
async def test_an_operator_can_be_blocked_only_if_the_settings_allow_it(
    op: Member, bob: Member, blockable: bool
) -> None:
    bob.dispatcher.go_live(replace(bob.dispatcher.live, blockable_operators=blockable))
    receive(bob.dispatcher, bob.session, Block("op"))
    await stored(bob.dispatcher)
    blocked = [each.blocked for each in bob.outlet.frames if isinstance(each, Relations)]
    assert blocked == ([["op"]] if blockable else [])


@pytest.mark.parametrize("blockable", [False, True])
@pytest.mark.parametrize("by_login", [False, True])
async def test_blocks_of_somebody_who_becomes_an_operator_end(
    op: Member, bob: Member, by_login: bool, blockable: bool
) -> None:
    bob.dispatcher.go_live(replace(bob.dispatcher.live, blockable_operators=blockable))
    carol = await Member(op.dispatcher, "carol", Rank.PERSON).enter()
    receive(bob.dispatcher, bob.session, Block("carol"))
    await stored(bob.dispatcher)
    if by_login:
        await Member(op.dispatcher, "carol", Rank.OPERATOR).enter()
    else:
        await op.say("/op carol")
    await stored(bob.dispatcher)
    relations = bob.dispatcher.people.relations
    assert bool(relations.blocked_with(carol.session.logged_in_person.identity)) is blockable
    last = [each for each in bob.outlet.frames if isinstance(each, Relations)][-1]
    assert last == Relations([], ["carol"] if blockable else [])


@pytest.mark.parametrize("first", ["block", "op"])
async def test_a_person_who_becomes_an_operator_while_a_block_is_being_stored_is_not_blocked(
    op: Member, bob: Member, first: str
) -> None:
    carol = await Member(op.dispatcher, "carol", Rank.PERSON).enter()
    asked = [(bob, Block("carol")), (op, Say("", "/op carol"))]
    for member, frame in asked if first == "block" else reversed(asked):
        receive(op.dispatcher, member.session, frame)
    for _ in ("the block", "its end"):
        await stored(op.dispatcher)
    assert not op.dispatcher.people.relations.blocked_with(carol.session.logged_in_person.identity)
    lists = [each for each in bob.outlet.frames if isinstance(each, Relations)]
    assert lists[-1:] == ([Relations([], [])] if first == "block" else [])


async def test_a_failure_to_lift_blocks_is_sent_only_to_the_new_operator(
    op: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = await Member(op.dispatcher, "carol", Rank.PERSON).enter()
    receive(bob.dispatcher, bob.session, Block("carol"))
    await stored(bob.dispatcher)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    failed.set_exception(StorageError("the disk is full"))
    monkeypatch.setattr(op.dispatcher.people, "end_relations", lambda _: failed)
    await op.say("/op carol")
    assert [each for each in bob.outlet.frames if isinstance(each, Relations)] == [Relations([], ["carol"])]
    assert [each.code for each in carol.outlet.frames if isinstance(each, Error)] == [ErrorCode.STORAGE]


async def test_blocklists_of_the_site_do_not_apply_to_operators_in_the_room(op: Member, bob: Member) -> None:
    people, one = op.dispatcher.people, bob.session.logged_in_person.identity
    await people.set_site_blocks(one, [op.session.logged_in_person])
    await people.end_relations(people.relations.of(one))
    await people.apply_site_blocks(one, op.dispatcher.hub.operators())
    assert not people.relations.of(one)
    await people.apply_site_blocks(one)
    assert people.relations.of(one)


async def test_unmute_all_ends_the_mutes_of_the_operator_and_the_blocks_of_others(op: Member, bob: Member) -> None:
    op.session.set_rank(Rank.PERSON)
    receive(bob.dispatcher, bob.session, Block("op"))
    receive(bob.dispatcher, op.session, Mute("bob"))
    await stored(op.dispatcher)
    op.session.set_rank(Rank.OPERATOR)
    assert await op.say("/unmute-all") == ["Your mute on 1 users has been lifted."]
    relations = op.dispatcher.people.relations
    assert not relations.of(op.session.logged_in_person.identity)
    assert not relations.of(bob.session.logged_in_person.identity)


async def test_an_operator_can_delete_the_message_of_another_person(op: Member, bob: Member) -> None:
    receive(bob.dispatcher, bob.session, Say("lobby", "buy ropes"))
    await stored(bob.dispatcher)
    receive(op.dispatcher, op.session, Takeback(1))
    await stored(op.dispatcher)
    assert Takeback(1) in bob.outlet.frames


async def test_kickall_lets_everyone_reconnect_and_shutdown_ends_the_server(op: Member, bob: Member) -> None:
    ended: list[bool] = []
    op.dispatcher.shut_down = lambda: ended.append(True)
    await op.say("/shutdown")
    assert ended == [True]
    assert bob.notices == ["The chat server is going down for a reboot NOW!"]
    await op.say("/kickall")
    assert op.outlet.closed == bob.outlet.closed == [CloseCode.SERVICE_RESTART]
    assert [each.reconnect for each in bob.outlet.frames if isinstance(each, Disconnect)] == [True]
