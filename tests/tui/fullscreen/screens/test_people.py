"""Muting people, deleting the user's own messages, and keeping the identity over a restart."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    Block,
    ClientFrame,
    Echo,
    Error,
    History,
    HistoryRequest,
    Mute,
    Presence,
    Relations,
    Say,
    ServerFrame,
    Takeback,
    Unblock,
    WhoEntry,
)
from tests.support.pilots import app_of, away, client, screen_text, until, until_said, until_seen, until_told
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, line, relating
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer

MINE = Echo([line(1, "bob", "hello"), line(2, "ada", "my words"), line(3, "bob", "bye")])


def taking_back(frame: ClientFrame) -> Sequence[ServerFrame]:
    return [frame] if isinstance(frame, Takeback) else ()


async def test_the_users_own_message_is_deleted_by_a_key_after_confirmation_by_the_server() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE), answer=taking_back)) as (pilot, server):
        await pilot.press("up", "d")
        await pilot.pause()
        assert not server.sent(Takeback)
        await pilot.press("up", "d")
        await until_seen(pilot, "Delete your message “my words” for everyone?")
        assert not server.sent(Takeback)
        await pilot.press("y")
        await until_seen(pilot, "message deleted")
        assert server.sent(Takeback) == [Takeback(2)]
        assert "my words" not in screen_text(app_of(pilot))
        highlighted = pilot.app.screen.query_one(TimelineView).highlighted
        assert highlighted
        assert highlighted.msg_id == 2
        await pilot.press("d")
        await pilot.pause()
        assert len(server.sent(Takeback)) == 1
        server.send(Presence("ada", "", WhoEntry("ada", 1, op=True)))
        await until(pilot, lambda: app_of(pilot).state.is_operator, "the rights of an operator")
        await pilot.press("up", "d")
        await until_seen(pilot, "Delete the message “hello” from “bob” for everyone?")


async def test_message_cannot_be_deleted_offline() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE))) as (pilot, server):
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).client.online, "offline")
        await pilot.press("up", "up", "d")
        await until_told(pilot, "You are offline.")
        assert "my words" in screen_text(app_of(pilot))


async def test_key_opens_a_conversation_with_the_author() -> None:
    async with client() as (pilot, _):
        await pilot.press("up", "w")
        await until(pilot, lambda: app_of(pilot).state.current == "@bob", "the conversation")


async def test_messages_of_a_muted_person_are_hidden_until_unmuted() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "m")
        await until_told(pilot, "“bob” is muted")
        shown = screen_text(app_of(pilot))
        assert "buy my stuff" not in shown
        assert "Good morning" not in shown
        view = pilot.app.screen.query_one(TimelineView)
        assert view.highlighted
        assert view.highlighted.author == "Inés ⚓"
        server.send(line(10, "bob", "more", "galley"), line(11, "bob", "and more"))
        await until(pilot, lambda: app_of(pilot).state.last_seen == 11, "more")
        assert app_of(pilot).state.timelines["galley"].unread == 0
        assert "and more" not in screen_text(app_of(pilot))
        assert "muted" in next(row for row in screen_text(app_of(pilot)).split("\n") if "bob  " in row[90:])
        await pilot.press("ctrl+o", "down", "m")
        await until_seen(pilot, "and more")
        await until_seen(pilot, "buy my stuff")


async def test_muted_person_who_left_can_be_unmuted() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "m")
        server.send(Presence("bob", "has exited the room!"))
        await until_seen(pilot, "PEOPLE  2")
        await pilot.press("ctrl+o", "down", "down", "m")
        await until_seen(pilot, "buy my stuff")


async def test_unmuting_loads_messages_missed_meanwhile() -> None:
    def history(frame: ClientFrame) -> Sequence[ServerFrame]:
        if isinstance(frame, HistoryRequest) and frame.channel == "lobby":
            return [History("lobby", [line(9, "bob", "said meanwhile")], more=False, nonce=frame.nonce)]
        return relate(frame)

    relate = relating()
    async with client(ScriptedServer(answer=history)) as (pilot, _):
        await pilot.press("up", "m")
        await until_told(pilot, "“bob” is muted")
        await pilot.press("ctrl+o", "down", "m")
        await until_seen(pilot, "said meanwhile")


@pytest.mark.parametrize("answer", ["n", "y"])
async def test_blocking_asks_first_and_unblocking_does_not(answer: str) -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+o", "down", "b")
        await until_seen(pilot, "Block “bob”?")
        await pilot.press(answer)
        if answer == "n":
            await pilot.pause()
            assert not server.sent(Block)
            return
        await until_told(pilot, "“bob” is blocked")
        assert "buy my stuff" not in screen_text(app_of(pilot))
        await until_seen(pilot, "blocked")
        await pilot.press("b")
        await until_seen(pilot, "buy my stuff")
        assert server.sent(Unblock) == [Unblock("bob")]


@pytest.mark.parametrize(
    ("keys", "asked", "answer"),
    [
        (("up", "up", "d"), "Delete your message", "y"),
        (("up", "up", "e"), "thumbs up", "enter"),
        (("ctrl+o", "down", "b"), "Block “bob”?", "y"),
    ],
    ids=["delete", "react", "block"],
)
async def test_an_action_confirmed_offline_is_not_done_and_a_notice_says_so(
    keys: Sequence[str], asked: str, answer: str
) -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE))) as (pilot, server):
        await pilot.press(*keys)
        await until_seen(pilot, asked)
        async with away(pilot, server):
            await pilot.press(answer)
            await until_told(pilot, "You are offline.")
        assert server.acts == []


@pytest.mark.parametrize(
    ("keys", "asked", "answer"),
    [
        (("up", "up", "d"), "Delete your message", "y"),
        (("up", "up", "e"), "thumbs up", "enter"),
        (("up", "up", "c"), "Edit your message", "enter"),
    ],
    ids=["delete", "react", "edit"],
)
async def test_an_action_confirmed_after_a_new_numbering_changes_no_other_message(
    keys: Sequence[str], asked: str, answer: str
) -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE))) as (pilot, server):
        await pilot.press(*keys)
        await until_seen(pilot, asked)
        if asked.startswith("Edit"):
            await pilot.press(*"!!")
        server.send(structs.replace(WELCOME, epoch="e2"), line(2, "ada", "something else"))
        await until(pilot, lambda: app_of(pilot).state.last_seen == 2, "the new numbering")
        await pilot.press(answer)
        await until_told(pilot, "That message no longer exists.")
        assert server.acts == []
        if asked.startswith("Edit"):
            assert app_of(pilot).screen.query_one(Composer).text == "my words!!"


async def test_a_person_whom_another_client_of_the_user_has_blocked_meanwhile_stays_blocked() -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+o", "down", "b")
        await until_seen(pilot, "Block “bob”?")
        server.send(Relations([], ["bob"]))
        await until(pilot, lambda: bool(app_of(pilot).state.relations.blocked), "blocked")
        await pilot.press("y")
        await until(pilot, lambda: not app_of(pilot)._typeahead._works, "the end of the question")
        # What the client sends is received in order.
        await pilot.press("escape", *"hello", "enter")
        said = await until_said(pilot, server)
        assert server.acts == [said]


async def test_list_shows_the_status_of_people() -> None:
    async with client() as (pilot, server):
        server.send(Presence("bob", "", WhoEntry("bob", 2, "away")))
        await until_seen(pilot, "away")
        server.send(Presence("bob", "", WhoEntry("bob", 2, "at the pier", dnd=True)))
        await until_seen(pilot, "at the pier")
        assert "busy" in screen_text(app_of(pilot))
        assert "away" not in screen_text(app_of(pilot))


async def test_user_cannot_mute_or_block_themselves() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE))) as (pilot, server):
        await pilot.press("up", "up", "m", "ctrl+o", "m", "b")
        await pilot.pause()
        assert not server.sent(Mute)
        assert not server.sent(Block)


async def test_muting_the_only_author_returns_the_focus_to_the_composer() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, Echo([line(1, "bob", "hello")])))) as (pilot, _):
        await pilot.press("up", "m")
        await until_told(pilot, "“bob” is muted")
        await pilot.pause()
        assert isinstance(pilot.app.screen.focused, Composer)


async def test_palette_opens_channels_and_has_none_of_textuals_commands() -> None:
    async with client() as (pilot, _):
        await pilot.press("ctrl+g")
        await until_seen(pilot, "Next channel or conversation")
        shown = screen_text(app_of(pilot))
        for foreign in ("Theme", "Screenshot", "Maximize"):
            assert foreign not in shown
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).state.current == "galley", "the next channel")
        assert isinstance(pilot.app.screen, RoomScreen)


async def test_the_palette_can_quit_the_client() -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+g")
        await until_seen(pilot, "Next channel or conversation")
        await pilot.press(*"quit")
        await until(pilot, lambda: "Next channel" not in screen_text(app_of(pilot)), "the list is shorter")
        await pilot.press("enter")
        await until(pilot, lambda: bool(server.closes), "the goodbye")
        assert server.closes == [1000]


async def test_writing_to_a_blocked_person_shows_that_they_are_blocked() -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+o", "down", "b")
        await until_seen(pilot, "Block “bob”?")
        await pilot.press("y")
        await until_told(pilot, "“bob” is blocked")
        await pilot.press("escape", *"/msg bob hello", "enter")
        await until_told(pilot, "You have blocked “bob”, so neither of you can write to the other. Undo: /block bob")
        assert app_of(pilot).screen.query_one(Composer).text == "/msg bob hello"
        assert not server.sent(Say)
