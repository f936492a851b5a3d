"""Nodes of a room that restart, die, or stop: people who return never seem to leave, and no one else stays listed."""

import asyncio
import signal

import pytest

from server.protocol.codes import CloseCode
from server.protocol.frames import Message, Presence, Since
from tests.support.chat_client import ChatClient, connected, entered, says
from tests.support.client_queries import gone, here, meet
from tests.support.cluster import Cluster
from tests.support.server_process import END_SECONDS


def token(name: str) -> str:
    """Return the secret of a person's client."""
    return f"the secret of {name}'s client"


async def left(witness: ChatClient, name: str) -> bool:
    """Return whether a person has left, as far as a client was told."""
    return any(gone(name)(frame) for frame in await witness.settled() if isinstance(frame, Presence))


async def test_nobody_seems_to_leave_while_the_nodes_are_restarted_one_after_the_other(cluster: Cluster) -> None:
    async with entered(cluster.two.url, "witness", token("witness")) as witness:
        async with connected(cluster.one.url) as (ada, welcome):
            await ada.login("ada", token("ada"))
            await meet(witness, "ada")
            seen = await ada.say("lobby", "before the restart")
            assert await asyncio.to_thread(cluster.one.terminate) == 0
            assert (await ada.closed())[0] == CloseCode.SERVICE_RESTART
        missed = await witness.say("lobby", "while ada was away")
        async with entered(cluster.two.url, "ada", token("ada"), Since(welcome.epoch, seen.msg_id)) as ada:
            assert [message.msg_id for message in ada.echo.messages] == [missed.msg_id]
            cluster.restart(0)
            async with entered(cluster.one.url, "bob") as bob:
                assert here(bob, "ada")
                await bob.say("@ada", "psst")
                await ada.next(Message, says("psst"))
        assert not [frame for frame in witness.seen if isinstance(frame, Presence) and gone("ada")(frame)][1:]


async def test_a_message_in_flight_when_its_node_is_killed_is_stored_once_by_the_other_node(cluster: Cluster) -> None:
    async with entered(cluster.two.url, "carl") as carl:
        async with connected(cluster.one.url) as (dina, welcome):
            await dina.login("dina", token("dina"))
            await meet(carl, "dina")
            nonces = [await dina.say_only("lobby", f"in flight {number}") for number in range(20)]
            cluster.one.kill()
        async with connected(cluster.two.url) as (dina, _):
            await dina.login("dina", token("dina"), Since(welcome.epoch, 0))
            for number, nonce in enumerate(nonces):
                text = f'{{"action":"message","channel":"lobby","message":"in flight {number}","nonce":"{nonce}"}}'
                await dina.send_text(text)
            await dina.next(Message, lambda message: message.nonce == nonces[-1])
            await carl.next(Message, says("in flight 19"))
            flown = [each.message for each in await carl.messages() if each.message.startswith("in flight")]
            assert sorted(flown) == sorted(f"in flight {number}" for number in range(20))
            assert not await left(carl, "dina")
        cluster.restart(0)


@pytest.mark.slow
async def test_people_of_a_killed_node_leave_after_a_time_without_heartbeats(cluster: Cluster) -> None:
    async with entered(cluster.two.url, "eli") as eli, entered(cluster.one.url, "fay", token("fay")):
        await meet(eli, "fay")
        cluster.one.kill()
        await eli.next(Presence, gone("fay"))
        async with entered(cluster.two.url, "gus") as gus:
            assert not here(gus, "fay")
    cluster.restart(0)


@pytest.mark.slow
async def test_a_node_suspended_for_too_long_disconnects_its_clients_and_exits(cluster: Cluster) -> None:
    async with entered(cluster.two.url, "hal") as hal, entered(cluster.one.url, "ida", token("ida")) as ida:
        await meet(hal, "ida")
        cluster.one.process.send_signal(signal.SIGSTOP)
        await hal.next(Presence, gone("ida"))
        await ida.say_only("lobby", "written meanwhile")
        cluster.one.process.send_signal(signal.SIGCONT)
        assert (await ida.closed())[0] == CloseCode.SERVICE_RESTART
        # The service manager starts it again.
        assert await asyncio.to_thread(cluster.one.process.wait, END_SECONDS) == 1
        await hal.say("lobby", "marker")
        assert "written meanwhile" not in [each.message for each in await hal.messages()]
    cluster.restart(0)
