"""Every key of the table, pressed where it works. Its effect holds afterwards, and did not hold before."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import structs
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, OptionList

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    Block,
    ChannelEntry,
    ClientFrame,
    Echo,
    Edit,
    Error,
    Login,
    Mute,
    ProfileRequest,
    ReportRequest,
    Reports,
    ReportsRequest,
    Say,
    SearchRequest,
    SearchResults,
    ServerFrame,
    Webhooks,
)
from tests.support.pilots import app_of, client, first_start, screen_text, until
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, line, relating, report
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.mentions_screen import MentionsScreen
from tui.fullscreen.screens.message_editor import EditedText, MessageEditor
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.report_form import Comment, ReportForm
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.screens.search_screen import SearchScreen
from tui.fullscreen.screens.settings import SettingsScreen
from tui.fullscreen.screens.start import StartScreen
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.fullscreen.widgets.row_list import RowList

LATEST = 13
SAID = [
    line(1, "bob", "number 1"),
    # More than a screen, so that there is something to scroll.
    line(2, "bob", "number 2\n" + "more\n" * 40),
    *(line(number, "bob", f"number {number}") for number in range(3, 10)),
    line(10, "bob", "number 10 https://example.org"),
    line(11, "bob", "number 11"),
    line(LATEST - 1, "ada", "> bob» number 3\nof my own"),
    line(LATEST, "bob", "rope for @ada"),
]


class Now(NamedTuple):
    """A running client and its server."""

    app: FlagpostApp
    server: ScriptedServer


Condition = Callable[[Now], bool]


class Does(NamedTuple):
    """A key to test: its ID in the table, and what must hold after it is pressed, and not before."""

    key_id: str
    effect: Condition
    nth: int = 0
    """Which of the keys to press, where the table has several for the same."""

    @property
    def pressed(self) -> str:
        """Return the key to press."""
        return next(key.keys for key in KEYS if key.id == self.key_id).split(",")[self.nth]


Walk = Sequence[str | Condition | Does]
"""Keys that only lead somewhere, conditions to wait for, and the keys to test, in one client from its start."""


def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
    """Answer the requests that the keys cause."""
    if isinstance(frame, ReportsRequest):
        return [Reports([report(2), report(3)], nonce=frame.nonce)]
    if isinstance(frame, SearchRequest):
        return [SearchResults([SAID[3], SAID[2]], more=False, nonce=frame.nonce)]
    if isinstance(frame, Say) and frame.message == "refused":
        return [Error("No.", ErrorCode.NOT_HERE, CHAT_SERVER, frame.nonce)]
    return relating()(frame)


def script() -> ScriptedServer:
    """A room with enough content, at a site that accepts evidence."""
    others = [ChannelEntry(f"c{number}", f"Deck {number}") for number in range(2, 10)]
    webhooks = Webhooks(report=True, profile=True, evidence=True)
    welcome = structs.replace(WELCOME, channels=[ChannelEntry("lobby", "Lobby"), *others], webhooks=webhooks)
    return ScriptedServer(welcome, (PEOPLE, Echo(SAID), line(LATEST + 1, "bob", "soup", "c5")), answer=answer)


def on(kind: type[Widget]) -> Condition:
    """Return a condition: a screen of this class is shown, and one of its widgets has the focus."""
    return lambda now: isinstance(now.app.screen, kind) and now.app.screen.is_mounted and now.app.focused is not None


def focus(kind: type[Widget]) -> Condition:
    """Return a condition: a widget of this class has the focus, or one inside it."""

    def has_it(now: Now) -> bool:
        focused = now.app.focused
        return focused is not None and any(isinstance(each, kind) for each in focused.ancestors_with_self)

    return has_it


def sent(kind: type[ClientFrame]) -> Condition:
    """Return a condition: the server has received such a frame."""
    return lambda now: bool(now.server.sent(kind))


def seen(text: str) -> Condition:
    """Return a condition: the screen shows a text."""
    return lambda now: text in screen_text(now.app)


def unseen(text: str) -> Condition:
    """Return a condition: the screen does not show a text."""
    return lambda now: text not in screen_text(now.app)


def at(channel: str) -> Condition:
    """Return a condition: a channel or conversation is open."""
    return lambda now: now.app.state.current == channel


def highlighted(number: int) -> Condition:
    """Return a condition: the message with this number is highlighted."""
    return lambda now: (lit := now.app.query_one(TimelineView).highlighted) is not None and lit.msg_id == number


def written(text: str) -> Condition:
    """Return a condition: the composer, comment or edited message that has the focus contains a text."""
    return lambda now: isinstance(now.app.focused, Composer | Comment | EditedText) and now.app.focused.text == text


def row(number: int) -> Condition:
    """Return a condition: a row of the list on the screen is highlighted; rows count from 0."""

    def lit(now: Now) -> bool:
        lists = [*now.app.screen.query(RowList), *now.app.screen.query(OptionList)]
        return any(each.highlighted == number for each in lists if each.display)

    return lit


def channel(wanted: str) -> Condition:
    """Return a condition: the channel with this ID is highlighted in the list of channels."""

    def lit(now: Now) -> bool:
        return now.app.query_one("#channels", RowList).chosen == wanted

    return lit


def button(name: str) -> Condition:
    """Return a condition: the button with this ID has the focus."""
    return lambda now: now.app.focused is not None and now.app.focused.id == name


def theme(name: str) -> Condition:
    """Return a condition: a theme is chosen."""
    return lambda now: now.app.theme == name


def closed(now: Now) -> bool:
    """Return whether no profile is shown."""
    return now.app.state.profile is None


def ended(now: Now) -> bool:
    """Return whether the client ends."""
    return now.app._exit


def offered(now: Now) -> bool:
    """Offer to mute someone, as after a report; return whether the offer is shown."""
    now.app.state.mute_offer = "bob"
    now.app.redraw()
    return "Mute “bob”?" in screen_text(now.app)


ROOM = on(RoomScreen)
LIT: Walk = ["up", highlighted(LATEST)]
CHANNELS: Walk = ["shift+tab", focus(TimelineView), "shift+tab", focus(PlaceLists)]
PEOPLE_LIST: Walk = ["ctrl+o", focus(PeopleList), "home", "down", "down"]
QUESTION: Walk = [*PEOPLE_LIST, "b", on(Question)]
PROFILE: Walk = [*LIT, "p", focus(ProfilePanel)]
FORM: Walk = [*LIT, "up", "up", highlighted(LATEST - 2), "r", on(ReportForm), seen("10 before and 2 after")]
FOUND: Walk = ["ctrl+f", on(SearchScreen), *"rope", "enter", seen("2 found"), focus(RowList)]


def again(key_id: str, effect: Condition, back: str, times: int = 2) -> Walk:
    """Return a walk with each of the keys that do the same; `back` undoes the effect of each."""
    return [each for nth in range(times) for each in (ROOM, Does(key_id, effect, nth), back)]


WALKS: dict[str, Walk] = {
    "help": [
        *(Does("always.help", on(HelpScreen)), Does("help.close", ROOM)),
        *(Does("always.help", on(HelpScreen), 1), Does("help.close", ROOM, 1)),
    ],
    "channels in order": [
        *(Does("everywhere.next_channel_1", at("c2")), Does("everywhere.next_channel_1", at("c3"), 1)),
        *(Does("everywhere.next_channel_-1", at("c2")), Does("everywhere.next_channel_-1", at("lobby"), 1)),
        *(Does("everywhere.step_-1", at("c2")), Does("everywhere.step_1", at("lobby"))),
    ],
    "channels by number": [
        *(Does(f"everywhere.open_number_{number}", at(f"c{number}")) for number in range(2, 10)),
        Does("everywhere.open_number_1", at("lobby")),
    ],
    "unread": [
        Does("everywhere.first_unread", seen("No unread messages here.")),
        Does("everywhere.open_unread", at("c5")),
    ],
    "people": again("everywhere.people", focus(PeopleList), "escape"),
    "focus": [
        *(Does("everywhere.focus_next", focus(PeopleList)), "escape", focus(Composer)),
        Does("everywhere.focus_previous", focus(TimelineView)),
    ],
    "status": again("everywhere.my_status", on(Picker), "escape"),
    "commands": again("everywhere.commands", on(Picker), "escape"),
    "edit failed": [*"refused", "enter", seen("Not sent: No."), Does("everywhere.edit_failed", written("refused"))],
    "offer to mute": [
        *(offered, Does("everywhere.decline_offer", unseen("Mute “bob”?"))),
        *(offered, Does("everywhere.accept_offer", sent(Mute))),
    ],
    "connect": [Does("everywhere.connect", on(StartScreen))],
    "reconnect": [Does("everywhere.reconnect", lambda now: len(now.server.sent(Login)) > 1)],
    "quit": [Does("everywhere.quit", ended)],
    "quit by alt": [Does("everywhere.quit", ended, 1)],
    "sending": [
        *(*"hi", Does("composer.send", sent(Say)), *"ho"),
        *(Does("composer.recall_1", written("hi")), Does("composer.recall_-1", written("ho"))),
        *(Does("composer.recall_1", written("hi"), 1), Does("composer.recall_-1", written("ho"), 1)),
    ],
    "composer": [
        *(*"@bo", Does("composer.complete", written("@bob ")), Does("composer.edit", seen("No editor is set"))),
        *(Does("composer.new_line", written("@bob " + "\n" * (nth + 1)), nth) for nth in range(3)),
    ],
    "composer and timeline": [
        *(Does("composer.scroll_-1", unseen("number 11")), Does("composer.scroll_1", seen("number 11"))),
        *("pageup", unseen("number 11"), Does("composer.end", seen("number 11"))),
        Does("composer.up", highlighted(LATEST)),
    ],
    "messages": [
        *(*LIT, Does("messages.copy", lambda now: now.app.clipboard == "rope for @ada")),
        *(Does("messages.move_-1", highlighted(LATEST - 1)), Does("messages.move_1", highlighted(LATEST))),
        *(Does("messages.move_-10", highlighted(LATEST - 10)), Does("messages.move_10", highlighted(LATEST))),
        *(Does("messages.first", highlighted(1)), Does("messages.last", highlighted(LATEST))),
        *("up", highlighted(LATEST - 1), Does("messages.original", highlighted(3))),
        Does("messages.leave", focus(Composer)),
    ],
    "dialogs of a message": [
        *(*LIT, Does("messages.report", on(ReportForm)), "escape", ROOM),
        *(Does("messages.react", on(Picker)), "escape", ROOM),
        *(Does("messages.search", on(SearchScreen)), "escape", ROOM),
        Does("messages.help", on(HelpScreen)),
    ],
    "dialogs of the user's own message": [
        *(*LIT, "up", highlighted(LATEST - 1), Does("messages.take_back", on(Question)), "escape", ROOM),
        *(Does("messages.edit_message", on(MessageEditor)), Does("editor.cancel", ROOM), "c", on(MessageEditor)),
        *(Does("editor.new_line", written("> bob» number 3\nof my own" + "\n" * (nth + 1)), nth) for nth in range(3)),
        *("!", Does("editor.save", sent(Edit))),
    ],
    "link": [*LIT, "up", "up", "up", highlighted(10), Does("messages.open_link", on(Question))],
    "reply": [*LIT, Does("messages.reply", written("> bob» rope for @ada\n"))],
    "mute": [*LIT, Does("messages.mute", sent(Mute))],
    "direct": [*LIT, Does("messages.direct", at("@bob"))],
    "profile": [
        *(*LIT, Does("messages.profile", sent(ProfileRequest)), focus(ProfilePanel)),
        *(Does("profile.close", closed), "p", focus(ProfilePanel), Does("profile.close", closed, 1)),
    ],
    "actions of a profile": [
        *(*PROFILE, Does("profile.block", on(Question)), "escape", ROOM),
        *(Does("profile.mute", sent(Mute)), Does("profile.direct", at("@bob"))),
    ],
    "list of channels": [
        *(*CHANNELS, Does("channels.leave", focus(Composer))),
        *(*CHANNELS, "down", channel("c2"), Does("channels.select", at("c2"))),
    ],
    "list of people": [
        *(*PEOPLE_LIST, Does("people.mute", sent(Mute)), Does("people.block", on(Question)), "escape", ROOM),
        *(Does("people.profile", sent(ProfileRequest)), focus(ProfilePanel), "escape", focus(PeopleList)),
        Does("people.leave", focus(Composer)),
        *(*PEOPLE_LIST, Does("people.select", lambda now: now.app.state.current.startswith("@"))),
    ],
    "reports": [
        *(Does("everywhere.my_reports", on(ReportsScreen)), Does("reports.close", ROOM)),
        *(Does("everywhere.my_reports", on(ReportsScreen), 1), Does("reports.close", ROOM, 1)),
        *("ctrl+r", on(ReportsScreen), seen("delivered"), Does("reports.withdraw", on(Question)), "escape"),
        *(on(ReportsScreen), Does("reports.jump", ROOM)),
    ],
    "context of a report": [
        *(*FORM, Does("form.fewer", seen("9 before and 2 after")), Does("form.more", seen("10 before"))),
        *(Does("form.alone", seen("only this message")), Does("form.cancel", ROOM)),
        *("r", on(ReportForm), Does("form.submit", sent(ReportRequest))),
    ],
    "comment of a report": [
        *(*FORM, Does("reasons.select", focus(Comment))),
        *(Does("comment.new_line", written("\n" * (nth + 1)), nth) for nth in range(3)),
        Does("comment.submit", sent(ReportRequest)),
    ],
    "picker": [
        *(Does("everywhere.switch", on(Picker)), row(0), Does("picker.close", ROOM)),
        *(Does("everywhere.switch", on(Picker), 1), row(0), Does("picker.move_1", row(1))),
        *(Does("picker.move_-1", row(0)), *"deck 7", row(0), Does("picker.choose", at("c7"))),
    ],
    "search": [
        *(Does("everywhere.search", on(SearchScreen)), Does("search.close", ROOM)),
        *(Does("everywhere.search", on(SearchScreen), 1), Does("search.close", ROOM, 1)),
        *(*FOUND, Does("search.write", focus(Input)), Does("search.list", focus(RowList))),
        Does("search.jump", lambda now: ROOM(now) and highlighted(4)(now)),
    ],
    "mentions": [
        *(Does("everywhere.mentions", on(MentionsScreen)), Does("mentions.close", ROOM)),
        *("alt+m", on(MentionsScreen), Does("mentions.close", ROOM, 1), "alt+m", on(MentionsScreen), row(0)),
        Does("mentions.jump", lambda now: ROOM(now) and highlighted(LATEST)(now)),
    ],
    "question": [
        *(*QUESTION, Does("question.other", button("question-yes")), Does("question.other", button("question-no"), 1)),
        *(Does("question.no", ROOM, 1), "b", on(Question), Does("question.choose", ROOM)),
    ],
    "question declined": [*QUESTION, Does("question.no", ROOM)],
    "question confirmed": [*QUESTION, Does("question.yes", sent(Block))],
    "settings": [
        *(Does("everywhere.settings", on(SettingsScreen)), Does("settings.close", ROOM)),
        *("f2", on(SettingsScreen), Does("settings.close", ROOM, 1), "f2", on(SettingsScreen), row(0)),
        *(Does("settings.cycle_1", theme("flagpost-light")), Does("settings.cycle_-1", theme("flagpost-dark"))),
        *(Does("settings.cycle_1", theme("flagpost-light"), 1), Does("settings.choose", on(Picker))),
    ],
}
STARTS: dict[str, Walk] = {
    "start": [Does("start.go_on", ROOM)],
    "start elsewhere": [
        *("enter", lambda now: now.app.client.online, ROOM, "f4", on(StartScreen), Does("start.cancel", ROOM)),
    ],
    "quit at the start": [Does("start.quit", ended)],
}
"""The same for the first start, which asks for a name and a server."""
BY_MOUSE = {("everywhere.copy_text", 0), ("everywhere.copy_text", 1), ("composer.unmark", 0)}
"""These need the mouse: each has a test of its own."""


def test_each_key_of_the_table_is_tested_in_this_module() -> None:
    table = {(key.id, nth) for key in KEYS for nth in range(len(key.keys.split(",")))}
    walks = [*WALKS.values(), *STARTS.values()]
    assert {(each.key_id, each.nth) for walk in walks for each in walk if isinstance(each, Does)} == table - BY_MOUSE


@pytest.fixture(autouse=True)
def _no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
async def test_keys_do_what_they_say(walk: Walk) -> None:
    async with client(script()) as (pilot, server):
        await _go(pilot, Now(app_of(pilot), server), walk)


@pytest.mark.parametrize("walk", STARTS.values(), ids=STARTS.keys())
async def test_keys_of_the_first_start_do_what_they_say(walk: Walk, tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, server):
        await _go(pilot, Now(app_of(pilot), server), walk)


async def _go(pilot: Pilot[None], now: Now, walk: Walk) -> None:
    for step in walk:
        if isinstance(step, str):
            await pilot.press(step)
        elif isinstance(step, Does):
            assert not step.effect(now), f"it was so before: {step.key_id}"
            await pilot.press(step.pressed)
            await until(pilot, partial(step.effect, now), f"{step.key_id} by {step.pressed}")
        else:
            await until(pilot, partial(step, now), "where the next key works")


async def test_text_selected_by_the_mouse_is_copied() -> None:
    async with client(script()) as (pilot, server):
        app = app_of(pilot)
        y, text = next((y, text) for y, text in enumerate(screen_text(app).splitlines()) if "number 9" in text)
        view = app.query_one(TimelineView)
        await pilot.click(view, offset=Offset(text.index("number 9"), y) - view.region.offset, times=2)
        await until(pilot, lambda: app.screen.get_selected_text() == "number 9", "selected")
        for nth in range(2):
            app.copy_to_clipboard("")
            copied = Does("everywhere.copy_text", lambda now: now.app.clipboard == "number 9", nth)
            await _go(pilot, Now(app, server), [copied])
