"""Requests by people, operators and the site about somebody whose connection is on another server."""

import time
from dataclasses import replace
from functools import partial

import pytest

from server.handlers import operators
from server.http import member_calls, site_calls
from server.http.api_types import (
    AmendToken,
    BlockNow,
    DisconnectNow,
    MessageUsernames,
    SiteBlocklist,
)
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    Block,
    Error,
    Login,
    Me,
    Message,
    Mute,
    Presence,
    React,
    Reacted,
    Read,
    Relations,
    Say,
    SetStatus,
    Typing,
    Unblock,
)
from server.rules.ranks import Rank
from server.rules.tokens import Claims, sign
from server.rules.visibility import GONE, JOINED
from server.settings import JWT, RoomLimits, Secret
from tests.support.node_pair import Guest, Node, Shared, until

KEY = "the key by which the site signs tokens"


def as_operator(guest: Guest) -> Guest:
    """Give somebody the rights of an operator."""
    guest.session.set_rank(Rank.OPERATOR)
    return guest


def said_to(guest: Guest) -> list[str]:
    """Return the messages that somebody received."""
    return [each.message for each in guest.of(Message)]


def notices(guest: Guest) -> list[str]:
    """Return what ChatServer said to somebody."""
    return [each.message for each in guest.of(Error)]


async def test_direct_messages_and_typing_reach_the_other_server(first: Node, second: Node) -> None:
    ada, bob = await first.enter("ada"), await second.enter("bob")
    ada.send(Typing("@Bob"))
    await bob.receives(Typing("@ada"))
    ada.send(Say("@BOB", "psst", "n-1"))
    await until(lambda: said_to(bob) == ["psst"])
    bob.send(Say("@ada", "yes?", "n-2"))
    await until(lambda: said_to(ada) == ["psst", "yes?"])


async def test_direct_message_that_is_not_kept_is_not_stored_for_somebody_on_the_other_server(
    shared: Shared, first: Node, second: Node
) -> None:
    for node in (first, second):
        node.dispatcher.live = replace(node.dispatcher.live, keeps_direct=False)
    ada, bob = await first.enter("ada"), await second.enter("bob")
    ada.send(Say("@bob", "psst", "n-1"))
    await until(lambda: said_to(bob) == ["psst"])
    await shared.committed()
    assert await shared.write(lambda sql: sql.execute("SELECT count(*) FROM message").fetchone()) == (0,)
    bob.send(React(bob.of(Message)[0].msg_id, "👍"))
    await until(lambda: [each.message for each in ada.of(Reacted)] == ["👍"])


async def test_do_not_disturb_applies_on_the_other_server(first: Node, second: Node) -> None:
    ada, bob = await first.enter("ada"), await second.enter("bob")
    bob.send(SetStatus(dnd=True))
    await until(lambda: any(each.dnd for each in first.dispatcher.hub.others.values()))
    ada.send(Say("@bob", "psst", "n-1"))
    ada.send(Typing("@bob"))
    assert [each.code for each in ada.of(Error)] == [ErrorCode.DO_NOT_DISTURB]
    bob.send(SetStatus(dnd=False))
    await until(lambda: not any(each.dnd for each in first.dispatcher.hub.others.values()))
    ada.send(Say("@bob", "psst", "n-1"))
    await until(lambda: said_to(bob) == ["psst"])
    assert bob.of(Typing) == []


async def test_block_hides_two_people_from_each_other_on_both_servers(first: Node, second: Node) -> None:
    ada, bob, eve = await first.enter("ada"), await second.enter("bob"), await second.enter("eve")
    await ada.sees("bob", JOINED)
    ada.send(Block("bob"))
    await ada.sees("bob", JOINED, GONE)
    await bob.sees("ada", GONE)
    bob.send(Say("lobby", "unseen", "n-1"))
    bob.send(Say("@ada", "psst", "n-2"))
    await until(lambda: said_to(eve) == ["unseen"])
    assert [each.code for each in bob.of(Error)] == [ErrorCode.NOT_HERE]
    ada.send(Unblock("bob"))
    entry = ada.session.who_entry(ada.session.logged_in_person)
    await bob.receives(Presence("ada", "", entry))
    bob.send(Say("lobby", "seen", "n-3"))
    await until(lambda: said_to(ada) == ["seen"])


