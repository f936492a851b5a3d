"""The list of keys, and the keys that copy."""

import pytest

from tests.support.pilots import app_of, client, until, until_seen
from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.report import ReportForm


@pytest.mark.parametrize(
    ("way", "back"), [(["f1"], "f1"), (["up", "question_mark"], "escape"), (["f1"], "question_mark")]
)
async def test_all_keys_are_a_key_away(way: list[str], back: str) -> None:
    async with client() as (pilot, _):
        await pilot.press(*way)
        await until_seen(pilot, "Next channel or conversation")
        await pilot.press("end")
        await until_seen(pilot, "In the list of keys")
        await pilot.press(back)
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")


async def test_keys_can_be_looked_up_from_a_form_which_stays() -> None:
    async with client() as (pilot, _):
        await pilot.press("up", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen), "the keys")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")


async def test_a_message_is_copied_as_it_was_written() -> None:
    async with client() as (pilot, _):
        await pilot.press("up", "up", "y")
        await until(pilot, lambda: app_of(pilot).clipboard == "Wind is `NE 4`", "copied")


def test_no_key_means_two_things_in_one_place() -> None:
    for where in Where:
        keys = [each for key in KEYS if key.where is where for each in key.keys.split(",")]
        assert len(keys) == len(set(keys))
