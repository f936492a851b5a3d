"""Reporting a message: delivery to the site, the flag, and every failure that the reporter can see."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList, Static

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Echo,
    Error,
    Login,
    ReportRequest,
    ReportStatus,
    ServerFrame,
    Takeback,
    Webhooks,
    Welcome,
)
from server.rules.evidence import reason_list
from server.settings import Settings
from tests.support.pilots import app_of, case, client, screen_text, until, until_on, until_said, until_seen, until_told
from tests.support.report_form import EVIDENCE, TALK, open_form, submit, taking
from tests.support.scripted_server import BEGIN, PEOPLE, WELCOME, ScriptedServer, line, stands
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.report_form import Comment, ReportForm
from tui.fullscreen.timeline.blocks import FLAG, marked_flag
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import DOUBLE_SECONDS
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.evidence_view import EvidenceView
from tui.times import clock

FAILED = "The website did not take it: it answered with status 500."
REPORTED = marked_flag(ReportState.DELIVERED)


@pytest.fixture(autouse=True)
def _letters_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a letter answer a question although Enter was pressed in the form just before."""
    monkeypatch.setattr("tui.fullscreen.typeahead.SILENCE_SECONDS", 0.0)


def delivered(frame: ClientFrame) -> Sequence[ServerFrame]:
    if not isinstance(frame, ReportRequest):
        return ()
    received = stands(frame, ReportState.RECEIVED)
    return [received, ReportStatus(structs.replace(received.report, status=ReportState.DELIVERED))]


async def test_report_by_keys_sends_number_reason_and_comment() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("down", "enter", *"so rude", "enter")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert (report.msg_id, report.reason, report.comment) == (3, WELCOME.report_reasons[1].reason, "so rude")


async def test_the_form_shows_the_message_and_the_reasons_of_the_server() -> None:
    async with client() as (pilot, _):
        await open_form(pilot)
        shown = screen_text(app_of(pilot))
        assert "buy my stuff" in shown
        assert all(each.reason in shown for each in WELCOME.report_reasons)


async def test_message_is_flagged_only_after_the_server_confirms_the_report() -> None:
    async with client() as (pilot, server):
        await submit(pilot)
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        assert REPORTED not in screen_text(app_of(pilot))
        (report,) = server.sent(ReportRequest)
        server.send(*delivered(report))
        await until_seen(pilot, REPORTED)
        await until_seen(pilot, "Your report about “bob” reached the site.")


async def test_report_by_mouse_sends_number_and_reason() -> None:
    async with client(ScriptedServer(answer=delivered)) as (pilot, server):
        rows = screen_text(app_of(pilot)).split("\n")
        y = next(number for number, row in enumerate(rows) if "*morning*" in row) - 1
        await pilot.click(offset=(rows[y].index(FLAG), y))
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.pause()
        await pilot.click("#form-reasons", offset=(5, 1))
        await pilot.click("#form-submit")
        await until_seen(pilot, REPORTED)
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert (report.msg_id, report.reason) == (1, WELCOME.report_reasons[1].reason)


async def test_a_cancelled_form_sends_nothing() -> None:
    async with client() as (pilot, server):
        for way in ("escape", "#form-cancel"):
            with case(way):
                await open_form(pilot)
                await (pilot.click(way) if way.startswith("#") else pilot.press(way))
                await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")
        await pilot.pause()
        assert not server.sent(ReportRequest)


async def test_reason_other_requires_a_comment() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("up", "enter", "enter")
        await until_seen(pilot, "This reason requires a comment. Please say what's wrong.")
        assert isinstance(pilot.app.screen.focused, Comment)
        await pilot.press("o")
        await until(pilot, lambda: "requires a comment" not in screen_text(app_of(pilot)), "the problem is gone")
        await pilot.press(*"dd", "ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")


async def test_a_comment_over_the_limit_stays_in_the_form() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        pilot.app.screen.query_one(Comment).text = "x" * 1001
        await pilot.press("ctrl+s")
        await until_seen(pilot, "The comment has 1001 characters; the limit is 1000.")
        assert not server.sent(ReportRequest)


async def test_several_lines_can_be_written_in_a_comment() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("enter", "a", "ctrl+j", "b", "enter")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert report.comment == "a\nb"


