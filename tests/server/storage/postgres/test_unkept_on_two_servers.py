"""Direct messages that are not kept, on two servers."""

import asyncio

from msgspec.structs import replace

from server.rules.messages import EVERYWHERE, Keeping, MessageDraft, Person
from server.rules.reactions import ReactionChange
from server.storage.direct_broker import DirectBroker
from server.storage.events import MessageChange
from tests.support.postgres_database import ANN, servers, until

BOB = Person("bob", "b-1")
SAID = MessageDraft(ANN, "", BOB, "psst", "n-1", keeping=Keeping.IN_MEMORY)


async def test_each_server_has_an_unkept_message_with_the_changes_made_on_both(url: str) -> None:
    async with servers(url, url) as opened:
        one, other = (DirectBroker(each.database) for each in opened)
        heard: list[MessageChange] = []
        other.subscribe(heard.extend)
        number = (await one.publish(SAID)).publication.msg_id
        await until(lambda: number in other.unkept)
        # Sent again to the other server after the connection was lost.
        assert not (await other.publish(SAID)).fresh
        await other.react(ReactionChange(number, BOB, "👻", remove=False), EVERYWHERE)
        await one.edit(number, ANN, "psst!", EVERYWHERE)
        await until(lambda: len(heard) == 3)
        assert one.unkept.find_all([number]) == other.unkept.find_all([number]) == [one.unkept.latest(number)]
        (held,) = other.unkept.find_all([number])
        assert (held.text, [each.usernames for each in held.reactions]) == ("psst!", [["bob"]])
        assert await opened[0].texts() == []
        await one.clear_direct(BOB.identity)
        await until(lambda: number not in other.unkept)


async def test_a_message_that_is_sent_to_both_servers_at_once_is_delivered_once(url: str) -> None:
    """A client does this if it reconnects elsewhere before that server has heard of what the first one stored."""
    async with servers(url, url) as opened:
        brokers = [DirectBroker(each.database) for each in opened]
        heard: list[list[MessageChange]] = [[], []]
        for broker, changes in zip(brokers, heard, strict=True):
            broker.subscribe(changes.extend)
        await asyncio.gather(*(broker.publish(SAID) for broker in brokers))
        # Events are heard in order.
        last = await brokers[0].publish(replace(SAID, nonce="n-2"))
        await until(lambda: all(broker.delivered == last.publication.msg_id for broker in brokers))
        assert [[each.publication.nonce for each in changes] for changes in heard] == [["n-1", "n-2"]] * 2
        assert heard[0] == heard[1]
