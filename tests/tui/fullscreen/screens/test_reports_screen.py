"""My reports: the list, the details, withdrawing, going to the message, and updates."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from textual.pilot import Pilot

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    CHAT_SERVER,
    Addition,
    ClientFrame,
    Error,
    History,
    HistoryRequest,
    Relations,
    ReportEntry,
    Reports,
    ReportsRequest,
    ReportStatus,
    ServerFrame,
    Webhooks,
    Withdraw,
)
from tests.support.folding import fold
from tests.support.pilots import app_of, away, client, screen_text, until, until_seen
from tests.support.scripted_server import OPENING, PEOPLE, WELCOME, Answer, ScriptedServer, line, report
from tui.client.report_words import STATUS_WORDS
from tui.fullscreen.keys import keymap
from tui.fullscreen.room.reporting import withdrawal_consequence
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.report_form import ReportForm
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.timeline.view import TimelineView

LATE = datetime(2026, 3, 15, tzinfo=UTC)


def listing(*entries: ReportEntry) -> Answer:
    """Answers requests for the list with these reports, and accepts withdrawals."""

    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        if isinstance(frame, ReportsRequest):
            return [Reports(list(entries), nonce=frame.nonce)]
        if isinstance(frame, Withdraw):
            (entry,) = (each for each in entries if each.report_id == frame.report_id)
            return [ReportStatus(structs.replace(entry, status=ReportState.WITHDRAWN), frame.nonce)]
        return ()

    return answer


async def open_reports(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReportsScreen), "the screen")
    await until(pilot, lambda: not app_of(pilot).state.reports.loading, "the list")
    await pilot.pause()


async def test_reports_are_listed_with_their_status_latest_first() -> None:
    entries = [
        report(number, f"person{number}", status=status, reported_at=LATE + timedelta(minutes=number))
        for number, status in enumerate([*ReportState, "odd"], start=1)
    ]
    async with client(ScriptedServer(answer=listing(*entries))) as (pilot, _):
        await open_reports(pilot)
        shown = screen_text(app_of(pilot))
        rows = [row for row in shown.split("\n") if "person" in row and "# Lobby" in row[:40]]
        assert [row.split("person")[1][0] for row in rows] == list("87654321")
        for words in STATUS_WORDS.values():
            assert f"{words.sign} {words.label}" in shown
        assert "· odd" in shown


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_details_of_the_highlighted_report_are_shown(size: tuple[int, int]) -> None:
    soon = datetime.now(UTC).astimezone().replace(hour=23, minute=59, second=30)
    waiting = report(
        3, status="waiting", error="It answered 503", next_at=soon, comment="one\ntwo", reported_at=LATE, note="Hm"
    )
    added = [Addition(LATE.replace(hour=12), "It's rude", "it goes on"), Addition(LATE, "It's worse", "")]
    waiting = structs.replace(waiting, additions=added)
    async with client(ScriptedServer(answer=listing(waiting, report(2, "Inés"))), size) as (pilot, _):
        await open_reports(pilot)
        for text in ("It answered 503.", "resent at", "59:30.", "The site says: Hm", "buy my stuff", "one", "two"):
            await until_seen(pilot, text)
        status, message = (pilot.app.screen.query_one(f"#reports-{part}") for part in ("status", "message"))
        assert message.content_region.x > status.content_region.x
        details = pilot.app.screen.query_one("#reports-details")
        unfocused = details.styles.border_left
        await pilot.press("tab", "end")
        await until(pilot, lambda: details.styles.border_left != unfocused, "the focus is shown")
        for text in ("Added 15 Mar", "It's rude", "it goes on", "It's worse"):
            await until_seen(pilot, text)
        await pilot.press("shift+tab")
        await pilot.press("down")
        await until_seen(pilot, "Received by the site.")
        assert "It answered 503." not in screen_text(app_of(pilot))


async def test_an_empty_list_names_the_key_that_reports_as_it_is_bound() -> None:
    answer = lambda frame: [Reports([], nonce=frame.nonce)] if isinstance(frame, ReportsRequest) else []  # noqa: E731
    async with client(ScriptedServer(answer=answer)) as (pilot, _):
        keymap.change({"messages.report": "f7"})
        try:
            await pilot.press("ctrl+r")
            await until_seen(pilot, "Press F7 on a message")
        finally:
            keymap.change({})


async def test_reports_are_requested_at_each_opening_and_shown_as_loading() -> None:
    async with client() as (pilot, server):
        await pilot.press("ctrl+r")
        await until_seen(pilot, "loading…")
        assert "No reports yet" not in screen_text(app_of(pilot))
        (ask,) = server.sent(ReportsRequest)
        assert isinstance(ask, ReportsRequest)
        server.send(Reports([], nonce=ask.nonce))
        await until_seen(pilot, "No reports yet.")
        await pilot.press("escape", "ctrl+r")
        await until(pilot, lambda: len(server.sent(ReportsRequest)) == 2, "the second request")


async def test_palette_opens_reports_and_each_key_closes_them() -> None:
    async with client(ScriptedServer(answer=listing(report()))) as (pilot, _):
        await pilot.press("ctrl+g")
        await until_seen(pilot, "Your reports")
        await pilot.press(*"your rep")
        await until(pilot, lambda: "Next channel" not in screen_text(app_of(pilot)), "the search")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportsScreen), "the screen")
        for key in ("escape", "ctrl+r"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")
            await open_reports(pilot)


async def test_changed_report_is_redrawn_and_the_highlight_stays() -> None:
    entries = [report(3, reported_at=LATE), report(2, "Inés", status="received")]
    async with client(ScriptedServer(answer=listing(*entries))) as (pilot, server):
        await open_reports(pilot)
        await pilot.press("down")
        await until_seen(pilot, "is sending it to the site")
        server.send(ReportStatus(structs.replace(entries[1], status="resolved", note="Account closed")))
        await until_seen(pilot, "The site says: Account closed")
        server.send(ReportStatus(report(1, reported_at=LATE + timedelta(hours=1))))
        await until(pilot, lambda: len(app_of(pilot).state.reports.entries) == 3, "another one")
        await pilot.pause()
        assert "The site says: Account closed" in screen_text(app_of(pilot))


@pytest.mark.parametrize(
    ("answer", "word", "evidence", "told"),
    [("y", "withdrawn", True, "The site will be told."), ("n", "delivered", False, "will not be told")],
)
async def test_withdrawing_asks_first(answer: str, word: str, evidence: bool, told: str) -> None:
    welcome = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=evidence))
    async with client(ScriptedServer(welcome, answer=listing(report()))) as (pilot, server):
        await open_reports(pilot)
        await pilot.press("x")
        await until_seen(pilot, "Withdraw your report about “bob”?")
        await until_seen(pilot, told)
        await pilot.press(answer)
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportsScreen), "answered")
        await until_seen(pilot, f" {word}")
        await pilot.pause()
        assert len(server.sent(Withdraw)) == (answer == "y")
        # A report that is withdrawn has nothing to withdraw, so only the other key does something.
        await pilot.press("x", "down")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportsScreen if answer == "y" else Question), "asked")


@pytest.mark.parametrize(
    ("status", "evidence", "words"),
    [
        ("received", True, "the site already has the report, it will be told that you withdrew it"),
        ("waiting", False, "the site already has the report, it will not be told"),
        ("given-up", True, "No further copies will be sent"),
        ("delivered", True, "The site will be told."),
        ("delivered", False, "already has it and will not be told"),
        ("seen", False, "already has it and will not be told"),
    ],
)
def test_question_explains_what_withdrawing_does(status: str, evidence: bool, words: str) -> None:
    assert words in withdrawal_consequence(report(status=status), evidence=evidence)


async def test_a_withdrawal_that_is_refused_says_why() -> None:
    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        if isinstance(frame, Withdraw):
            return [Error("The disk is full.", ErrorCode.STORAGE, CHAT_SERVER, frame.nonce)]
        return listing(report())(frame)

    async with client(ScriptedServer(answer=answer)) as (pilot, _):
        await open_reports(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Question), "the question")
        await pilot.press("y")
        await until_seen(pilot, "✗ The disk is full.")
        assert "✓ delivered" in screen_text(app_of(pilot))


@pytest.mark.parametrize("way", ["enter", "click"])
async def test_enter_or_click_opens_the_reported_message(way: str) -> None:
    async with client(ScriptedServer(answer=listing(report(2, "Inés ⚓", channel="lobby")))) as (pilot, _):
        await pilot.press("ctrl+n")
        await open_reports(pilot)
        await (pilot.press("enter") if way == "enter" else pilot.click("#reports-list", offset=(5, 1)))
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")
        assert app_of(pilot).state.current == "lobby"
        view = pilot.app.screen.query_one(TimelineView)
        assert view.highlighted
        assert view.highlighted.msg_id == 2
        assert view.has_focus


async def test_reported_message_that_is_not_loaded_is_loaded_first() -> None:
    far = report(20, channel="galley")

    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, HistoryRequest):
            return listing(far)(frame)
        last = (frame.before_id or 60) - 1
        page = [line(number, "bob", f"rope {number}", "galley") for number in range(last - 9, last + 1)]
        return [History(frame.channel, page, more=last > 20, nonce=frame.nonce)]

    async with client(ScriptedServer(answer=answer)) as (pilot, _):
        await open_reports(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")
        view = pilot.app.screen.query_one(TimelineView)
        await until(pilot, lambda: view.highlighted is not None and view.highlighted.msg_id == 20, "there")
        assert app_of(pilot).state.current == "galley"
        assert view.has_focus


@pytest.mark.parametrize(
    ("entry", "muted", "words"),
    [
        (report(3), "bob", "“bob” is muted or blocked"),
        (report(3, channel="gone"), "", "The channel of that message no longer exists."),
    ],
)
async def test_hidden_or_gone_message_is_not_opened(entry: ReportEntry, muted: str, words: str) -> None:
    async with client(ScriptedServer(answer=listing(entry))) as (pilot, _):
        if muted:
            fold(app_of(pilot).state, Relations([muted]))
        await open_reports(pilot)
        await pilot.press("enter")
        await until_seen(pilot, words)
        assert isinstance(pilot.app.screen, ReportsScreen)
        assert "gone" not in app_of(pilot).state.timelines


async def test_offline_reports_show_the_last_status_and_cannot_be_withdrawn() -> None:
    known = Reports([report(99)])
    async with client(ScriptedServer(opening=(PEOPLE, OPENING, known))) as (pilot, server):
        await until(pilot, lambda: bool(app_of(pilot).state.reports.entries), "the reports")
        server.login = lambda frame: Error("Not now.", ErrorCode.INTERNAL, CHAT_SERVER)
        server.drop()
        await until(pilot, lambda: not app_of(pilot).client.online, "offline")
        await pilot.press("ctrl+r")
        await until_seen(pilot, "last known status")
        assert "✓ delivered" in screen_text(app_of(pilot))
        await pilot.press("x")
        await until_seen(pilot, "You are offline.")
        await pilot.press("enter")
        await until_seen(pilot, "That message is not loaded. You are offline.")
        assert not server.sent(ReportsRequest)


async def test_the_list_of_reports_is_unavailable_without_a_report_webhook() -> None:
    off = structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=True))
    async with client(ScriptedServer(off)) as (pilot, _):
        assert "Reports" not in screen_text(app_of(pilot))
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert isinstance(pilot.app.screen, RoomScreen)
        await pilot.press("ctrl+g")
        await until_seen(pilot, "Who is here")
        assert "My reports" not in screen_text(app_of(pilot))


async def test_reports_that_changed_before_the_start_are_shown() -> None:
    changed = Reports([report(status="resolved", note="Account closed")], ["rep_3"])
    async with client(ScriptedServer(opening=(PEOPLE, OPENING, changed))) as (pilot, _):
        await until_seen(pilot, "Your report about “bob” was resolved.")
        await until_seen(pilot, "⚑★")


async def test_report_without_an_answer_is_counted_as_not_received() -> None:
    async with client(ScriptedServer(answer=listing())) as (pilot, _):
        await pilot.press("up", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReportForm), "the form")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ReportForm), "the form is gone")
        await open_reports(pilot)
        await until_seen(pilot, "1 report has not reached the server yet")


async def test_report_of_a_deleted_message_says_that_it_was_deleted() -> None:
    async with client(ScriptedServer(answer=listing(report(message="")))) as (pilot, _):
        await open_reports(pilot)
        assert screen_text(app_of(pilot)).count("message deleted") == 2


async def test_offline_error_disappears_after_reconnecting() -> None:
    async with client(ScriptedServer(answer=listing(report()))) as (pilot, server):
        await open_reports(pilot)
        async with away(pilot, server):
            await pilot.press("x")
            await until_seen(pilot, "You are offline.")
        await until(pilot, lambda: "You are offline." not in screen_text(app_of(pilot)), "gone")
