"""Typing never acts on people, and keys keep their order however fast they come."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from textual import events
from textual.pilot import Pilot

from server.protocol.frames import Block, ClientFrame, Mute, React, ReportRequest, Say, SetStatus, Takeback, Unmute
from tests.support.pilots import app_of, case, client, screen_text, until, until_said, until_seen
from tests.support.scripted_server import ScriptedServer, confirming, line
from tests.support.typing import type_at_once
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.question import Question
from tui.fullscreen.typeahead import SILENCE_SECONDS
from tui.fullscreen.widgets.composer import Composer


class Place(NamedTuple):
    """Where nothing is written: the keys that lead there, and sentences."""

    keys: Sequence[str]
    sentences: Sequence[str]
    """Most begin with a letter that is a command there; the rest with one that is none anywhere."""


PLACES = {
    "message": Place(["up"], [
        "really nice", "maybe tomorrow", "done", "what do you think?", "that is nice", "excellent idea", "you too",
        "/msg x", "? why", "be kind", "x marks it", "письмо", "ρωτώ",
    ]),
    "channels": Place(["shift+tab", "shift+tab"], ["maybe tomorrow", "письмо"]),
    "people": Place(["ctrl+o", "down", "down"], ["maybe tomorrow", "be kind", "письмо"]),
    "reports": Place(["ctrl+r"], ["x marks it", "done"]),
    "mentions": Place(["alt+m"], ["done"]),
    "help": Place(["f1"], ["? why"]),
}  # fmt: skip


def acted(server: ScriptedServer) -> list[ClientFrame]:
    """Return what the server was asked to do by keys."""
    return [
        each
        for each in server.received
        if isinstance(each, Mute | Block | Takeback | React | ReportRequest | SetStatus)
    ]


async def start_over(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.room.composer.text = ""
    app.room.write()
    await until(pilot, lambda: isinstance(app.focused, Composer), "the composer")


@pytest.mark.parametrize("place", PLACES)
async def test_sentence_or_paste_goes_to_the_composer_wherever_the_focus_is(place: str) -> None:
    async with client() as (pilot, server):
        for sentence in PLACES[place].sentences:
            with case(sentence):
                await go_to(pilot, place)
                type_at_once(pilot, sentence)
                await until_written(pilot, sentence)
                await start_over(pilot)
        await go_to(pilot, place)
        pilot.app.post_message(events.Paste("m"))
        type_at_once(pilot, "ore")
        await until_written(pilot, "more")
        assert not acted(server)
        assert app_of(pilot).state.current == "lobby"


async def go_to(pilot: Pilot[None], place: str) -> None:
    app = app_of(pilot)
    await pilot.press(*PLACES[place].keys)
    await until(pilot, lambda: not app.room.composer.has_focus or app.screen is not app.room, place)


async def until_written(pilot: Pilot[None], text: str) -> None:
    composer = app_of(pilot).room.composer
    await until(pilot, lambda: composer.text == text and composer.has_focus, text)


async def test_letter_alone_is_a_command() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "m")
        await until(pilot, lambda: server.sent(Mute) == [Mute("bob")], "muted")


async def test_letter_followed_by_another_key_is_a_command() -> None:
    async with client() as (pilot, _):
        type_at_once(pilot, "up", "r", "\rhe rummages my pockets")
        await until_seen(pilot, "he rummages my pockets")
        assert app_of(pilot).room.composer.text == ""


@pytest.mark.parametrize(
    ("typed", "place"),
    [(("\x0bgalley\r", "soup\r"), "galley"), (("\x0bbob\r", "soup\r"), "@bob"), (("ctrl+n", "soup\r"), "galley")],
)
async def test_text_typed_after_switching_goes_to_the_new_place(typed: Sequence[str], place: str) -> None:
    async with client(ScriptedServer(answer=confirming())) as (pilot, server):
        type_at_once(pilot, *typed, "left over")
        await until(pilot, lambda: app_of(pilot).room.composer.text == "left over", "the rest")
        said = await until_said(pilot, server)
        assert (said.channel, said.message) == (place, "soup")


async def test_text_typed_after_the_key_of_a_picker_or_search_goes_into_it() -> None:
    async with client() as (pilot, server):
        type_at_once(pilot, "\x14at the dentist\r", "next")
        await until(pilot, lambda: server.sent(SetStatus) == [SetStatus("at the dentist")], "the status")
        await until(pilot, lambda: app_of(pilot).room.composer.text == "next", "the rest")
        type_at_once(pilot, "up", "eotter\r")
        await until(pilot, lambda: server.sent(React) == [React(3, "🦦")], "the reaction")
        await start_over(pilot)
        type_at_once(pilot, "\x06rope\r", "\x1b", "after")
        await until(pilot, lambda: app_of(pilot).room.composer.text == "after", "the rest")


async def test_long_paste_and_enter_send_one_message_after_confirmation() -> None:
    lines = "\n".join(f"line {number}" for number in range(7))
    async with client() as (pilot, server):
        type_at_once(pilot, "see this log: ")
        pilot.app.post_message(events.Paste(lines))
        type_at_once(pilot, " - what now?\r")
        await until_seen(pilot, "Paste 7 lines")
        await until_asked(pilot)
        assert not server.sent(Say)
        await pilot.pause(SILENCE_SECONDS)
        await pilot.press("y")
        await until(pilot, lambda: bool(server.sent(Say)), "the message")
        assert [each.message for each in server.sent(Say) if isinstance(each, Say)] == [
            f"see this log: {lines} - what now?"
        ]


async def until_asked(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, Question), "the question")


@pytest.mark.parametrize("sentence", ["/msg ada are you there\r", "yes\r", "no way\r", "\r\r"])
async def test_text_typed_before_a_question_is_asked_does_not_answer_it(sentence: str) -> None:
    async with client() as (pilot, server):
        type_at_once(pilot, "/block bob\r", sentence)
        await until_asked(pilot)
        await pilot.pause()
        assert isinstance(pilot.app.screen, Question)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")
        await until(pilot, lambda: app_of(pilot).room.composer.text == sentence.strip(), "kept, and not sent")
        assert not acted(server)
        assert not server.sent(Say)


async def test_sentence_does_not_answer_a_question_and_enter_cancels() -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+o", "down", "down", "b")
        await until_asked(pilot)
        type_at_once(pilot, "yes please\r")
        await until_seen(pilot, "For your message: yes please")
        await pilot.press("right", "left")
        await pilot.pause(SILENCE_SECONDS)
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).room.composer.text == "yes please", "kept")
        assert not acted(server)


async def test_deleting_a_message_asks_first() -> None:
    async with client() as (pilot, server):
        server.send(line(9, "ada", "of my own"))
        await until_seen(pilot, "of my own")
        await pilot.press("up", "d")
        await until_asked(pilot)
        await until_seen(pilot, "Delete your message “of my own” for everyone?")
        assert not server.sent(Takeback)
        await pilot.press("y")
        await until(pilot, lambda: server.sent(Takeback) == [Takeback(9)], "deleted")


async def test_click_on_a_message_leaves_the_focus_in_the_composer() -> None:
    async with client() as (pilot, server):
        app = app_of(pilot)
        composer, view = app.room.composer, app.room.timeline
        await pilot.press(*"half a ")
        await click_on(pilot, "Wind is")
        assert view.highlighted
        assert view.highlighted.msg_id == 2
        await until_seen(pilot, "half a")
        type_at_once(pilot, "sentence, maybe")
        await until(pilot, lambda: composer.text == "half a sentence, maybe", "the sentence")
        assert not acted(server)
        # The keys for that message are a key away, or another click.
        await pilot.press("up")
        await until(pilot, lambda: app.focused is view, "the message")
        assert view.highlighted.msg_id == 2
        await until_seen(pilot, "Message keys · Esc to write")
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is composer, "the composer")
        await click_on(pilot, "buy my stuff")
        assert app.focused is composer
        assert view.is_marked
        await pilot.press("escape")
        await until(pilot, lambda: not view.is_marked, "no highlight")
        await click_on(pilot, "buy my stuff")
        await pilot.pause(SILENCE_SECONDS)
        await click_on(pilot, "buy my stuff")
        await until(pilot, lambda: app.focused is view, "the message")


async def click_on(pilot: Pilot[None], text: str) -> None:
    rows = screen_text(app_of(pilot)).splitlines()
    y = next(number for number, row in enumerate(rows) if text in row)
    await pilot.click(offset=(rows[y].index(text), y))
    await pilot.pause()


async def test_same_key_undoes_mute_after_the_highlight_moved() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "m")
        await until_seen(pilot, "“bob” is muted. Press m to undo.")
        await until(pilot, lambda: "buy my stuff" not in screen_text(app_of(pilot)), "hidden")
        await pilot.press("m")
        await until_seen(pilot, "buy my stuff")
        assert acted(server) == [Mute("bob")]
        assert server.sent(Unmute) == [Unmute("bob")]
        await pilot.press("up", "m")
        await until(pilot, lambda: len(acted(server)) == 2, "another person, as the highlight was moved")


async def test_ctrl_c_without_a_selection_says_how_to_quit() -> None:
    async with client() as (pilot, _):
        await pilot.press("ctrl+c")
        await until_seen(pilot, "Nothing is selected. Press Ctrl+Q to quit.")


async def test_link_is_opened_only_after_its_whole_address_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    async with client() as (pilot, server):
        server.send(line(9, "bob", "see [your bank](https://evil.example/x) and https://b.example/y"))
        await until_seen(pilot, "your bank")
        await pilot.press("up", "o")
        await until_seen(pilot, "Which link?")
        await pilot.press("enter")
        await until_seen(pilot, "Open https://evil.example/x in your browser?")
        assert app_of(pilot).clipboard == ""
        await pilot.press("right")
        await pilot.pause(SILENCE_SECONDS)
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).clipboard == "https://evil.example/x", "copied, without a browser")


async def test_palette_finds_slash_commands_and_starts_those_that_need_a_name() -> None:
    async with client() as (pilot, _):
        await pilot.press("ctrl+g", *"mute")
        await until_seen(pilot, "/mute NAME")
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).room.composer.text == "/mute ", "the command")
