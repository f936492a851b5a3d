"""A client that one test has used is like a new one to the next test."""

from tests.support.pilots import app_of, client, screen_text, until, until_on, until_seen
from tests.support.scripted_server import line
from tests.support.typing import type_at_once
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.widgets.composer import Composer


async def test_client_that_was_used_looks_and_behaves_like_a_new_one() -> None:
    async with client() as (pilot, _):
        used = app_of(pilot)
        shown = screen_text(used)
    async with client(size=(80, 24)) as (pilot, server):
        await pilot.press(*"sent", "enter", "alt+2", *"a draft", "up", "m", "p")
        server.send(line(9, "bob", "more", "galley"), line(10, "bob", "and more", "@bob"))
        await until(pilot, lambda: used.state.last_seen == 10, "what was said")
        await pilot.press("alt+1", "up", "p")
        await until(pilot, lambda: used.state.profile is not None, "a profile")
        used.theme = "flagpost-light"
        await pilot.press("ctrl+k")
        await until_on(pilot, Picker)
    async with client() as (pilot, server):
        assert app_of(pilot) is used
        assert screen_text(used) == shown
        assert isinstance(used.focused, Composer)
        assert used.theme == "flagpost-dark"
        await pilot.press("ctrl+up", "alt+left")
        assert used.state.current == "lobby"
        await pilot.press("alt+2")
        await until_seen(pilot, "# Galley")
        assert (used.room.composer.text, used.state.drafts, server.acts) == ("", {}, [])


async def test_letter_that_waited_for_another_at_the_end_of_a_test_is_gone() -> None:
    async with client() as (pilot, _):
        await pilot.press("up")
        type_at_once(pilot, "r")
        await pilot.pause()
    async with client() as (pilot, _):
        type_at_once(pilot, "next")
        composer = app_of(pilot).room.composer
        await until(pilot, lambda: composer.text.endswith("next"), "what is typed")
        assert composer.text == "next"
