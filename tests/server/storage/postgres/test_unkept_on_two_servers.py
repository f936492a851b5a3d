"""Direct messages that are not kept, on two servers."""

from server.rules.messages import EVERYWHERE, Keeping, MessageDraft, Person
from server.rules.reactions import ReactionChange
from server.storage.direct_broker import DirectBroker
from server.storage.events import MessageChange
from tests.support.postgres_database import ANN, servers, until

BOB = Person("bob", "b-1")
SAID = MessageDraft(ANN, "", BOB, "psst", "n-1", keeping=Keeping.IN_MEMORY)


async def test_each_server_has_a_message_that_is_not_kept_as_both_have_changed_it(url: str) -> None:
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
