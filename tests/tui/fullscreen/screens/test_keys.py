"""The list of keys, and the keys that copy."""

from tests.support.pilots import app_of, client, screen_text, until, until_on, until_seen
from tui.fullscreen.keys.keymap import KEYS, Where
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.report_form import ReportForm
from tui.fullscreen.widgets.footer import KeyFooter


async def test_list_of_keys_has_keys_and_commands_and_closes_with_the_key_that_opened_it() -> None:
    async with client() as (pilot, _):
        await pilot.press("f1")
        await until_seen(pilot, "Next channel or conversation")
        await pilot.press("end")
        await until_seen(pilot, "/unblock NAME")
        await pilot.press("f1")
        await until_on(pilot, RoomScreen)


async def test_the_list_of_keys_opens_over_a_form_and_closes_to_it() -> None:
    async with client() as (pilot, _):
        await pilot.press("up", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen), "the keys")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")


async def test_the_footer_is_drawn_again_only_when_its_keys_change() -> None:
    async with client() as (pilot, _):
        footer = pilot.app.screen.query_one(KeyFooter)
        writing = footer.entries
        pilot.app.screen.refresh_bindings()
        await pilot.pause()
        assert footer.entries is writing
        await pilot.press("up")
        await until(pilot, lambda: "Report" in {each.label for each in footer.entries}, "the keys of a message")


async def test_a_message_is_copied_as_it_was_written() -> None:
    async with client() as (pilot, _):
        await pilot.press("up", "up", "y")
        await until(pilot, lambda: app_of(pilot).clipboard == "Wind is `NE 4`", "copied")


def test_no_place_binds_a_key_twice() -> None:
    for where in Where:
        keys = [each for key in KEYS if key.where is where for each in key.keys.split(",")]
        assert len(keys) == len(set(keys))


async def test_the_footer_shows_the_first_of_several_keys() -> None:
    async with client() as (pilot, _):
        await until_seen(pilot, "^k Go to")
        assert "alt+" not in screen_text(app_of(pilot))
