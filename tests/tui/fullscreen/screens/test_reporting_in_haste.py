"""Reporting with keys typed ahead, and without losing a key, the comment, the outcome or the report itself."""

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from server.protocol.frames import Echo, Say
from tests.support.pilots import app_of, away, case, client, screen_text, until, until_on, until_seen, until_told
from tests.support.report_form import EVIDENCE, TALK, in_haste, open_form, sent_report, submit, taking
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, line, scripted_server, stands
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.report_form import ReportForm
from tui.fullscreen.typeahead import SILENCE_SECONDS
from tui.fullscreen.widgets.composer import Composer
from tui.options import Options

FAILED = "The website did not take it: it answered with status 500."


async def say_next(pilot: Pilot[None], server: ScriptedServer) -> None:
    """Let bob say something new to report, forget what was sent, and go back to the composer."""
    await until_on(pilot, RoomScreen)
    state = app_of(pilot).state
    number = state.last_seen + 1
    server.send(line(number, "bob", f"words {number}"))
    await until(pilot, lambda: state.last_seen == number, "the next message")
    server.received.clear()
    pilot.app.screen.query_one(Composer).focus()
    await pilot.pause()


async def test_keys_typed_fast_in_the_form_go_to_the_field_that_had_the_focus() -> None:
    async with client(ScriptedServer(EVIDENCE, opening=(PEOPLE, TALK))) as (pilot, server):
        for turns in (0, 1, 2, 3, 5, 8, 13, 40):
            with case(turns):
                await open_form(pilot)
                pilot.app.post_message(events.Key("down", None))
                await in_haste(pilot, "-\n0 of - him\n", turns)
                report = await sent_report(pilot, server)
                assert (report.reason, report.comment) == (WELCOME.report_reasons[1].reason, "0 of - him")
                # The key before Enter removes one message of context; the same keys after it are text.
                assert len(report.context) == 9
                await say_next(pilot, server)


async def test_keys_typed_while_the_form_opens_go_to_the_form() -> None:
    """In the room, each of these letters is a command, and Enter would send the comment to everyone."""
    async with client() as (pilot, server):
        for turns in (0, 1, 5, 40, 200):
            with case(turns):
                await pilot.press("up")
                pilot.app.call_later(app_of(pilot).room.action_report)
                await in_haste(pilot, "\nhe rummages my pockets\n", turns)
                assert (await sent_report(pilot, server)).comment == "he rummages my pockets"
                assert not server.sent(Say)
                await say_next(pilot, server)


async def test_a_second_enter_after_the_form_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long enough for a slow machine.
    monkeypatch.setattr("tui.fullscreen.typeahead.DOUBLE_SECONDS", 60.0)
    async with client(taking()) as (pilot, server):
        await open_form(pilot)
        await pilot.press("enter", "enter", "enter")
        await sent_report(pilot, server)
        await pilot.pause()
        assert app_of(pilot).screen.query_one(Composer).text == ""
        # After another key, Enter counts.
        await pilot.press("up", "enter")
        await until(pilot, lambda: bool(app_of(pilot).screen.query_one(Composer).text), "the quotation")


async def test_comment_is_kept_after_the_form_is_closed() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("down", "enter", *"third time", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")
        await pilot.press("r")
        await until_seen(pilot, "third time")
        await pilot.press("enter", "enter")
        report = await sent_report(pilot, server)
        assert (report.reason, report.comment) == (WELCOME.report_reasons[1].reason, "third time")


async def test_the_status_of_a_report_is_shown_even_while_the_user_is_scrolled_up() -> None:
    many = Echo([line(number, "bob", f"words {number}") for number in range(1, 100)])
    async with client(ScriptedServer(opening=(PEOPLE, many)), (80, 24)) as (pilot, server):
        await pilot.press("up", "pageup", "pageup", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("ctrl+s")
        ask = await sent_report(pilot, server)
        server.send(stands(ask, "waiting", error=FAILED))
        await until(pilot, lambda: any(FAILED in each.message for each in pilot.app._notifications), "told beside it")
        await until_seen(pilot, "words 80")
        # If the end of the timeline is visible, there is no toast as well.
        await pilot.press("escape")
        server.send(stands(ask))
        await until_told(pilot, "reached the site")
        assert not any("reached the site" in each.message for each in pilot.app._notifications)


async def test_leaving_before_a_report_has_arrived_asks_once_if_it_cannot_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    async with client() as (pilot, server):
        await submit(pilot)
        await sent_report(pilot, server)
        await pilot.press("ctrl+q")
        await until_on(pilot, Question)
        await until_seen(pilot, "cannot be saved and would be lost")
        await pilot.pause(SILENCE_SECONDS)
        await pilot.press("n")
        await until_on(pilot, RoomScreen)
        await pilot.press("ctrl+q")
        await until_on(pilot, Question)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running, "gone")


async def test_a_report_that_has_not_arrived_is_sent_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with scripted_server(ScriptedServer()) as server:
        async with FlagpostApp(Options("ada", server.url)).run_test(size=(120, 36)) as pilot:
            await until_seen(pilot, "buy my stuff")
            await submit(pilot)
            sent = await sent_report(pilot, server)
            await pilot.press("ctrl+q")
            await until(pilot, lambda: not pilot.app.is_running, "gone without a question")
        server.received.clear()
        async with FlagpostApp(Options("ada", server.url)).run_test(size=(120, 36)) as pilot:
            assert await sent_report(pilot, server) == sent


async def test_offline_error_in_the_form_disappears_after_reconnecting() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        async with away(pilot, server):
            await pilot.press("ctrl+s")
            await until_seen(pilot, "You are offline.")
        await until(pilot, lambda: "You are offline." not in screen_text(app_of(pilot)), "gone")


async def test_the_whole_message_can_be_read_in_the_form() -> None:
    long = Echo([line(1, "bob", "\n".join(f"line {number}" for number in range(40)))])
    async with client(ScriptedServer(opening=(PEOPLE, long)), (80, 24)) as (pilot, _):
        await open_form(pilot)
        shown = screen_text(app_of(pilot))
        assert "Report a message" in shown
        assert "Will send: only this message" in shown
        await pilot.press("shift+tab", "end")
        await until_seen(pilot, "line 39")
