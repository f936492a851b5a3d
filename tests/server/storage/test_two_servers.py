"""Two servers of one database have the same state in memory, once both have received all events."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import given, settings

from server.rules.messages import EVERYWHERE, Keeping, MessageDraft, Person, Publication
from server.rules.reactions import ReactionChange
from server.rules.refusal import Refusal
from server.rules.relations import Relation
from server.storage.base import StorageError
from server.storage.clock import moment
from server.storage.database import Database
from server.storage.direct_broker import DirectBroker
from server.storage.events import MessageChange
from server.storage.people import People
from server.storage.sqlite_database import SqliteDatabase
from tests.support.second_server import SecondDatabase

ADA, BOB, EVE = Person("ada", "a-1"), Person("bob", "b-1"), Person("Ada", "e-1")
PEOPLE = [ADA, BOB, EVE]
UNSTORABLE = "\ud800"
CATCH_UP = "catch up"
SINCE = 1_800_000_000_000


class Server:
    """What a server has in memory of its database."""

    def __init__(self, database: Database) -> None:
        self.people = People(database)
        self.broker = DirectBroker(database)
        self.delivered: list[MessageChange] = []
        self.broker.subscribe(self.delivered.extend)

    @property
    def stored(self) -> dict[str, object]:
        """Return what a server loads from the database when it starts."""
        relations, reservations = self.people.relations, self.people.reservations
        identities = [each.identity for each in PEOPLE]
        return {
            "relations": [sorted(relations.of(each)) for each in identities],
            "hidden": [{*relations.hidden_to(each)} for each in identities],
            "muted": [{*relations.muted_by(each)} for each in identities],
            "bans": sorted(self.people.current_bans()),
            "held": reservations._held_at,
            "members": {*reservations._members},
        }

    @property
    def memory(self) -> dict[str, object]:
        """Return all that follows from events, so not who is in the room, which each server knows from its sessions."""
        relations, reservations, unkept = self.people.relations, self.people.reservations, self.broker.unkept
        return {
            **self.stored,
            "latest relations": [[*relations.of(each.identity)] for each in PEOPLE],
            "latest bans": self.people.current_bans(),
            "latest names": [*reservations._held_at],
            "latest members": [*reservations._members],
            "known": [*self.people._known.items()],
            "unkept": [*unkept._held.items()],
            "bytes": unkept._bytes,
            "unheard": unkept._unheard,
            "delivered": (self.broker.delivered, self.delivered),
        }


class Step(NamedTuple):
    """An action of somebody on a server, with what it needs; or the second server catches up."""

    action: str
    on_second: bool
    one: Person
    other: Person
    number: int
    text: str

    def relation(self, *, blocked: bool) -> Relation:
        """Return a mute or block by this person."""
        return Relation(self.one.identity, self.other.identity, self.other.name, blocked)

    def draft(self, keeping: Keeping) -> MessageDraft:
        """Return a direct message of this person."""
        return MessageDraft(self.one, "", self.other, self.text, f"n-{self.number}", keeping=keeping)

    def reaction(self, *, remove: bool) -> ReactionChange:
        """Return a reaction of this person."""
        return ReactionChange(self.number, self.one, self.text, remove)


Action = Callable[[Server, Step], object]
WITH_PEOPLE: dict[str, Action] = {
    "mute": lambda server, step: server.people.relate(step.relation(blocked=False)),
    "block": lambda server, step: server.people.relate(step.relation(blocked=True)),
    "mute in vain": lambda server, step: server.people.relate(
        step.relation(blocked=True)._replace(other_name=UNSTORABLE)
    ),
    "end": lambda server, step: server.people.end_relations([step.relation(blocked=False)]),
    "site blocks": lambda server, step: server.people.set_site_blocks(
        step.one.identity, [step.other] * (step.number % 2)
    ),
    "apply": lambda server, step: server.people.apply_site_blocks(step.one.identity),
    "ban": lambda server, step: server.people.ban(step.one, step.number, step.other.name),
    "ban in vain": lambda server, step: server.people.ban(Person(UNSTORABLE, "x-1"), 1, step.other.name),
    "lift": lambda server, step: (ban := server.people.find_ban(step.one.name)) and server.people.lift_ban(ban),
    "join": lambda server, step: server.people.joined(step.one, returns=step.number > 2, member=step.number > 4),
    "join as somebody": lambda server, step: server.people.joined(step.one),
    "leave": lambda server, step: server.people.left(step.one, step.number),
    CATCH_UP: lambda _server, _step: None,
}
WITH_MESSAGES: dict[str, Action] = {
    "say": lambda server, step: server.broker.publish(MessageDraft(step.one, "lobby", None, step.text, None)),
    "pass on": lambda server, step: server.broker.publish(step.draft(Keeping.IN_MEMORY)),
    "wait": lambda server, step: server.broker.publish(step.draft(Keeping.UNTIL_DELIVERED)),
    "deliver": lambda server, step: server.broker.delivered_to(step.one, range(9)),
    "edit": lambda server, step: server.broker.edit(step.number, step.one, step.text, EVERYWHERE),
    "delete": lambda server, step: server.broker.take_back(step.number, step.one, EVERYWHERE),
    "react": lambda server, step: server.broker.react(step.reaction(remove=False), EVERYWHERE),
    "unreact": lambda server, step: server.broker.react(step.reaction(remove=True), EVERYWHERE),
    "clear": lambda server, step: server.broker.clear_direct(step.one.identity),
    CATCH_UP: lambda _server, _step: None,
}
ACTIONS = WITH_PEOPLE | WITH_MESSAGES


def steps(actions: Iterable[str]) -> st.SearchStrategy[list[Step]]:
    """Return sequences of these actions, by and with three people."""
    person = st.sampled_from(PEOPLE)
    text = st.sampled_from(["👻", "⚓", "rope"])
    return st.lists(
        st.builds(Step, st.sampled_from([*actions]), st.booleans(), person, person, st.integers(1, 5), text),
        min_size=12,
    )


class FirstDatabase(SqliteDatabase):
    """A database that is not used by this server alone, so that it hears of what it does itself."""

    node = "first"


async def perform(directory: str, wanted: Sequence[Step]) -> tuple[Server, Server, Server]:
    """Perform the steps on two servers of one database, and let both hear of everything; start a third one then."""
    times = count(SINCE)
    database = FirstDatabase(str(Path(directory) / "room.sqlite"), clock=lambda: moment(next(times)))
    second = SecondDatabase(database)
    servers = Server(database), Server(second)
    running: list[asyncio.Future[object]] = []
    for step in wanted:
        started = ACTIONS[step.action](servers[step.on_second], step)
        if isinstance(started, asyncio.Future):
            running.append(started)
        if step.action == CATCH_UP:
            # What was begun before is committed by now; the second server has heard of it, or does later.
            await database.write(lambda _: None)
            if step.on_second:
                second.catch_up()
    await database.write(lambda _: None)
    while second.behind:
        second.catch_up()
        await asyncio.sleep(0)
    started_later = Server(database)
    await started_later.people.load()
    await database.close()
    outcomes = await asyncio.gather(*running, return_exceptions=True)
    assert {type(each) for each in outcomes if isinstance(each, BaseException)} <= {Refusal, StorageError}
    return *servers, started_later


PASSED_ON = [Step("pass on", False, ADA, BOB, 1, "rope"), Step(CATCH_UP, True, ADA, BOB, 1, "")]
"""Message number 1, which both servers have heard of. What follows happens on both of them at the same time."""


def run(wanted: Sequence[Step]) -> tuple[Server, Server, Server]:
    """Perform the steps with a database of their own."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(perform(directory, wanted))


