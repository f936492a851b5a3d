"""The newest messages in memory: whatever changes what they show counts as a change."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from server.rules.messages import EVERYWHERE, MessageDraft, Person, Publication
from server.rules.reactions import ReactionChange
from server.rules.refusal import Refusal
from server.storage import edits, history, messages, people, personal_data, retention
from server.storage.base import MAX_PAGE_BYTES, Joined, Reader
from server.storage.retention import DAY_MILLISECONDS, KeptDays
from tests.support.empty_room import Connection
from tests.support.stored_reports import Desk

PEOPLE = [Person("alice", "a-1"), Person("bob", "b-1"), Person("bob", "b-2")]
CHANNELS = ["lobby", "tea"]
WANTED = (("lobby", 3), ("tea", 2))
ANYBODY = Reader(Person("", ""), ())

Shown = tuple[Sequence[Publication], dict[str, int]]


class Store:
    """A database, by default in memory, and everything that was shown at an earlier time."""

    def __init__(self, connection: Connection | None = None) -> None:
        self.connection = Desk(connection=connection).connection
        self.now = 0
        self._shown: dict[tuple[int, int], Shown] = {}

    @property
    def newest(self) -> int:
        return self.joined().read_from

    def joined(self) -> Joined:
        person = Person("newcomer", f"n-{self.now}")
        joined = people.store_joined(person, self.now, self.connection)
        self.connection.execute("DELETE FROM person WHERE identity = ?", (person.identity,))
        return joined

    def check(self) -> None:
        """Compare what is stored with what was shown when the number of changes was the same."""
        changes = self.joined().changes
        for before in range(1, self.newest + 2):
            recent = history.recent(ANYBODY, WANTED, before, self.connection)
            shown = recent.publications, dict(recent.last)
            assert self._shown.setdefault((before, changes), shown) == shown

    def do(self, action: str, msg_id: int, person: Person, channel: str) -> None:
        """Act once; what is not allowed changes nothing."""
        self.now += DAY_MILLISECONDS
        connection, now = self.connection, self.now
        actions: dict[str, Callable[[], object]] = {
            "say": lambda: messages.insert(MessageDraft(person, channel, None, f"text {now}", None), now, connection),
            "whisper": lambda: messages.insert(MessageDraft(person, "", PEOPLE[0], "psst", None), now, connection),
            "edit": lambda: edits.edit(msg_id, person, f"edited {now}", EVERYWHERE, now, connection),
            "delete": lambda: messages.take_back(msg_id, person, EVERYWHERE, now, connection),
            "react": lambda: messages.react(ReactionChange(msg_id, person, "👻", False), EVERYWHERE, now, connection),
            "unreact": lambda: messages.react(ReactionChange(msg_id, person, "👻", True), EVERYWHERE, now, connection),
            "erase": lambda: personal_data.erase(person.identity, now, connection),
            "expire": lambda: retention.sweep(connection, now, KeptDays(2, 2, messages=6)),
        }
        with suppress(Refusal):
            actions[action]()


ACTIONS = st.tuples(
    st.sampled_from(["say", "say", "say", "whisper", "edit", "delete", "react", "unreact", "erase", "expire"]),
    st.integers(1, 12),
    st.sampled_from(PEOPLE),
    st.sampled_from(CHANNELS),
)


@settings(max_examples=40)
@given(st.lists(ACTIONS, min_size=5, max_size=25))
def test_remembered_messages_equal_the_stored_ones(actions: list[tuple[str, int, Person, str]]) -> None:
    store = Store()
    for action in actions:
        store.do(*action)
        store.check()


def test_new_messages_do_not_count_as_changes(connection: Connection) -> None:
    store = Store(connection)
    store.do("say", 0, PEOPLE[0], "lobby")
    before = store.joined().changes
    store.do("say", 0, PEOPLE[1], "lobby")
    assert store.joined().changes == before


def test_each_action_that_changes_how_messages_are_shown_is_a_change(connection: Connection) -> None:
    store = Store(connection)
    for number, action in enumerate(["say", "say", "react", "unreact", "edit", "say", "delete", "erase"]):
        store.do(action, number, PEOPLE[0], "lobby")
        store.check()


def test_the_erased_reaction_of_somebody_without_messages_is_a_change(connection: Connection) -> None:
    store = Store(connection)
    for action, person in (("say", PEOPLE[0]), ("react", PEOPLE[1])):
        store.do(action, 1, person, "lobby")
        store.check()
    store.do("erase", 1, PEOPLE[1], "lobby")
    store.check()


def test_no_more_messages_are_remembered_than_fit_into_a_frame(connection: Connection) -> None:
    wanted = tuple((f"c{number}", 10) for number in range(30))
    for channel, limit in wanted:
        for _ in range(limit):
            messages.insert(MessageDraft(PEOPLE[0], channel, None, "x" * 4_000, None), 0, connection)
    recent = history.recent(ANYBODY, wanted, 301, connection)
    numbers = [one.msg_id for one in recent.publications]
    assert numbers == [*range(301 - len(numbers), 301)]
    assert MAX_PAGE_BYTES - 10_000 < sum(len(one.text) for one in recent.publications) <= MAX_PAGE_BYTES
    assert len(recent.last) == 30
