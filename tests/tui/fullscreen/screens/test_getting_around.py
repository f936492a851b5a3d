"""Going to a channel, a conversation or a person by keys."""

import pytest

from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import line
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.picker import Picker


@pytest.mark.parametrize(("keys", "place"), [("alt+2", "galley"), ("alt+down", "galley"), ("alt+9", "lobby")])
async def test_key_opens_a_channel(keys: str, place: str) -> None:
    async with client() as (pilot, _):
        await pilot.press(keys)
        await pilot.pause()
        assert app_of(pilot).state.current == place
        await pilot.press("alt+1")
        assert app_of(pilot).state.current == "lobby"
        await pilot.press("alt+up")
        assert app_of(pilot).state.current == "galley"


async def test_picker_finds_channels_and_people_by_a_few_letters() -> None:
    async with client() as (pilot, server):
        server.send(line(10, "bob", "soup", "galley"))
        await until(pilot, lambda: app_of(pilot).state.timelines["galley"].unread > 0, "it is there")
        await pilot.press("ctrl+k")
        await until_seen(pilot, "1 unread")
        await pilot.press(*"gly")
        await until(pilot, lambda: "@ bob" not in screen_text(app_of(pilot)), "fewer")
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).state.current == "galley", "turned")
        await pilot.press("ctrl+k", *"bo", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "@bob", "the conversation")


async def test_escape_closes_the_picker_without_a_choice() -> None:
    async with client() as (pilot, _):
        await pilot.press("ctrl+k", "down")
        await until(pilot, lambda: isinstance(pilot.app.screen, Picker), "the list")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "back")
        assert app_of(pilot).state.current == "lobby"