async def test_reporting_again_asks_first() -> None:
    async with client(ScriptedServer(EVIDENCE, answer=delivered)) as (pilot, server):
        await submit(pilot)
        await until_seen(pilot, REPORTED)
        screens: list[tuple[str, type[Widget]]] = [("n", RoomScreen), ("y", ReportForm)]
        for answer, screen in screens:
            await pilot.press("r")
            await until_seen(pilot, "already reported")
            await pilot.press(answer)
            await until_on(pilot, screen)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(server.sent(ReportRequest)) == 2, "the reports")
        await pilot.pause()
        assert [frame.add for frame in server.sent(ReportRequest) if isinstance(frame, ReportRequest)] == [False, True]


async def test_a_report_refused_by_the_site_shows_the_reason_and_the_next_attempt() -> None:
    def failed(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ReportRequest):
            return ()
        soon = datetime.now(UTC) + timedelta(minutes=10, seconds=30)
        return [stands(frame, ReportState.WAITING, error=FAILED, next_at=soon)]

    async with client(ScriptedServer(answer=failed)) as (pilot, server):
        await submit(pilot)
        await until_told(pilot, "status 500. Your report about “bob” is saved")
        await until_told(pilot, "will be resent in 10 min.")
        assert marked_flag(ReportState.WAITING) in screen_text(app_of(pilot))
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        server.send(structs.replace(stands(report), nonce=None))
        await until_seen(pilot, "reached the site")


async def test_a_report_refused_by_the_server_is_shown_as_refused_and_not_flagged() -> None:
    def refused(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ReportRequest):
            return ()
        return [Error("No space left.", ErrorCode.STORAGE, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(answer=refused)) as (pilot, _):
        await submit(pilot)
        await until_seen(pilot, "Your report was not sent. No space left.")
        assert REPORTED not in screen_text(app_of(pilot))


async def test_the_form_is_filled_in_again_after_a_refusal() -> None:
    def refused(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ReportRequest):
            return ()
        return [Error("The disk is full.", ErrorCode.STORAGE, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(EVIDENCE, (PEOPLE, TALK), answer=refused)) as (pilot, server):
        await pilot.press("up", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("minus", "down", "enter", *"my words", "enter")
        await until_told(pilot, "Your text is saved")
        assert "Mute “" not in screen_text(app_of(pilot))
        await pilot.press("r")
        await until_seen(pilot, "my words")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(server.sent(ReportRequest)) == 2, "the second try")
        first, second = server.sent(ReportRequest)
        assert isinstance(first, ReportRequest)
        assert isinstance(second, ReportRequest)
        assert structs.replace(first, nonce=None) == structs.replace(second, nonce=None)
        assert len(first.context) == 9


async def test_a_report_that_the_server_knows_of_already_can_be_added_to() -> None:
    def known(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ReportRequest):
            return ()
        if frame.add:
            return [stands(frame)]
        return [Error("You have reported this before.", ErrorCode.ALREADY_REPORTED, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(EVIDENCE, answer=known)) as (pilot, _):
        await submit(pilot)
        await until_told(pilot, "to add it to your report")
        await pilot.press("r")
        await until_seen(pilot, "You've already reported this message")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("ctrl+s")
        await until_seen(pilot, "reached the site")


async def test_a_report_whose_connection_was_lost_is_sent_again_and_counts_once() -> None:
    async with client() as (pilot, server):
        await submit(pilot)
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        server.answer = delivered
        server.drop()
        await until_seen(pilot, "reached the site")
        first, second = server.sent(ReportRequest)
        assert first == second
        server.drop()
        await until(pilot, lambda: len(server.sent(Login)) == 3, "the third login")
        await until(pilot, lambda: app_of(pilot).client.online, "online")
        await pilot.pause()
        assert len(server.sent(ReportRequest)) == 2


async def test_report_form_does_not_open_offline() -> None:
    async with client() as (pilot, server):
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).client.online, "offline")
        await pilot.press("up", "r")
        await until_seen(pilot, "You are offline.")


async def test_form_keeps_its_text_when_the_connection_is_lost() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("enter", *"my words")
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).client.online, "offline")
        await pilot.press("enter")
        await until_seen(pilot, "You are offline.")
        assert isinstance(pilot.app.screen, ReportForm)
        assert pilot.app.screen.query_one(Comment).text == "my words"


async def test_a_message_whose_number_was_reused_is_not_reported() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        server.send(structs.replace(WELCOME, epoch="e2"), line(3, "carol", "something else"))
        await until(pilot, lambda: app_of(pilot).state.timeline.find(1) is None, "the new numbering")
        await pilot.press("ctrl+s")
        await until_seen(pilot, "That message is no longer on the server")
        assert not server.sent(ReportRequest)