@pytest.mark.parametrize("late", [0, 1])
async def test_block_of_somebody_who_becomes_an_operator_on_the_other_server_ends(
    shared: Shared, first: Node, second: Node, late: int
) -> None:
    ada, eve, op = await first.enter("ada"), await second.enter("eve"), as_operator(await second.enter("op"))
    held = (first, second)[late].database
    held.hold()
    for guest, frame in [(op, Say("", "/op eve")), (ada, Block("eve"))][:: -1 if late else 1]:
        guest.send(frame)
        await shared.committed()
    held.release()
    await until(lambda: ada.of(Relations)[-1:] == [Relations([], [])])
    for node in (first, second):
        assert not node.dispatcher.people.relations.blocks_of(eve.session.logged_in_person.identity)


async def test_mute_applies_to_messages_from_the_other_server(first: Node, second: Node) -> None:
    ada, bob = await first.enter("ada"), await second.enter("bob")
    ada.send(Mute("bob"))
    await until(lambda: bool(second.dispatcher.people.relations.muted_by(bob.session.logged_in_person.identity)))
    bob.send(Say("lobby", "unseen", "n-1"))
    bob.send(Typing("@ada"))
    await until(lambda: said_to(bob) == ["unseen"])
    assert ada.of(Message) == []
    assert ada.of(Typing) == []


async def test_messages_read_in_one_session_are_read_in_those_on_other_servers(first: Node, second: Node) -> None:
    one = await first.enter("ada")
    two = await second.enter("bob", "the secret token of ada")
    one.send(Say("lobby", "hello", "n-1"))
    await until(lambda: said_to(two) == ["hello"])
    one.send(Read("lobby", two.of(Message)[0].msg_id))
    await two.receives(Read("lobby", two.of(Message)[0].msg_id))
    assert one.of(Read) == []


async def test_operator_kicks_somebody_on_the_other_server(first: Node, second: Node) -> None:
    op, bob = as_operator(await first.enter("op")), await second.enter("bob")
    op.send(Say("", "/kick bob"))
    await until(lambda: bob.outlet.closed == [CloseCode.REMOVED])
    assert notices(bob) == ["You have been kicked from the chat room by op"]
    assert notices(op) == ["bob has been kicked from the room"]
    await op.sees("bob", JOINED, "has been kicked from the room!")


async def test_ban_ends_sessions_on_the_other_server_and_refuses_new_logins(first: Node, second: Node) -> None:
    op, bob = as_operator(await first.enter("op")), await second.enter("bob")
    op.send(Say("", "/ban bob 2"))
    await until(lambda: bob.outlet.closed == [CloseCode.REMOVED])
    again = second.connect()
    again.send(Login("robert", "the secret token of bob"))
    assert again.outlet.closed == [CloseCode.REMOVED]
    op.send(Say("", "/unban bob"))
    await until(lambda: not second.dispatcher.people.current_bans())
    await second.enter("robert", "the secret token of bob")


async def test_ban_keeps_out_a_session_that_waits_for_its_name(shared: Shared, first: Node, second: Node) -> None:
    op = as_operator(await first.enter("op"))
    (await first.enter("bob")).hang_up()
    waiting = second.connect()
    second.database.hold()
    op.send(Say("", "/ban bob 2"))
    await until(lambda: any("has been banned" in each for each in notices(op)))
    waiting.send(Login("robert", "the secret token of bob"))
    await shared.committed()
    second.database.release()
    await until(lambda: waiting.outlet.closed == [CloseCode.REMOVED])
    assert waiting.of(Me) == []
    await op.sees("robert", JOINED, GONE)


async def test_operator_rights_are_granted_and_revoked_on_the_other_server(first: Node, second: Node) -> None:
    op, bob = as_operator(await first.enter("op")), await second.enter("bob")
    op.send(Say("", "/op bob"))
    await until(lambda: bob.session.rank is Rank.OPERATOR)
    await until(lambda: first.dispatcher.hub.is_operator(bob.session.logged_in_person.identity))
    op.send(Say("", "/deop bob"))
    await until(lambda: bob.session.rank is Rank.PERSON)
    await until(lambda: not first.dispatcher.hub.is_operator(bob.session.logged_in_person.identity))


async def test_kickall_disconnects_everyone_on_both_servers(first: Node, second: Node) -> None:
    op, bob = as_operator(await first.enter("op")), await second.enter("bob")
    op.send(Say("", "/kickall"))
    await until(lambda: bob.outlet.closed == [CloseCode.SERVICE_RESTART])
    assert op.outlet.closed == [CloseCode.SERVICE_RESTART]