@settings(max_examples=20)
@given(steps(WITH_PEOPLE))
def test_two_servers_have_the_same_people_in_memory_and_the_same_database(wanted: Sequence[Step]) -> None:
    everyone_leaves = [Step("leave", False, each, each, 1, "") for each in PEOPLE]
    first, second, third = run([*wanted, *everyone_leaves])
    assert second.memory == first.memory
    assert third.stored == first.stored


@settings(max_examples=20)
@given(steps(WITH_MESSAGES))
def test_two_servers_have_the_same_messages_in_memory(wanted: Sequence[Step]) -> None:
    first, second, _ = run([*PASSED_ON, *wanted])
    assert second.memory == first.memory


def held(wanted: Sequence[Step]) -> Publication:
    """Return ada's message on the second server, after these steps."""
    (publication,) = run([*PASSED_ON, *wanted])[1].broker.unkept.find_all([1])
    return publication


def test_simultaneous_reactions_on_two_servers_are_all_in_memory() -> None:
    reactions = held([Step("react", False, ADA, ADA, 1, "⚓"), Step("react", True, BOB, BOB, 1, "⚓")]).reactions
    assert [sorted(each.usernames) for each in reactions] == [["ada", "bob"]]


def test_an_edit_of_a_message_that_another_server_deletes_at_the_same_time_is_dropped() -> None:
    both = [Step("delete", False, ADA, ADA, 1, ""), Step("edit", True, ADA, ADA, 1, "⚓")]
    first, second, _ = run([*PASSED_ON, *both])
    for server in (first, second):
        (publication,) = server.broker.unkept.find_all([1])
        assert (publication.text, publication.taken_back) == ("rope", True)
        assert [(each.edited, each.publication.taken_back) for each in server.delivered] == [
            (False, False),
            (False, True),
        ]


def test_a_waiting_message_is_in_memory_on_all_servers_from_its_delivery_until_it_is_cleared() -> None:
    waiting = [Step("wait", False, ADA, BOB, 1, "rope"), Step("deliver", False, BOB, BOB, 1, "")]
    clear = Step("clear", False, BOB, BOB, 1, "")
    for wanted, texts in ((waiting, ["rope"]), ([*waiting, clear], [])):
        assert [each.text for each in run(wanted)[1].broker.unkept.find_all([1])] == texts
