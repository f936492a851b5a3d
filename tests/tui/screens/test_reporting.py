"""Reporting a message: the way to the site, the mark, and every failure that the reporter can see."""

from collections.abc import Sequence

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import OptionList

from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, ClientFrame, Echo, Error, ReportAsk, ReportStatus, ServerFrame, Webhooks
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, line
from tui.screens.report import Comment, ReportForm
from tui.widgets.timeline import FLAG, REPORTED

FAILED = "The website did not take your report: it answered with status 500. Please report it again later."


def delivered(frame: ClientFrame) -> Sequence[ServerFrame]:
    assert isinstance(frame, ReportAsk)
    return [ReportStatus("r1", "delivered", nonce=frame.nonce)]


async def open_form(pilot: Pilot[None]) -> None:
    await pilot.press("up", "r")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
    await pilot.pause()


async def submit(pilot: Pilot[None]) -> None:
    await open_form(pilot)
    await pilot.press("enter", "enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")


async def test_keys_alone_lead_to_a_report_of_the_message_by_its_number() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("down", "enter", *"so rude", "enter")
        await until(pilot, lambda: bool(server.sent(ReportAsk)), "the report")
        (report,) = server.sent(ReportAsk)
        assert isinstance(report, ReportAsk)
        assert (report.msg_id, report.reason, report.comment) == (3, WELCOME.report_reasons[1].reason, "so rude")


async def test_the_form_shows_the_message_and_the_reasons_of_the_server() -> None:
    async with client() as (pilot, _):
        await open_form(pilot)
        shown = screen_text(app_of(pilot))
        assert "buy my stuff" in shown
        assert all(each.reason in shown for each in WELCOME.report_reasons)


async def test_the_mark_comes_with_the_answer_and_not_before() -> None:
    async with client() as (pilot, server):
        await submit(pilot)
        await until(pilot, lambda: bool(server.sent(ReportAsk)), "the report")
        assert REPORTED not in screen_text(app_of(pilot))
        (report,) = server.sent(ReportAsk)
        server.send(*delivered(report))
        await until_seen(pilot, REPORTED)
        await until_seen(pilot, "was delivered to the website")


async def test_the_mouse_alone_leads_to_a_report() -> None:
    async with client(ScriptedServer(answer=delivered)) as (pilot, server):
        rows = screen_text(app_of(pilot)).split("\n")
        y = next(number for number, row in enumerate(rows) if "Good morning" in row) - 1
        await pilot.click(offset=(rows[y].index(FLAG), y))
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.pause()
        await pilot.click("#form-reasons", offset=(5, 1))
        await pilot.click("#form-submit")
        await until_seen(pilot, REPORTED)
        (report,) = server.sent(ReportAsk)
        assert isinstance(report, ReportAsk)
        assert (report.msg_id, report.reason) == (1, WELCOME.report_reasons[1].reason)


@pytest.mark.parametrize("way", ["escape", "#form-cancel"])
async def test_a_cancelled_form_sends_nothing(way: str) -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await (pilot.click(way) if way.startswith("#") else pilot.press(way))
        await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")
        await pilot.pause()
        assert not server.sent(ReportAsk)


async def test_other_needs_a_comment() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("up", "enter", "enter")
        await until_seen(pilot, "Describe in the comment what is wrong.")
        assert isinstance(pilot.app.screen.focused, Comment)
        await pilot.press(*"odd", "ctrl+s")
        await until(pilot, lambda: bool(server.sent(ReportAsk)), "the report")


async def test_a_comment_over_the_limit_stays_in_the_form() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        pilot.app.screen.query_one(Comment).text = "x" * 1001
        await pilot.press("ctrl+s")
        await until_seen(pilot, "The comment has 1001 of at most 1000 characters.")
        assert not server.sent(ReportAsk)


async def test_several_lines_can_be_written_in_a_comment() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("enter", "a", "ctrl+j", "b", "enter")
        await until(pilot, lambda: bool(server.sent(ReportAsk)), "the report")
        (report,) = server.sent(ReportAsk)
        assert isinstance(report, ReportAsk)
        assert report.comment == "a\nb"


