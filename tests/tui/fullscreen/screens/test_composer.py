"""The composer: drafts, completion, the limit, pasting, and typing notices."""

import asyncio
from datetime import timedelta

import pytest
from textual import events

from server.protocol.frames import Echo, Say, Typing
from tests.support.pilots import app_of, case, client, screen_text, until, until_said, until_seen
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, confirming, line
from tests.support.typing import type_at_once
from tui.client.fold import fold_frame
from tui.client.state import TYPING_SHOWN
from tui.fullscreen.widgets.composer import Composer


async def test_each_channel_has_a_draft_of_its_own() -> None:
    async with client() as (pilot, server):
        composer = pilot.app.screen.query_one(Composer)
        await pilot.press(*"one", "alt+2")
        await until(pilot, lambda: not composer.text, "an empty composer")
        await pilot.press(*"two", "alt+1")
        await until(pilot, lambda: composer.text == "one", "the draft")
        await pilot.press("!", "enter", "alt+2")
        await until(pilot, lambda: composer.text == "two", "the other draft")
        said = await until_said(pilot, server)
        assert (said.channel, said.message) == ("lobby", "one!")


@pytest.mark.parametrize(("saved", "written", "text"), [("h", "hi", "hi"), ("before", "since", "before\nsince")])
async def test_a_restored_draft_is_above_what_was_written_since_and_not_repeated(
    saved: str, written: str, text: str
) -> None:
    async with client() as (pilot, _):
        composer = app_of(pilot).room.composer
        composer.text = written
        composer.restore({"lobby": saved})
        assert composer.text == text


COMPLETED = {"hi @bo": "hi @bob ", "#g": "#Galley ", "bo": "bob: ", "/msg in": "/msg Inés ⚓ "}


async def test_tab_completes_names_and_channels() -> None:
    async with client() as (pilot, _):
        composer = app_of(pilot).room.composer
        for typed, text in COMPLETED.items():
            with case(typed):
                composer.text = ""
                type_at_once(pilot, typed, "\t")
                await until(pilot, lambda: composer.text == text, "completed")  # noqa: B023 - awaited here
                assert composer.has_focus


async def test_tab_never_leaves_a_composer_with_text() -> None:
    async with client() as (pilot, server):
        composer = app_of(pilot).room.composer
        for text in ("xy", "thanks xy", "no /st", "hey (@xy", " "):
            with case(text):
                server.received.clear()
                type_at_once(pilot, text)
                await pilot.press("tab")
                assert composer.has_focus
                type_at_once(pilot, ": maybe tomorrow\r")
                assert (await until_said(pilot, server)).message == f"{text}: maybe tomorrow"
        await pilot.press("tab")
        await until(pilot, lambda: not composer.has_focus, "the next part, as the composer is empty")


async def test_a_quotation_without_a_reply_is_not_sent() -> None:
    async with client() as (pilot, server):
        composer = pilot.app.screen.query_one(Composer)
        await pilot.press("up", "enter", "enter")
        await until_seen(pilot, "Not sent: this is only a quotation.")
        assert composer.text == "> bob» buy my stuff\n"
        await pilot.press(*"no", "enter")
        assert (await until_said(pilot, server)).message == "> bob» buy my stuff\nno"


async def test_messages_can_be_scrolled_while_writing() -> None:
    many = Echo([line(number, "bob", f"words {number}") for number in range(1, 100)])
    async with client(ScriptedServer(opening=(PEOPLE, many)), (80, 24)) as (pilot, _):
        await pilot.press(*"half a", "pageup", "pageup")
        await until(pilot, lambda: "words 99" not in screen_text(app_of(pilot)), "scrolled up")
        await pilot.press(*" sentence", "pagedown", "pagedown")
        await until_seen(pilot, "words 99")
        assert pilot.app.screen.query_one(Composer).text == "half a sentence"


async def test_characters_are_counted_near_the_limit() -> None:
    async with client() as (pilot, _):
        composer = pilot.app.screen.query_one(Composer)
        composer.text = "x" * 3000
        await pilot.pause()
        assert not composer.border_subtitle
        composer.text = "x" * 3999
        await until_seen(pilot, "3999 of 4000")
        composer.text = "x" * 4002
        await until_seen(pilot, "2 too many")