async def test_the_form_shows_which_surrounding_messages_are_sent() -> None:
    async with client(ScriptedServer(EVIDENCE, (PEOPLE, TALK))) as (pilot, server):
        server.send(Error("A notice", ErrorCode.NOTICE, CHAT_SERVER, channel="lobby"))
        await pilot.press("up", "up", "up", "r")
        await until_seen(pilot, "this message, 10 before and 2 after")
        evidence = pilot.app.screen.query_one(EvidenceView)
        assert [str(each.content) for each in evidence.query(Static) if each.display] == [
            f"{'⚑ ' if number == 17 else ''}{clock(BEGIN + timedelta(minutes=number))} {author}» words {number}"
            for number, author in ((n, "bob" if n % 2 else "Inés ⚓") for n in range(7, 20))
        ]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert report.context == (*range(7, 17), 18, 19)


WAYS: Sequence[tuple[Sequence[str], Sequence[int], str]] = [
    (["plus"] * 3, [*range(7, 17), 18, 19], "this message, 10 before and 2 after"),
    (["minus"], [*range(8, 17), 18, 19], "9 before and 2 after"),
    (["#form-fewer"], [*range(9, 17), 18, 19], "8 before and 2 after"),
    (["minus"] * 7, [15, 16, 18], "2 before and 1 after"),
    (["minus"] * 2, [16], "this message, 1 before"),
    (["minus"] * 3, [], "only this message"),
    (["plus"] * 2, [16, 18], "1 before and 1 after"),
    (["0"], [], "only this message"),
    (["#form-more"], [16], "this message, 1 before"),
    (["#form-alone"], [], "only this message"),
    (["#form-more"], [16], "this message, 1 before"),
]
"""Keys or buttons of a form, one after the other; the context that is sent then, and the words for it."""


async def test_keys_and_buttons_change_how_much_context_is_sent() -> None:
    async with client(ScriptedServer(EVIDENCE, (PEOPLE, TALK)), (80, 24)) as (pilot, server):
        await pilot.press("up", "up", "up", "r")
        await until_seen(pilot, "this message, 10 before")
        evidence = pilot.app.screen.query_one(EvidenceView)
        for ways, context, words in WAYS:
            with case(ways):
                for way in ways:
                    await (pilot.click(way) if way.startswith("#") else pilot.press(way))
                await until_seen(pilot, words)
                texts = [str(each.content) for each in evidence.query(Static) if each.display]
                assert [text.split("words ")[1] for text in texts] == [str(each) for each in sorted([*context, 17])]
                assert evidence.sent == tuple(context)
        # The buttons are elsewhere in a larger terminal.
        await pilot.resize_terminal(120, 36)
        await pilot.click("#form-alone")
        await until_seen(pilot, "only this message")
        await pilot.click("#form-more")
        await until_seen(pilot, WAYS[-1][2])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert report.context == tuple(WAYS[-1][1])


def _is_all_in_view(form: Screen[object]) -> bool:
    ends = (form.find_widget(form.query_one(f"#form-{each}")) for each in ("title", "submit"))
    return all(each.visible_region.height for each in ends) and form.query_one("#form").max_scroll_y == 0


async def test_all_of_the_form_is_in_view_at_every_height_of_a_terminal() -> None:
    welcome = structs.replace(EVIDENCE, report_reasons=reason_list(Settings().report_reasons))
    async with client(ScriptedServer(welcome, (PEOPLE, TALK)), (110, 24)) as (pilot, _):
        await pilot.press("up", "up", "up", "r")
        for height in (24, 29, 30, 32, 34, 35, 36, 24):
            with case(height):
                await pilot.resize_terminal(110, height)
                await until_seen(pilot, "this message, 10 before and 2 after")
                # Textual lays out again after a delay.
                await until(pilot, lambda: _is_all_in_view(pilot.app.screen), "all of the form")


async def test_messages_that_arrive_while_the_form_is_open_are_not_sent() -> None:
    async with client(ScriptedServer(EVIDENCE, (PEOPLE, TALK))) as (pilot, server):
        await pilot.press("up", "r")
        await until_seen(pilot, "this message, 10 before")
        server.send(line(20, "bob", "later"))
        await until(pilot, lambda: app_of(pilot).state.last_seen == 20, "what was said later")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert report.context == tuple(range(9, 19))


