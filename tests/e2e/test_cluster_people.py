"""People of a room on two nodes: names, who is here, status, typing and blocks, wherever they are connected."""

import asyncio
from contextlib import AsyncExitStack

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    Block,
    Message,
    Mute,
    Presence,
    Relations,
    Say,
    SetStatus,
    Typing,
    Unblock,
    Unmute,
    Who,
)
from tests.support.chat_client import connected, entered, says
from tests.support.client_queries import gone, heard, here, history, meet
from tests.support.cluster import Cluster

CROWD = 8


def token(name: str) -> str:
    """Return the secret of a person's client."""
    return f"the secret of {name}'s client"


async def test_a_name_in_use_on_another_node_gets_a_number(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "ada", token("ada")), connected(cluster.two.url) as (eve, _):
        assert (await eve.login("ADA", token("eve"))).username == "ADA 2"


async def test_a_name_is_granted_once_when_many_ask_for_it_on_both_nodes(cluster: Cluster) -> None:
    async with AsyncExitStack() as stack:
        urls = [cluster.one.url, cluster.two.url] * (CROWD // 2)
        crowd = [(await stack.enter_async_context(connected(url)))[0] for url in urls]
        granted = await asyncio.gather(*(client.login("guest") for client in crowd))
        assert sorted(me.username for me in granted) == [
            "guest",
            *(f"guest {number}" for number in range(2, CROWD + 1)),
        ]


async def test_a_person_who_logs_in_on_another_node_takes_over_their_session_unnoticed(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "witness") as witness, entered(cluster.one.url, "bea", token("bea")) as bea:
        # Changes are gathered on a busy machine.
        await witness.next(Presence, lambda frame: frame.username == "bea")
        async with connected(cluster.two.url) as (again, _):
            assert (await again.login("bea", token("bea"))).username == "bea"
            assert (await bea.closed())[0] == CloseCode.REPLACED
            await again.say("lobby", "back again")
            await witness.next(Message, says("back again"))
            assert not any(gone("bea")(frame) for frame in witness.seen if isinstance(frame, Presence))
            assert here(witness, "bea")
        await witness.next(Presence, gone("bea"))


async def test_everyone_sees_people_join_and_leave_on_either_node(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "carl") as carl:
        async with entered(cluster.two.url, "dina") as dina:
            await meet(dina, "carl")
            assert (await carl.next(Presence, lambda frame: frame.username == "dina")).who
        await carl.next(Presence, gone("dina"))
        async with connected(cluster.two.url) as (late, _):
            await late.login("late")
            await meet(late, "carl")
            assert not here(late, "dina")


async def test_a_status_and_do_not_disturb_apply_on_the_other_node(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "eli") as eli, entered(cluster.two.url, "fay") as fay:
        await eli.send(SetStatus("at tea", dnd=True))
        seen = await fay.next(Presence, lambda frame: bool(frame.username == "eli" and frame.who and frame.who.dnd))
        assert seen.who
        assert seen.who.status == "at tea"
        assert (await fay.refusal(Say("@eli", "psst"))).code == ErrorCode.DO_NOT_DISTURB
        async with entered(cluster.two.url, "gus") as gus:
            (who,) = [frame for frame in gus.seen if isinstance(frame, Who)]
            assert [(entry.status, entry.dnd) for entry in who.who_list if entry.username == "eli"] == [
                ("at tea", True)
            ]
        await eli.send(SetStatus("", dnd=False))
        await fay.next(Presence, lambda frame: bool(frame.username == "eli" and frame.who and not frame.who.dnd))
        assert (await fay.say("@eli", "now?")).channel == "@eli"
        await eli.next(Message, says("now?"))


async def test_typing_reaches_the_other_node_and_nobody_else(cluster: Cluster) -> None:
    async with (
        entered(cluster.one.url, "hal") as hal,
        entered(cluster.two.url, "ida") as ida,
        entered(cluster.two.url, "jon") as jon,
    ):
        await meet(hal, "ida")
        # It may be lost: a node that has just started is not known to the other yet.
        while not await heard(ida, Typing):
            await hal.send(Typing("@ida"))
            await asyncio.sleep(0.05)
        assert await ida.next(Typing) == Typing("@hal")
        await hal.say("lobby", "marker of typing")
        await jon.next(Message, says("marker of typing"))
        assert not await heard(jon, Typing)


async def test_a_block_applies_on_every_node_from_the_same_message_on(cluster: Cluster) -> None:
    async with (
        entered(cluster.one.url, "kim", token("kim")) as kim,
        entered(cluster.two.url, "leo", token("leo")) as leo,
        entered(cluster.two.url, "mia") as mia,
    ):
        await meet(kim, "leo")
        await meet(leo, "kim")
        await leo.say("tea", "leo before")
        await kim.next(Message, says("leo before"))
        await kim.send(Block("leo"))
        assert await kim.next(Relations) == Relations([], ["leo"])
        for person, other in ((kim, "leo"), (leo, "kim")):
            await person.next(Presence, gone(other))
            assert (await person.refusal(Say(f"@{other}", "psst"))).code == ErrorCode.NOT_HERE
        await kim.say("tea", "from kim")
        await mia.say("tea", "from mia")
        await leo.next(Message, says("from mia"))
        assert "from kim" not in [message.message for message in await leo.messages()]
        assert [each.message for each in await history(leo, "tea")] == ["leo before", "from mia"]
        await kim.send(Unblock("leo"))
        assert await kim.next(Relations) == Relations()
        await meet(leo, "kim")
        await meet(kim, "leo")
        await leo.say("@kim", "friends?")
        await kim.next(Message, says("friends?"))


async def test_messages_of_a_muted_person_on_the_other_node_are_not_delivered(cluster: Cluster) -> None:
    async with (
        entered(cluster.one.url, "ned", token("ned")) as ned,
        entered(cluster.two.url, "ora") as ora,
    ):
        await meet(ned, "ora")
        await ned.send(Mute("ora"))
        await ned.next(Relations)
        await ora.say("tea", "unread of ora")
        # The same person on the other node has muted ora as well.
        async with entered(cluster.two.url, "ned", token("ned")) as again:
            assert await again.next(Relations) == Relations(["ora"])
            await ora.say("tea", "unread, too")
            await again.say("tea", "read of ned")
            assert not [each for each in await again.messages() if each.message.startswith("unread")]
            await again.send(Unmute("ora"))
            await again.next(Relations)
