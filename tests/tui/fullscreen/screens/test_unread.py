"""What is new: the screen opens where the user stopped reading, counts what is below, and nothing is read unseen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.events import AppBlur, AppFocus
from textual.pilot import Pilot

from server.protocol.frames import (
    ClientFrame,
    Echo,
    History,
    HistoryRequest,
    Message,
    PlaceEntry,
    Places,
    Read,
    ServerFrame,
)
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import PEOPLE, ScriptedServer, line
from tui.fullscreen.widgets.channels import UnreadOutOfView
from tui.fullscreen.widgets.new_below import NewBelow

READ, LAST = 40, 100
"""The last message that the user has read in the lobby, and the last one there."""


@pytest.fixture(autouse=True)
def _marks_sent_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.read_marks.MARK_SECONDS", 0.05)


def said(number: int) -> Message:
    return line(number, "bob", f"number {number}" + (" for ada" if number == LAST else ""))


def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
    """Serve the history of the lobby, as the real server does."""
    if not isinstance(frame, HistoryRequest) or frame.channel != "lobby":
        return ()
    low, high = frame.after_id or 0, frame.before_id or LAST + 1
    between = range(low + 1, high)
    page = between[: frame.limit] if frame.after_id is not None else between[-frame.limit :]
    return [History("lobby", [said(each) for each in page], len(page) < len(between), frame.nonce)]


@asynccontextmanager
async def returned(read: int = READ) -> AsyncIterator[tuple[Pilot[None], ScriptedServer]]:
    """Yield a client whose user has read the lobby up to a message, of which only the last ten are sent."""
    places = Places([PlaceEntry("lobby", LAST, read, LAST - read, int(read < LAST)), PlaceEntry("@carol", 7, 6, 1)])
    opening = (PEOPLE, Echo([said(each) for each in range(LAST - 9, LAST + 1)]), places)
    async with client(ScriptedServer(opening=opening, answer=answer), size=(80, 24)) as (pilot, server):
        await until(pilot, lambda: not app_of(pilot).state.timeline.requests, "loaded")
        await pilot.pause()
        yield pilot, server


def marked(server: ScriptedServer) -> int:
    """Return how far the client has marked the lobby as read."""
    marks = [each for each in server.sent(Read) if isinstance(each, Read) and each.channel == "lobby"]
    return max((each.msg_id for each in marks), default=0)


async def test_channel_opens_at_the_first_unread_message_and_marks_what_was_seen() -> None:
    async with returned() as (pilot, server):
        app, state = app_of(pilot), app_of(pilot).state
        await until_seen(pilot, "new messages")
        shown = screen_text(app)
        assert "number 41" in shown
        assert "number 40" not in shown
        _, last = app.room.timeline.seen
        await until(pilot, lambda: state.timeline.unread == LAST - last, "what is below")
        assert f"↓ {LAST - last} new below, 1 mentions you · End" in screen_text(app)
        await until(pilot, lambda: marked(server) == last, "the marker")
        await pilot.press("pagedown")
        await until(pilot, lambda: state.timeline.unread < LAST - last, "read on")
        assert f"{state.timeline.unread} new below" in screen_text(app)
        await pilot.press("end")
        await until_seen(pilot, f"number {LAST} for ada")
        await until(pilot, lambda: state.timeline.unread == 0, "all was passed")
        assert "new below" not in screen_text(app)
        await pilot.press("alt+u")
        await until_seen(pilot, "number 41")
        await pilot.press("alt+a")
        await until(pilot, lambda: state.current == "@carol", "the unread conversation")


async def test_unread_places_are_counted_only_while_they_are_out_of_view() -> None:
    async with client(size=(80, 24)) as (pilot, server):
        hint = pilot.app.screen.query_one(UnreadOutOfView)
        server.send(
            *(line(number, name, "psst", f"@{name}") for number, name in enumerate(("bob", "carol", "tove"), 9))
        )
        await until_seen(pilot, "@tove")
        await until(pilot, lambda: not hint.display, "in view")
        await pilot.resize_terminal(80, 8)
        await until_seen(pilot, "↓ 2 direct")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not hint.display, "in view again")


async def test_messages_out_of_sight_stay_unread() -> None:
    async with returned(LAST) as (pilot, server):
        app, state = app_of(pilot), app_of(pilot).state
        timeline = state.timeline
        await pilot.press("pageup")
        server.send(line(101, "bob", "hello @ada"), line(102, "bob", "and more"))
        await until_seen(pilot, "↓ 2 new below, 1 mentions you · End")
        assert timeline.new_from == 101
        await pilot.press("end")
        await until(pilot, lambda: timeline.unread == 0, "seen")
        await until_seen(pilot, "new messages")

        app.post_message(AppBlur())
        await until(pilot, lambda: app._notices.is_elsewhere, "blurred")
        server.send(line(103, "bob", "while away"))
        await until_seen(pilot, "while away")
        assert (timeline.unread, timeline.new_from) == (1, 103)
        server.send(*(line(number, "bob", f"many {number}") for number in range(104, 160)))
        await until(pilot, lambda: timeline.unread == 57, "all of them")
        app.post_message(AppFocus())
        await until(pilot, lambda: timeline.unread < 57, "the first of them are seen")
        shown = screen_text(app)
        assert "new messages" in shown
        assert "while away" in shown
        assert "many 159" not in shown
        await pilot.press("end")
        await until(pilot, lambda: timeline.unread == 0, "seen")

        await pilot.press("f2")
        server.send(line(200, "bob", "under the settings"))
        await until(pilot, lambda: timeline.unread == 1, "not seen")
        await pilot.press("escape")
        await until(pilot, lambda: timeline.unread == 0, "seen again")
        await until_seen(pilot, "under the settings")


async def test_channel_shows_loading_until_its_history_arrives() -> None:
    script = ScriptedServer(opening=(PEOPLE, Echo([line(1, "bob", "x", "galley")])), answer=lambda _: [PEOPLE])
    async with client(script) as (pilot, server):
        await until_seen(pilot, "Loading…")
        (asked,) = server.sent(HistoryRequest)
        assert isinstance(asked, HistoryRequest)
        server.send(History("lobby", [], more=False, nonce=asked.nonce))
        await until_seen(pilot, "Nobody has said anything here yet.")


async def test_commands_close_a_conversation_mark_as_read_and_mute_a_channel() -> None:
    async with returned() as (pilot, server):
        app, state = app_of(pilot), app_of(pilot).state
        await pilot.press(*"/notices none", "enter")
        # The end of the timeline is out of view.
        await until(
            pilot, lambda: "Notifications in # Lobby: none." in [each.message for each in app._notifications], "shown"
        )
        assert app._notices.is_muted("lobby")
        assert state.timeline.unread
        await pilot.press(*"/read", "enter")
        await until(pilot, lambda: state.timeline.unread == 0, "read")
        await until(pilot, lambda: marked(server) == LAST, "the marker")
        await pilot.press("alt+a")
        await until(pilot, lambda: state.current == "@carol", "the conversation")
        await pilot.press(*"/close", "enter")
        await until(pilot, lambda: "@carol" not in state.timelines, "closed")
        assert state.current == "lobby"
        await until(pilot, lambda: any(each.closed for each in server.sent(Read) if isinstance(each, Read)), "told")
        await pilot.press(*"/close", "enter")
        await until(pilot, lambda: app.room.composer.text == "/close", "given back")


async def test_message_covered_by_the_count_of_new_ones_stays_unread() -> None:
    async with returned() as (pilot, _):
        app, state = app_of(pilot), app_of(pilot).state
        app.room.subjects.navigation.look_at("galley")
        below = app.room.query_one(NewBelow)
        await until(pilot, lambda: not below.display and not below.region, "nothing new here")
        app.room.subjects.navigation.look_at("lobby")
        for _ in range(3):
            app.room.subjects.reading.look()
        await until(pilot, lambda: below.display and bool(below.region), "laid out")
        await pilot.pause()
        assert state.timeline.unread == LAST - app.room.timeline.seen[1]