@pytest.mark.parametrize(("answer", "lines"), [("y", 6), ("n", 1)])
async def test_pasting_many_lines_asks_first(answer: str, lines: int) -> None:
    async with client() as (pilot, _):
        composer = pilot.app.screen.query_one(Composer)
        app_of(pilot).post_message(events.Paste("a\n" * 5 + "b"))
        await until_seen(pilot, "Paste 6 lines")
        assert not composer.text
        await pilot.press(answer)
        await until(pilot, lambda: composer.document.line_count == lines, "the answer")
        app_of(pilot).post_message(events.Paste("a\nb"))
        await until(pilot, lambda: composer.document.line_count == lines + 1, "a few lines are not asked about")


async def test_typing_is_sent_every_few_seconds_and_only_in_conversations() -> None:
    async with client() as (pilot, server):
        await pilot.press(*"hi", "ctrl+k", *"bob", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "@bob", "the conversation")
        await pilot.press(*"abc")
        await until(pilot, lambda: bool(server.sent(Typing)), "typing")
        await pilot.pause()
        assert server.sent(Typing) == [Typing("@bob")]


async def test_typing_is_shown_beside_a_name_for_some_seconds() -> None:
    talk = Echo([line(1, "bob", "hello", "@bob")])
    async with client(ScriptedServer(opening=(PEOPLE, talk))) as (pilot, server):
        state = app_of(pilot).state
        assert state.timelines["@bob"].unread == 1
        await pilot.press("alt+a")
        server.send(Typing("@bob"))
        await until_seen(pilot, "is typing…")
        before = state.now
        state.now = lambda: before() + TYPING_SHOWN + timedelta(seconds=1)
        app_of(pilot).redraw()
        await until(pilot, lambda: "is typing…" not in screen_text(app_of(pilot)), "silence")
        state.now = before
        server.send(Typing("@bob"))
        await until_seen(pilot, "is typing…")
        server.send(line(2, "bob", "done", "@bob"))
        await until(pilot, lambda: "is typing…" not in screen_text(app_of(pilot)), "the message instead")


async def test_a_draft_stays_when_the_server_spells_the_name_differently() -> None:
    async with client() as (pilot, server):
        composer = pilot.app.screen.query_one(Composer)
        await pilot.press(*"/msg Zoe", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "@Zoe", "the conversation")
        await pilot.press(*"half a")
        server.send(line(2, "zoe", "hello", "@zoe"))
        await until(pilot, lambda: app_of(pilot).state.current == "@zoe", "the other spelling")
        await pilot.press(*" word :+1:", "enter")
        said = await until_said(pilot, server)
        assert (said.channel, said.message) == ("@zoe", "half a word 👍")
        assert not composer.text


@pytest.mark.parametrize("text_is", ["hidden", "sent", "in an editor"])
async def test_no_text_is_lost_when_the_server_spells_the_name_differently_meanwhile(text_is: str) -> None:
    async with client() as (pilot, _):
        app, composer = app_of(pilot), pilot.app.screen.query_one(Composer)
        text = "x" * (1 + WELCOME.limits.message_chars)
        edited = asyncio.Event()

        async def edit(text: str) -> str:
            await edited.wait()
            return text

        def look_at(place: str) -> None:
            app.state.look_at(place)
            app.redraw()

        app.room.subjects.writing._edit = edit
        look_at("@Zoe")
        await until(pilot, lambda: composer.place == "@Zoe", "the conversation")
        composer.text = text
        if text_is == "hidden":
            look_at("lobby")
            await until(pilot, lambda: composer.place == "lobby", "the other channel")
            look_at("@Zoe")
        elif text_is == "sent":
            composer.action_send()
        else:
            app.room.subjects.writing.edit(composer.text, composer.place)
            composer.text = ""
        fold_frame(line(4, "zoe", "hello", "@zoe"), app.state)
        app.redraw()
        edited.set()
        await until(pilot, lambda: composer.text == text, "the text")
        await until(pilot, lambda: composer.place == "@zoe", "the other spelling")


@pytest.mark.parametrize("turn", ["alt+2", "ctrl+n"])
async def test_keys_typed_at_once_go_to_the_channel_that_was_open(turn: str) -> None:
    async with client(ScriptedServer(answer=confirming())) as (pilot, server):
        # All at once, as from a fast typist or a slow link: keys that switch the channel overtake the composer's.
        for key in (*"one", "enter", *"left", turn, *"two", "enter", "alt+1"):
            app_of(pilot).post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: len(server.sent(Say)) == 2, "both messages")
        said = [(frame.channel, frame.message) for frame in server.sent(Say) if isinstance(frame, Say)]
        assert said == [("lobby", "one"), ("galley", "two")]
        await until(pilot, lambda: pilot.app.screen.query_one(Composer).text == "left", "the draft of the lobby")
