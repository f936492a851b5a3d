"""Messages of a room on two nodes: one order, whatever happens to them, reports, and resuming on the other node."""

import asyncio

import httpx

from server.protocol.codes import ReportState
from server.protocol.frames import (
    Edit,
    Edited,
    HistoryRequest,
    Message,
    Presence,
    React,
    Reacted,
    Reaction,
    Read,
    SearchRequest,
    SearchResults,
    Since,
    Takeback,
)
from tests.support.chat_client import ChatClient, connected, entered, says
from tests.support.client_queries import gone, history, meet
from tests.support.cluster import Cluster
from tests.support.reporting import ask_report, told
from tests.support.server_process import KEY

EACH = 25


def token(name: str) -> str:
    """Return the secret of a person's client."""
    return f"the secret of {name}'s client"


async def heard(client: ChatClient, channel: str) -> list[int]:
    """Return the numbers of a channel's messages in the order in which they arrived."""
    return [message.msg_id for message in await client.messages() if message.channel == channel]


async def test_messages_of_both_nodes_have_one_order_everywhere(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "ada") as ada, entered(cluster.two.url, "bob") as bob:

        async def talk(client: ChatClient, name: str) -> None:
            for number in range(EACH):
                await client.say_only("lobby", f"{name} {number}")

        await asyncio.gather(talk(ada, "ada"), talk(bob, "bob"))
        for client in (ada, bob):
            for name in ("ada", "bob"):
                await client.next(Message, says(f"{name} {EACH - 1}"))
        numbers = await heard(ada, "lobby")
        assert len(numbers) == 2 * EACH
        assert numbers == sorted(numbers) == await heard(bob, "lobby")
        for name in ("ada", "bob"):
            own = [each.message for each in await ada.messages() if each.username == name]
            assert own == [f"{name} {number}" for number in range(EACH)]


async def test_a_conversation_across_nodes_reaches_only_its_two_people(cluster: Cluster) -> None:
    async with (
        entered(cluster.one.url, "cleo", token("cleo")) as cleo,
        entered(cluster.two.url, "dan", token("dan")) as dan,
        entered(cluster.two.url, "eve") as eve,
    ):
        await meet(cleo, "dan")
        await meet(dan, "cleo")
        first = await cleo.say("@dan", "psst")
        assert (await dan.next(Message, says("psst"))).msg_id == first.msg_id
        await dan.say("@cleo", "what?")
        await cleo.next(Message, says("what?"))
        for client, channel in ((cleo, "@dan"), (dan, "@cleo")):
            assert [each.message for each in await history(client, channel)] == ["psst", "what?"]
        assert not [each for each in await eve.messages() if each.channel.startswith("@")]


async def test_reactions_edits_and_deletions_reach_the_other_node(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "fred") as fred, entered(cluster.two.url, "gail") as gail:
        said = await fred.say("tea", "a tyop about marmalade")
        await gail.next(Message, says(said.message))
        await gail.send(React(said.msg_id, "👻"))
        assert await fred.next(Reacted) == Reacted(said.msg_id, "gail", "👻")
        await fred.send(Edit(said.msg_id, "a typo about marmalade"))
        assert await gail.next(Edited) == Edited(said.msg_id, "a typo about marmalade")
        shown = (await history(gail, "tea"))[-1]
        assert (shown.message, shown.edited, shown.reactions) == (
            "a typo about marmalade",
            True,
            [Reaction("👻", ["gail"])],
        )
        await gail.send(SearchRequest("typo marmalade", "search"))
        assert [each.msg_id for each in (await gail.next(SearchResults)).messages] == [said.msg_id]
        await fred.send(Takeback(said.msg_id))
        assert await gail.next(Takeback) == Takeback(said.msg_id)
        assert (await history(gail, "tea"))[-1].taken_back


async def test_a_client_resumes_on_the_other_node_without_a_gap(cluster: Cluster) -> None:
    async with entered(cluster.two.url, "hugo") as hugo:
        async with connected(cluster.one.url) as (ivy, welcome):
            await ivy.login("ivy", token("ivy"))
            await meet(hugo, "ivy")
            seen = await ivy.say("tea", "seen by ivy")
        await hugo.next(Presence, gone("ivy"))
        missed = [await hugo.say("tea", f"missed {number}") for number in range(3)]
        missed.append(await hugo.say("@ivy", "missed, too"))
        async with connected(cluster.two.url) as (ivy, there):
            assert there.epoch == welcome.epoch
            assert there.server == welcome.server
            await ivy.login("ivy", token("ivy"), Since(welcome.epoch, seen.msg_id))
            assert ivy.echo.recovered
            assert [each.msg_id for each in ivy.echo.messages] == [each.msg_id for each in missed]


async def test_a_message_that_is_sent_again_on_the_other_node_is_stored_once(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "jill", token("jill")) as jill:
        nonce = await jill.say_only("tea", "only once")
        first = await jill.next(Message, lambda message: message.nonce == nonce)
    async with entered(cluster.two.url, "jill", token("jill")) as jill:
        await jill.send_text(f'{{"action":"message","channel":"tea","message":"only once","nonce":"{nonce}"}}')
        again = await jill.next(Message, lambda message: message.nonce == nonce)
        assert again.msg_id == first.msg_id
        await jill.send(HistoryRequest("tea", "page"))
        assert [each.message for each in await history(jill, "tea")].count("only once") == 1


async def test_a_read_marker_reaches_the_session_on_the_other_node(cluster: Cluster) -> None:
    async with (
        entered(cluster.one.url, "karl", token("karl")) as one,
        entered(cluster.two.url, "karl at work", token("karl")) as two,
        entered(cluster.two.url, "lena") as lena,
    ):
        said = await lena.say("tea", "for karl")
        await one.next(Message, says("for karl"))
        await one.send(Read("tea", said.msg_id))
        assert await two.next(Read) == Read("tea", said.msg_id)


async def test_a_reporter_on_the_other_node_is_notified(cluster: Cluster) -> None:
    async with entered(cluster.one.url, "mara", token("mara")) as mara, entered(cluster.two.url, "nick") as nick:
        spam = await nick.say("tea", "buy my stuff")
        await mara.next(Message, says("buy my stuff"))
        report = await ask_report(mara, spam.msg_id)
        await told(mara, report.report_id, ReportState.DELIVERED)
        # The site calls the node on which the reporter is not, and which did not deliver the report.
        async with entered(cluster.two.url, "mara at work", token("mara")) as second:
            for node, status in ((cluster.two, ReportState.SEEN), (cluster.one, ReportState.RESOLVED)):
                body = {"APIKey": KEY, "ReportID": report.report_id, "Status": status, "Note": ""}
                async with httpx.AsyncClient(trust_env=False) as site:
                    answer = await site.post(f"{node.http_url}/api/report/status", json=body)
                assert answer.status_code == 200
                for client in (mara, second):
                    await told(client, report.report_id, status)
    assert len(cluster.receiver.requests) == 1