async def test_settings_are_reloaded_and_servers_shut_down_together(first: Node, second: Node) -> None:
    done: list[str] = []

    def reload(name: str) -> str:
        done.append(f"{name} reloads")
        return "Reloaded."

    for name, node in (("first", first), ("second", second)):
        node.dispatcher.reconfigure = partial(reload, name)
        node.dispatcher.shut_down = partial(done.append, f"{name} ends")
    op, bob = as_operator(await first.enter("op")), await second.enter("bob")
    op.send(Say("", "/reconfigure"))
    await until(lambda: len(done) == 2)
    assert notices(op) == [f"Reloaded.{operators.OTHERS_RELOAD}"]
    op.send(Say("", "/shutdown"))
    await until(lambda: len(done) == 4)
    assert done == ["first reloads", "second reloads", "first ends", "second ends"]
    assert notices(bob) == [operators.GOING_DOWN]


def signing_in(*nodes: Node) -> None:
    """Let members of the site sign in."""
    for node in nodes:
        sign_in = JWT(enabled=True, strict=False, secret_key=Secret(KEY))
        node.dispatcher.live = replace(node.dispatcher.live, sign_in=sign_in)
        node.dispatcher.people.reservations.configure(0, members=True)


def token(name: str, *, vip: bool = False, nick: str = "") -> str:
    """Return a valid token for a member."""
    return sign(Claims(sub=name, vip=vip, nick=nick), KEY, time.time())


async def member(node: Node, name: str) -> Guest:
    """Let a member sign in."""
    guest = node.connect()
    guest.send(Login(name, jwt=token(name)))
    await guest.in_room()
    return guest


async def test_member_gets_their_name_from_a_guest_on_the_other_server(first: Node, second: Node) -> None:
    signing_in(first, second)
    guest, watching = await first.enter("dave"), await second.enter("eve")
    dave = await member(second, "dave")
    await until(lambda: guest.outlet.closed == [CloseCode.REPLACED])
    guest.hang_up(CloseCode.REPLACED)
    assert dave.name == "dave"
    await watching.sees("dave", GONE, JOINED)
    for node in (first, second):
        assert not node.dispatcher.people.holds_name(guest.session.logged_in_person)
    assert (await first.enter("dave", "the secret of a guest")).name == "dave 2"


async def test_member_whose_name_differs_by_case_waits_for_the_one_on_the_other_server(
    first: Node, second: Node
) -> None:
    signing_in(first, second)
    await member(first, "dave")
    other = second.connect()
    other.send(Login("Dave", jwt=token("Dave")))
    await until(lambda: other.outlet.closed == [CloseCode.SIGN_IN])


async def test_site_calls_reach_people_on_the_other_server(first: Node, second: Node) -> None:
    signing_in(first, second)
    bob, watching = await member(second, "bob"), await first.enter("ada")
    await site_calls.amend_token(first.dispatcher, AmendToken("", "bob", token("bob", vip=True, nick="Bobby")))
    await until(lambda: bob.session.rank is Rank.VIP)
    await until(lambda: any(each.who and each.who.nickname == "Bobby" for each in watching.of(Presence)))
    await site_calls.block_now(first.dispatcher, BlockNow("", ["ada", "bob"]))
    await bob.receives(Block("ada"))
    await until(lambda: any("ada" in each.blocked for each in bob.of(Relations)))
    await site_calls.blocklist(first.dispatcher, SiteBlocklist("", "bob", []))
    removed = await site_calls.disconnect_now(first.dispatcher, DisconnectNow("", ["bob"], "Good bye.", kick=False))
    assert removed.removed == 1
    await until(lambda: bob.outlet.closed == [CloseCode.REMOVED])
    assert notices(bob)[-1:] == ["Good bye."]


async def test_member_on_the_other_server_reads_their_conversations(first: Node, second: Node) -> None:
    signing_in(first, second)
    bob = await member(second, "bob")
    bob.send(Say("@bob", "a note", "n-1"))
    await until(lambda: said_to(bob) == ["a note"])
    found = await member_calls.message_usernames(first.dispatcher, MessageUsernames(jwt_token=token("bob")))
    assert found.usernames == ["bob"]


async def test_limit_of_an_identity_is_shared_by_all_servers_that_it_is_connected_to(first: Node, second: Node) -> None:
    for node in (first, second):
        node.dispatcher.limiter.configure(RoomLimits(messages_per_second=1, messages_burst=4))
    one = await first.enter("ada")
    two = await second.enter("eve", "the secret token of ada")
    await until(lambda: first.dispatcher.hub.nodes_of(one.session.logged_in_person.identity) == 2)
    for number in range(2):
        one.send(Say("lobby", f"one {number}", f"n-{number}"))
        two.send(Say("lobby", f"two {number}", f"m-{number}"))
    assert not one.outlet.paused
    assert not two.outlet.paused
    for each in (one, two):
        each.send(Say("lobby", "too fast", f"{each.name}-9"))
        assert each.outlet.paused, "the burst of four is used up, by two messages on each server"
        each.hang_up()
