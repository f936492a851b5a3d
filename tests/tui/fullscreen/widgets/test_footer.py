"""The footer shows whole keys, the most important ones, at any width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widget import Widget

from tests.support.pilots import app_of, client, screen_text, until_on, until_seen
from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.widgets.footer import HELP, FooterEntry, KeyFooter, fitting

ENTRIES = [FooterEntry(key.id, key.keys, key.keys[:6], key.label, key.action) for key in KEYS if key.label]


@given(st.lists(st.sampled_from(ENTRIES), unique=True), st.integers(0, 200))
def test_the_keys_that_fit_are_shown_and_the_most_important_are_first(entries: list[FooterEntry], width: int) -> None:
    shown = fitting(entries, width)
    assert sum(each.width for each in shown) <= width
    dropped = [each for each in entries if each not in shown]
    assert all(one.importance < other.importance for one in shown for other in dropped)
    assert (
        not dropped or sum(each.width for each in shown) + min(dropped, key=lambda each: each.importance).width > width
    )


FOCUS = {
    "writing": [],
    "message": ["up"],
    "own message": ["up", "up"],
    "people": ["ctrl+o"],
    "form": ["up", "r"],
    "reports": ["ctrl+r"],
    "settings": ["f2"],
}


@pytest.mark.parametrize("focus", FOCUS)
async def test_no_word_of_the_footer_is_cut(focus: str) -> None:
    async with client(size=(140, 24)) as (pilot, _):
        await pilot.press(*FOCUS[focus])
        await pilot.pause()
        for width in (100, 60, 30):
            await pilot.resize_terminal(width, 24)
            await until_seen(pilot, "Keys")
            footer = pilot.app.screen.query_one(KeyFooter)
            line = screen_text(app_of(pilot)).splitlines()[-1]
            assert all(f"{each.display} {each.label}" in line for each in footer.entries), (width, line)
            assert any(each.id == HELP for each in footer.entries)


async def test_the_report_form_offers_first_what_submits_it() -> None:
    async with client(size=(80, 24)) as (pilot, _):
        await pilot.press("up", "r")
        await until_seen(pilot, "⏎ Comment ^s Submit esc Cancel")
        await pilot.press("enter")
        await until_seen(pilot, "⏎ Submit esc Cancel")


PLACES: dict[str, type[Widget]] = {"Reports": ReportsScreen, "Keys": HelpScreen}


async def test_a_click_presses_the_key_under_it() -> None:
    async with client(size=(120, 24)) as (pilot, _):
        for label, screen in PLACES.items():
            await until_seen(pilot, f" {label}")
            await pilot.click(offset=(_footer(pilot).rindex(label), 23))
            await until_on(pilot, screen)
            await pilot.press("escape")
            await until_on(pilot, RoomScreen)
        await until_seen(pilot, " Keys")
        await pilot.click(offset=(_footer(pilot).rindex("▏") - 1, 23))
        await pilot.pause()
        assert isinstance(pilot.app.screen, RoomScreen)


def _footer(pilot: Pilot[None]) -> str:
    return screen_text(app_of(pilot)).splitlines()[-1]