async def test_context_keys_are_text_in_the_comment() -> None:
    async with client(ScriptedServer(EVIDENCE, (PEOPLE, TALK))) as (pilot, server):
        await pilot.press("up", "r")
        await until_seen(pilot, "this message, 10 before")
        await pilot.press("enter", "0", "minus", "plus", "enter")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert (report.comment, len(report.context)) == ("0-+", 10)


async def test_the_form_has_no_context_if_the_site_accepts_none() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, TALK))) as (pilot, server):
        await open_form(pilot)
        assert "before" not in screen_text(app_of(pilot))
        assert "Less context" not in screen_text(app_of(pilot))
        await pilot.press("minus", "ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")
        (report,) = server.sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert report.context == ()


@pytest.mark.parametrize("welcome", [WELCOME, EVIDENCE], ids=["plain", "evidence"])
async def test_deleted_message_can_be_reported(welcome: Welcome) -> None:
    async with client(ScriptedServer(welcome)) as (pilot, server):
        server.send(Takeback(3))
        await until_seen(pilot, "message deleted")
        assert "buy my stuff" not in screen_text(app_of(pilot))
        await open_form(pilot)
        await until_seen(pilot, "the server still has its text")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")


async def test_message_deleted_while_the_form_is_open_is_reported() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        server.send(Takeback(3))
        await until(pilot, lambda: "" in {e.text for e in app_of(pilot).state.timeline.entries}, "taken back")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportRequest)), "the report")


async def test_offer_to_mute_after_a_report_takes_no_keys() -> None:
    async with client(taking()) as (pilot, server):
        await submit(pilot)
        await until_seen(pilot, "Mute “bob”?")
        assert isinstance(pilot.app.screen.focused, TimelineView)
        await pilot.pause(DOUBLE_SECONDS)
        await pilot.press("enter", "escape", *"my yes", "enter")
        said = await until_said(pilot, server)
        assert said.message == "> bob» buy my stuff\nmy yes"
        assert not app_of(pilot).state.relations.muted
        # The message is sent before the screen is laid out again.
        await until(pilot, lambda: "Mute “bob”?" not in screen_text(app_of(pilot)), "the offer to disappear")


@pytest.mark.parametrize(("way", "muted"), [("#offer-yes", {"bob"}), ("#offer-no", set())])
async def test_the_offer_is_answered_by_the_mouse(way: str, muted: set[str]) -> None:
    async with client(taking()) as (pilot, _):
        await submit(pilot)
        await until_seen(pilot, "Mute “bob”?")
        await pilot.click(way)
        await until(pilot, lambda: "Mute “bob”?" not in screen_text(app_of(pilot)), "answered")
        await until(pilot, lambda: app_of(pilot).state.relations.muted == muted, "what the server says")
        await pilot.pause()
        assert ("buy my stuff" in screen_text(app_of(pilot))) is not bool(muted)
        assert isinstance(pilot.app.screen.focused, Composer)


async def test_tab_reaches_the_harmless_answer_first() -> None:
    async with client(taking(), (60, 18)) as (pilot, _):
        await submit(pilot)
        await until_seen(pilot, "Mute “bob”?")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "Mute “bob”?" not in screen_text(app_of(pilot)), "answered")
        assert not app_of(pilot).state.relations.muted


async def test_without_the_webhook_there_is_no_flag_and_no_key() -> None:
    off = ScriptedServer(welcome=structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=True)))
    async with client(off) as (pilot, _):
        await pilot.press("up", "r")
        await pilot.pause()
        shown = screen_text(app_of(pilot))
        # The only flag left is the sign in the top line.
        assert shown.count(FLAG) == 1
        assert "r Report " not in shown
        assert not isinstance(pilot.app.screen, ReportForm)


async def test_the_users_own_message_has_no_flag_and_no_report_key() -> None:
    mine = ScriptedServer(opening=(PEOPLE, Echo([line(1, "ada", "mine alone")])))
    async with client(mine) as (pilot, _):
        await pilot.press("up", "r")
        await pilot.pause()
        shown = screen_text(app_of(pilot))
        assert shown.count(FLAG) == 1
        assert "r Report " not in shown
        assert not isinstance(pilot.app.screen, ReportForm)


async def test_the_reasons_have_the_focus_and_the_first_is_chosen() -> None:
    async with client() as (pilot, _):
        await open_form(pilot)
        reasons = pilot.app.screen.query_one(OptionList)
        assert reasons.has_focus
        assert reasons.highlighted == 0
