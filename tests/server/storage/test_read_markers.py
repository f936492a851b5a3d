"""What each person has read: markers, the list of places with unread messages, and pages in both directions."""

from functools import partial

import pytest

from server.protocol.frames import MAX_UNREAD
from server.rules.messages import EVERYWHERE, MessageDraft, Person
from server.storage import history, messages, read_markers
from server.storage.base import Marker, Page, Reader
from server.storage.history import Span
from server.storage.people import store_joined
from server.storage.sql import SqlConnection

ALICE, BOB, CAROL = Person("alice", "a-1"), Person("Bob", "b-1"), Person("carol", "c-1")
CHANNELS = ["lobby", "tea"]


@pytest.fixture(autouse=True)
def _visits(connection: SqlConnection) -> None:
    for person in (ALICE, BOB, CAROL):
        store_joined(person, 1, connection)


def say(connection: SqlConnection, author: Person, to: str | Person, text: str = "x") -> int:
    """Store a message; return its number."""
    channel, peer = (to, None) if isinstance(to, str) else ("", to)
    return messages.insert(MessageDraft(author, channel, peer, text, None), 1, connection).publication.msg_id


def places(connection: SqlConnection, person: Person = ALICE, *hidden: str) -> dict[str, tuple[int, int, int, int]]:
    """Return last message, marker, unread messages and mentions of each place, by its channel."""
    found = read_markers.places(Reader(person, CHANNELS, hidden), history.NEWEST, connection)
    return {each.channel: (each.last_id, each.read_id, each.unread, each.mentions) for each in found}


def test_unread_messages_and_mentions_of_others_are_counted_from_the_marker(connection: SqlConnection) -> None:
    first = say(connection, BOB, "lobby", "hello")
    say(connection, BOB, "lobby", "is Alice here?")
    say(connection, ALICE, "lobby", "alice is here")
    last = say(connection, BOB, "lobby", "malice")
    assert places(connection) == {"lobby": (last, 0, 3, 1)}
    read_markers.update(ALICE.identity, Marker("lobby", first), connection)
    assert places(connection) == {"lobby": (last, first, 2, 1)}
    read_markers.update(ALICE.identity, Marker("lobby", last), connection)
    assert places(connection) == {"lobby": (last, last, 0, 0)}


def test_messages_from_before_a_person_first_joined_count_as_read(connection: SqlConnection) -> None:
    before = say(connection, BOB, "lobby")
    dave = Person("dave", "d-1")
    store_joined(dave, 1, connection)
    assert places(connection, dave) == {"lobby": (before, before, 0, 0)}
    after = say(connection, BOB, "lobby", "dave!")
    store_joined(dave, 2, connection)
    assert places(connection, dave) == {"lobby": (after, before, 1, 1)}


def test_conversations_are_listed_for_both_people_the_latest_first(connection: SqlConnection) -> None:
    one = say(connection, BOB, ALICE)
    two = say(connection, ALICE, CAROL)
    assert list(places(connection)) == ["@carol", "@Bob"]
    assert places(connection) == {"@carol": (two, 0, 0, 0), "@Bob": (one, 0, 1, 0)}
    assert places(connection, CAROL) == {"@alice": (two, 0, 1, 0)}
    assert places(connection, Person("dave", "d-1")) == {}


def test_a_marker_only_moves_forward_and_up_to_a_message_that_exists(connection: SqlConnection) -> None:
    numbers = [say(connection, BOB, ALICE) for _ in range(3)]
    mark = partial(read_markers.update, ALICE.identity, connection=connection)
    assert mark(Marker("@bob", 2**63 - 1)) == Marker("@bob", numbers[2])
    assert mark(Marker("@bob", numbers[0])) is None
    assert mark(Marker("@BOB", 2**63 - 1)) is None, "the same conversation"
    assert mark(Marker("@carol", 2**63 - 1)) is None, "there is none, so nothing is stored"
    assert connection.execute("SELECT count(*) FROM read_marker").fetchone() == (1,)
    later = say(connection, BOB, ALICE)
    assert places(connection) == {"@Bob": (later, numbers[2], 1, 0)}


def test_a_closed_conversation_is_listed_again_after_a_later_message(connection: SqlConnection) -> None:
    number = say(connection, BOB, ALICE)
    read_markers.update(ALICE.identity, Marker("@Bob", number, closed=True), connection)
    assert places(connection) == {}
    later = say(connection, ALICE, BOB)
    assert places(connection) == {"@Bob": (later, number, 0, 0)}


def test_deleted_messages_and_those_of_hidden_people_are_not_unread(connection: SqlConnection) -> None:
    deleted = say(connection, BOB, "lobby", "alice")
    messages.take_back(deleted, BOB, EVERYWHERE, 2, connection)
    hidden = say(connection, CAROL, "lobby", "alice")
    say(connection, CAROL, ALICE)
    assert places(connection, ALICE, CAROL.identity) == {"lobby": (hidden, 0, 0, 0)}


def test_messages_that_are_delivered_after_the_login_are_not_counted(connection: SqlConnection) -> None:
    before = say(connection, BOB, "lobby")
    say(connection, BOB, ALICE)
    later = say(connection, BOB, "lobby", "alice")
    say(connection, BOB, ALICE)
    found = read_markers.places(Reader(ALICE, CHANNELS), later, connection)
    assert [(each.channel, each.last_id, each.unread, each.mentions) for each in found] == [
        ("lobby", before, 1, 0),
        ("@Bob", before + 1, 1, 0),
    ]


def test_unread_messages_are_counted_up_to_a_limit(connection: SqlConnection) -> None:
    for _ in range(MAX_UNREAD + 50):
        say(connection, BOB, "lobby", "alice")
        say(connection, BOB, ALICE)
    found = {each.channel: each for each in read_markers.places(Reader(ALICE, CHANNELS), history.NEWEST, connection)}
    assert found["lobby"].unread == found["@Bob"].unread == MAX_UNREAD
    assert found["lobby"].mentions == MAX_UNREAD + 50


@pytest.mark.parametrize("to", ["lobby", BOB], ids=["channel", "conversation"])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_place_is_read_forward_and_backward_without_gaps_or_duplicates(
    connection: SqlConnection, to: str | Person, limit: int
) -> None:
    """One side of the conversation writes more, and its texts fill pages."""
    numbers = [
        say(connection, BOB, "lobby" if to == "lobby" else ALICE, "x" * 4000)
        if number % 3
        else say(connection, ALICE, to, "short")
        for number in range(150)
    ]

    def span(span: Span) -> Page:
        if isinstance(to, str):
            return history.span_page(
                Reader(ALICE, ["lobby", "tea"]), history.IN_CHANNEL, (to,), span, limit, connection
            )
        return history.conversation_span(Reader(ALICE, ["lobby", "tea"]), to.name, span, limit, connection)

    forward: list[int] = []
    after, more = numbers[9], True
    while more:
        found = span(Span(after, numbers[-5], forward=True))
        forward += [each.msg_id for each in found.publications]
        after, more = forward[-1], found.more
    assert forward == numbers[10:-5]
    backward: list[int] = []
    before, more = numbers[-5], True
    while more:
        found = span(Span(numbers[9], before))
        backward = [each.msg_id for each in found.publications] + backward
        before, more = backward[0], found.more
    assert backward == forward
