"""What a newcomer receives from memory is what is stored, as it is for this reader now."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.handlers.dispatch import Dispatcher
from server.protocol.frames import Block, Echo, Edit, Message, Mute, Places, React, Say, ServerFrame, Takeback
from server.room.session import Session
from server.rules.messages import Person
from server.settings import PublicChannel
from server.storage import personal_data
from server.storage.broker import Broker
from server.storage.sqlite_connection import SqliteConnection
from tests.support.counting_database import CountingDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import UNLIMITED, dispatcher_over, enter, receive, settle

ADA, BOB = "the token of ada", "the token of bob"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(str(tmp_path / "room.sqlite"))
    yield database
    await database.close()


@pytest.fixture
async def dispatcher(database: CountingDatabase) -> Dispatcher:
    return dispatcher_over(Broker(database), database, UNLIMITED)


async def do(dispatcher: Dispatcher, session: Session, *frames: Say | Edit | React | Takeback | Mute | Block) -> None:
    """Send these frames, and wait until they have taken effect."""
    for frame in frames:
        receive(dispatcher, session, frame)
    await dispatcher.people.joined(Person("last", "l-1"))
    await settle(dispatcher)


def caught_up(outlet: RecordingOutlet) -> list[ServerFrame]:
    return [frame for frame in outlet.frames if isinstance(frame, Echo | Places)]


def messages(outlet: RecordingOutlet) -> list[Message]:
    return [message for frame in outlet.frames if isinstance(frame, Echo) for message in frame.messages]


async def test_a_newcomer_receives_from_memory_what_others_read(dispatcher: Dispatcher) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    await do(dispatcher, ada, Say("lobby", "1"), Say("tea", "2"), Say("quiet", "3"), Say("lobby", "4"))
    await do(dispatcher, ada, Takeback(1), Edit(2, "two"), React(4, "👻"))
    _, newcomer = await enter(dispatcher, "eve")
    # Nothing is stored of bob either, but his token does not show that.
    _, other = await enter(dispatcher, "bob", BOB)
    assert caught_up(newcomer) == caught_up(other)
    assert [(one.message, one.taken_back, one.edited, len(one.reactions)) for one in messages(newcomer)] == [
        ("", True, False, 0),
        ("two", False, True, 0),
        ("4", False, False, 1),
    ]
    assert [place.channel for frame in newcomer.frames if isinstance(frame, Places) for place in frame.places] == [
        "lobby",
        "tea",
        "quiet",
    ]


async def test_people_who_join_together_share_one_read(dispatcher: Dispatcher, database: CountingDatabase) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    await do(dispatcher, ada, Say("lobby", "1"))
    await enter(dispatcher, "eve")
    database.begun.clear()
    for number in range(5):
        _, outlet = await enter(dispatcher, f"eve {number}")
        assert [one.message for one in messages(outlet)] == ["1"]
    assert database.begun == []
    await do(dispatcher, ada, Takeback(1))
    _, outlet = await enter(dispatcher, "mallory")
    assert [one.taken_back for one in messages(outlet)] == [True]
    assert len(database.begun) == 1


async def test_a_message_erased_by_another_process_is_not_remembered(dispatcher: Dispatcher, tmp_path: Path) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    await do(dispatcher, ada, Say("lobby", "my address"))
    _, before = await enter(dispatcher, "eve")
    with closing(sqlite3.connect(tmp_path / "room.sqlite", isolation_level=None, factory=SqliteConnection)) as other:
        personal_data.erase(ada.logged_in_person.identity, 0, other)
    _, after = await enter(dispatcher, "mallory")
    assert [one.message for one in messages(before)] == ["my address"]
    assert [(one.message, one.username) for one in messages(after)] == [("", personal_data.ERASED)]


@pytest.mark.parametrize("hide", [Mute("ada"), Block("ada")], ids=["mute", "block"])
async def test_hidden_messages_are_left_out(dispatcher: Dispatcher, hide: Mute | Block) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    bob, _ = await enter(dispatcher, "bob", BOB)
    await do(dispatcher, ada, Say("lobby", "1"))
    await do(dispatcher, bob, Say("lobby", "2"), hide)
    await enter(dispatcher, "eve")
    _, again = await enter(dispatcher, "bob", BOB)
    assert [one.message for one in messages(again)] == ["2"]


async def test_only_authors_and_people_with_their_names_receive_the_own_field(dispatcher: Dispatcher) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    await do(dispatcher, ada, Say("lobby", "1"))
    _, stranger = await enter(dispatcher, "eve")
    dispatcher.on_close(ada, 1000)
    _, renamed = await enter(dispatcher, "lovelace", ADA)
    dispatcher.people.reservations.days = 0
    _, impostor = await enter(dispatcher, "Ada")
    assert [messages(outlet)[0].own for outlet in (stranger, renamed, impostor)] == [None, True, False]


async def test_changed_settings_apply_to_the_next_login(dispatcher: Dispatcher) -> None:
    ada, _ = await enter(dispatcher, "ada", ADA)
    await do(dispatcher, ada, *(Say("lobby", str(number)) for number in range(3)), Say("tea", "3"))
    _, before = await enter(dispatcher, "eve")
    dispatcher.go_live(replace(dispatcher.live, channels=[PublicChannel("lobby", "Lobby", (), 2)]))
    _, after = await enter(dispatcher, "mallory")
    assert [one.message for one in messages(before)] == ["0", "1", "2", "3"]
    assert [one.message for one in messages(after)] == ["1", "2"]