@pytest.mark.parametrize(("answer", "reports"), [("n", 1), ("y", 2)])
async def test_reporting_again_asks_first(answer: str, reports: int) -> None:
    async with client(ScriptedServer(answer=delivered)) as (pilot, server):
        await submit(pilot)
        await until_seen(pilot, REPORTED)
        await pilot.press("r")
        await until_seen(pilot, "already. Report it again?")
        await pilot.press(answer)
        if answer == "y":
            await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
            await pilot.press("ctrl+s")
        await until(pilot, lambda: len(server.sent(ReportAsk)) == reports, "the reports")
        await pilot.pause()
        assert len(server.sent(ReportAsk)) == reports


async def test_a_report_that_the_website_did_not_take_is_told_and_not_marked() -> None:
    def failed(frame: ClientFrame) -> Sequence[ServerFrame]:
        assert isinstance(frame, ReportAsk)
        return [ReportStatus("r1", "failed", FAILED, frame.nonce)]

    async with client(ScriptedServer(answer=failed)) as (pilot, _):
        await submit(pilot)
        await until_seen(pilot, "did not arrive")
        await until_seen(pilot, "status 500")
        assert REPORTED not in screen_text(app_of(pilot))


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.UNKNOWN_MESSAGE, ErrorCode.CANNOT_REPORT_SELF, ErrorCode.BAD_REASON, ErrorCode.BAD_COMMENT,
        ErrorCode.WEBHOOK_OFF, ErrorCode.STORAGE, ErrorCode.INTERNAL,
    ],
)  # fmt: skip
async def test_a_report_that_the_server_refused_is_told_and_not_marked(code: ErrorCode) -> None:
    def refused(frame: ClientFrame) -> Sequence[ServerFrame]:
        assert isinstance(frame, ReportAsk)
        return [Error(f"Words about {code}.", code, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(answer=refused)) as (pilot, _):
        await submit(pilot)
        await until_seen(pilot, f"Your report was not sent. Words about {code}.")
        assert REPORTED not in screen_text(app_of(pilot))


async def test_a_connection_that_is_lost_before_the_answer_is_told() -> None:
    async with client() as (pilot, server):
        await submit(pilot)
        await until(pilot, lambda: bool(server.sent(ReportAsk)), "the report")
        server.drop()
        await until_seen(pilot, "it may or may not have arrived")
        assert REPORTED not in screen_text(app_of(pilot))


async def test_without_a_connection_there_is_no_form_but_a_reason() -> None:
    async with client() as (pilot, server):
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).online, "offline")
        await pilot.press("up", "r")
        await until_seen(pilot, "There is no connection now")


async def test_what_was_filled_in_is_kept_when_the_connection_is_lost_meanwhile() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        await pilot.press("enter", *"my words")
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).online, "offline")
        await pilot.press("enter")
        await until_seen(pilot, "There is no connection now")
        assert isinstance(pilot.app.screen, ReportForm)
        assert pilot.app.screen.query_one(Comment).text == "my words"


async def test_a_message_whose_number_was_given_anew_is_not_reported() -> None:
    async with client() as (pilot, server):
        await open_form(pilot)
        server.send(structs.replace(WELCOME, epoch="e2"), line(3, "carol", "something else"))
        await until(pilot, lambda: app_of(pilot).state.timeline.find(1) is None, "the new numbering")
        await pilot.press("ctrl+s")
        await until_seen(pilot, "That message is gone from the server")
        assert not server.sent(ReportAsk)


async def test_where_the_webhook_is_off_there_is_no_flag_and_no_key() -> None:
    off = ScriptedServer(welcome=structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=True)))
    async with client(off) as (pilot, _):
        await pilot.press("up", "r")
        await pilot.pause()
        shown = screen_text(app_of(pilot))
        # The room's own sign in the top line is the only flag left.
        assert shown.count(FLAG) == 1
        assert "Report" not in shown
        assert not isinstance(pilot.app.screen, ReportForm)


async def test_one_s_own_message_has_no_flag_and_no_key() -> None:
    mine = ScriptedServer(opening=(PEOPLE, Echo([line(1, "ada", "mine alone")])))
    async with client(mine) as (pilot, _):
        await pilot.press("up", "r")
        await pilot.pause()
        shown = screen_text(app_of(pilot))
        assert shown.count(FLAG) == 1
        assert "Report" not in shown
        assert not isinstance(pilot.app.screen, ReportForm)


async def test_the_reasons_have_the_focus_and_the_first_is_chosen() -> None:
    async with client() as (pilot, _):
        await open_form(pilot)
        reasons = pilot.app.screen.query_one(OptionList)
        assert reasons.has_focus
        assert reasons.highlighted == 0
