"""Search: finding messages, and going to one, however far up it is."""

from collections.abc import Sequence

import pytest
from textual.widgets import Input

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Error,
    History,
    HistoryRequest,
    Message,
    Places,
    SearchRequest,
    SearchResults,
    ServerFrame,
)
from tests.support.pilots import app_of, client, screen_text, until, until_seen, until_told
from tests.support.scripted_server import OPENING, PEOPLE, ScriptedServer, line
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.search_screen import SearchScreen
from tui.fullscreen.timeline.view import TimelineView

END = 160
"""The galley has the messages from 10 up to this number."""


def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
    """Find messages 40 and 20 in the galley, then 2 in the lobby; serve the galley's history in pages of ten."""
    if isinstance(frame, SearchRequest) and frame.query == "nothing":
        return [SearchResults([], more=False, nonce=frame.nonce)]
    if isinstance(frame, SearchRequest) and frame.before_id:
        return [SearchResults([line(2, "Inés ⚓", "Wind is `NE 4`")], more=False, nonce=frame.nonce)]
    if isinstance(frame, SearchRequest):
        return [SearchResults([said(40), said(20)], more=True, nonce=frame.nonce)]
    if isinstance(frame, HistoryRequest) and frame.after_id is not None:
        first = frame.after_id + 1
        page = [said(number) for number in range(first, min(first + 10, END))]
        return [History(frame.channel, page, more=first + 10 < END, nonce=frame.nonce)]
    if isinstance(frame, HistoryRequest):
        last = (frame.before_id or END) - 1
        page = [said(number) for number in range(max(10, last - 9), last + 1)]
        return [History(frame.channel, page, more=last - 9 > 10, nonce=frame.nonce)]
    return ()


def said(number: int) -> Message:
    return line(number, "bob", f"rope {number}", "galley")


@pytest.mark.parametrize("way", [["ctrl+f"], ["up", "slash"]])
async def test_results_are_listed_newest_first_and_older_ones_load_on_scrolling(way: list[str]) -> None:
    async with client(ScriptedServer(answer=answer)) as (pilot, server):
        await pilot.press(*way)
        await until_seen(pilot, "Type words and press Enter.")
        await pilot.press(*"rope", "enter")
        await until_seen(pilot, "rope 40")
        rows = screen_text(app_of(pilot))
        assert rows.index("rope 40") < rows.index("rope 20")
        assert "# Galley" in rows
        await pilot.press("down")
        await until_seen(pilot, "Wind is")
        await until_seen(pilot, "3 found")
        asked = [frame.before_id for frame in server.sent(SearchRequest) if isinstance(frame, SearchRequest)]
        assert asked == [0, 20]


async def test_enter_opens_a_message_and_loads_only_its_surroundings() -> None:
    script = ScriptedServer(answer=answer, opening=(PEOPLE, OPENING, Places([])))
    async with client(script) as (pilot, server):
        await pilot.press("ctrl+f", *"rope", "enter")
        await until_seen(pilot, "rope 20")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")
        view = pilot.app.screen.query_one(TimelineView)
        await until(pilot, lambda: view.highlighted is not None and view.highlighted.msg_id == 20, "there")
        assert app_of(pilot).state.current == "galley"
        asked = [frame for frame in server.sent(HistoryRequest) if isinstance(frame, HistoryRequest)]
        earlier = {frame.before_id for frame in asked if frame.after_id is None}
        assert 21 in earlier
        # The newest ones may have been asked for until they filled the screen.
        assert not earlier & set(range(30, END - 50)), "pages in between"
        assert view.has_focus


async def test_going_to_a_missing_message_says_that_it_does_not_exist() -> None:
    async with client(ScriptedServer(answer=answer)) as (pilot, _):
        app_of(pilot).room.subjects.navigation.go_to("galley", 5)
        await until_told(pilot, "That message no longer exists.")


async def test_search_shows_errors_and_when_nothing_was_found_and_escape_closes_it() -> None:
    async with client(ScriptedServer(answer=answer)) as (pilot, server):
        await pilot.press("ctrl+f", *"nothing", "enter")
        await until_seen(pilot, "No messages found.")
        server.answer = lambda frame: (
            [Error("Too many searches.", ErrorCode.INTERNAL, CHAT_SERVER, frame.nonce)]
            if isinstance(frame, SearchRequest)
            else ()
        )
        await pilot.press("enter")
        await until_seen(pilot, "✗ Too many searches.")
        server.answer = answer
        await pilot.press("ctrl+u", *"rope", "enter")
        await until_seen(pilot, "rope 40")
        await until_seen(pilot, "Open / Edit search esc Back")
        await pilot.press("slash")
        assert isinstance(pilot.app.screen.focused, Input)
        await until_seen(pilot, "↓ Results esc Back")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "gone to it")
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen), "once more")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "back")
