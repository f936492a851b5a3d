"""Every key of the table, pressed where it works. Its effect holds afterwards, and did not hold before."""

from collections.abc import Callable, Sequence
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
    Relations,
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
from tui.fullscreen.keys.keymap import KEYS, Where
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
Step = str | Condition
"""A key to press, or a condition to wait for."""


class Case(NamedTuple):
    """How to reach the place where a key works, and the effect to expect."""

    steps: Sequence[Step]
    comes: Condition


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
    """A screen of this class is shown and one of its widgets has the focus."""
    return lambda now: isinstance(now.app.screen, kind) and now.app.screen.is_mounted and now.app.focused is not None


def focus(kind: type[Widget]) -> Condition:
    """A widget of this class has the focus, or one inside it."""

    def has_it(now: Now) -> bool:
        focused = now.app.focused
        return focused is not None and any(isinstance(each, kind) for each in focused.ancestors_with_self)

    return has_it


def sent(kind: type[ClientFrame]) -> Condition:
    """The server has received such a frame."""
    return lambda now: bool(now.server.sent(kind))


def seen(text: str) -> Condition:
    """The screen shows a text."""
    return lambda now: text in screen_text(now.app)


def unseen(text: str) -> Condition:
    """The screen does not show a text."""
    return lambda now: text not in screen_text(now.app)


def at(channel: str) -> Condition:
    """A channel or conversation is open."""
    return lambda now: now.app.state.current == channel


def highlighted(number: int) -> Condition:
    """The message with this number is highlighted."""
    return lambda now: (lit := now.app.query_one(TimelineView).highlighted) is not None and lit.msg_id == number


def written(text: str) -> Condition:
    """The composer, the comment of a report or the message that is edited contains a text."""
    return lambda now: isinstance(now.app.focused, Composer | Comment | EditedText) and now.app.focused.text == text


def row(number: int) -> Condition:
    """A row of the list on the screen is highlighted; rows count from 0."""

    def lit(now: Now) -> bool:
        lists = [*now.app.screen.query(RowList), *now.app.screen.query(OptionList)]
        return any(each.highlighted == number for each in lists if each.display)

    return lit


def channel(wanted: str) -> Condition:
    """A channel is highlighted in the list of channels, by ID."""

    def lit(now: Now) -> bool:
        return now.app.query_one("#channels", RowList).chosen == wanted

    return lit


def ended(now: Now) -> bool:
    """The client ends."""
    return now.app._exit


def offered(now: Now) -> bool:
    """To mute someone is offered, as after a report."""
    now.app.state.mute_offer = "bob"
    now.app.show()
    return "Mute “bob”?" in screen_text(now.app)


ROOM = on(RoomScreen)
TURNED: Sequence[Step] = ["ctrl+n", at("c2")]
LIT: Sequence[Step] = ["up", highlighted(LATEST)]
CHANNELS: Sequence[Step] = ["shift+tab", focus(TimelineView), "shift+tab", focus(PlaceLists)]
PEOPLE_LIST: Sequence[Step] = ["ctrl+o", focus(PeopleList), "home", "down", "down"]
PROFILE: Sequence[Step] = [*LIT, "p", focus(ProfilePanel)]
REPORTS: Sequence[Step] = ["ctrl+r", on(ReportsScreen), seen("delivered")]
FORM: Sequence[Step] = [*LIT, "up", "up", highlighted(LATEST - 2), "r", on(ReportForm), seen("10 before and 2 after")]
EDITED: Sequence[Step] = [*LIT, "up", highlighted(LATEST - 1), "c", on(MessageEditor)]
COMMENT: Sequence[Step] = [*FORM, "enter", focus(Comment)]
PICKER: Sequence[Step] = ["ctrl+k", on(Picker), row(0)]
SEARCH: Sequence[Step] = ["ctrl+f", on(SearchScreen)]
FOUND: Sequence[Step] = [*SEARCH, *"rope", "enter", seen("2 found"), focus(RowList)]
MENTIONS: Sequence[Step] = ["alt+m", on(MentionsScreen), row(0)]
QUESTION: Sequence[Step] = [*PEOPLE_LIST, "b", on(Question)]
SETTINGS: Sequence[Step] = ["f2", on(SettingsScreen), row(0)]

CASES = {
    "always.help": Case([], on(HelpScreen)),
    "everywhere.next_channel_1": Case([], at("c2")),
    "everywhere.next_channel_-1": Case([], at("c9")),
    "everywhere.step_-1": Case(TURNED, at("lobby")),
    "everywhere.step_1": Case([*TURNED, "alt+left", at("lobby")], at("c2")),
    "everywhere.open_unread": Case([], at("c5")),
    "everywhere.first_unread": Case([], seen("No unread messages here.")),
    "everywhere.switch": Case([], on(Picker)),
    "everywhere.open_number_1": Case(TURNED, at("lobby")),
    **{f"everywhere.open_number_{number}": Case([], at(f"c{number}")) for number in range(2, 10)},
    "everywhere.people": Case([], focus(PeopleList)),
    "everywhere.search": Case([], on(SearchScreen)),
    "everywhere.edit_failed": Case([*"refused", "enter", seen("Not sent: No.")], written("refused")),
    "everywhere.accept_offer": Case([offered], sent(Mute)),
    "everywhere.decline_offer": Case([offered], unseen("Mute “bob”?")),
    "everywhere.mentions": Case([], on(MentionsScreen)),
    "everywhere.my_reports": Case([], on(ReportsScreen)),
    "everywhere.my_status": Case([], on(Picker)),
    "everywhere.settings": Case([], on(SettingsScreen)),
    "everywhere.connect": Case([], on(StartScreen)),
    "everywhere.reconnect": Case([], lambda now: len(now.server.sent(Login)) > 1),
    "everywhere.commands": Case([], on(Picker)),
    "everywhere.focus_next": Case([], focus(PeopleList)),
    "everywhere.focus_previous": Case([], focus(TimelineView)),
    "everywhere.quit": Case([], ended),
    "composer.send": Case([*"hi"], sent(Say)),
    "composer.new_line": Case([*"hi"], written("hi\n")),
    "composer.complete": Case([*"@bo"], written("@bob ")),
    "composer.edit": Case([*"hi"], seen("No editor is set")),
    "composer.scroll_-1": Case([], unseen("number 11")),
    "composer.scroll_1": Case(["pageup", unseen("number 11")], seen("number 11")),
    "composer.end": Case(["pageup", unseen("number 11")], seen("number 11")),
    "composer.recall_1": Case([*"hi", "enter", sent(Say), *"ho"], written("hi")),
    "composer.recall_-1": Case([*"hi", "enter", sent(Say), *"ho", "ctrl+up", written("hi")], written("ho")),
    "composer.up": Case([], highlighted(LATEST)),
    "messages.move_-1": Case(LIT, highlighted(LATEST - 1)),
    "messages.move_1": Case([*LIT, "up", highlighted(LATEST - 1)], highlighted(LATEST)),
    "messages.move_-10": Case(LIT, highlighted(LATEST - 10)),
    "messages.move_10": Case([*LIT, "pageup", highlighted(LATEST - 10)], highlighted(LATEST)),
    "messages.first": Case(LIT, highlighted(1)),
    "messages.last": Case([*LIT, "home", highlighted(1)], highlighted(LATEST)),
    "messages.reply": Case(LIT, written("> bob» rope for @ada\n")),
    "messages.original": Case([*LIT, "up", highlighted(LATEST - 1)], highlighted(3)),
    "messages.report": Case(LIT, on(ReportForm)),
    "messages.profile": Case(LIT, sent(ProfileRequest)),
    "messages.react": Case(LIT, on(Picker)),
    "messages.direct": Case(LIT, at("@bob")),
    "messages.mute": Case(LIT, sent(Mute)),
    "messages.take_back": Case([*LIT, "up", highlighted(LATEST - 1)], on(Question)),
    "messages.edit_message": Case([*LIT, "up", highlighted(LATEST - 1)], on(MessageEditor)),
    "messages.open_link": Case([*LIT, "up", "up", "up", highlighted(10)], on(Question)),
    "messages.search": Case(LIT, on(SearchScreen)),
    "messages.copy": Case(LIT, lambda now: now.app.clipboard == "rope for @ada"),
    "messages.help": Case(LIT, on(HelpScreen)),
    "messages.leave": Case(LIT, focus(Composer)),
    "channels.select": Case([*CHANNELS, "down", channel("c2")], at("c2")),
    "channels.leave": Case(CHANNELS, focus(Composer)),
    "people.select": Case(PEOPLE_LIST, lambda now: now.app.state.current.startswith("@")),
    "people.profile": Case(PEOPLE_LIST, sent(ProfileRequest)),
    "people.mute": Case(PEOPLE_LIST, sent(Mute)),
    "people.block": Case(PEOPLE_LIST, on(Question)),
    "people.leave": Case(PEOPLE_LIST, focus(Composer)),
    "profile.direct": Case(PROFILE, at("@bob")),
    "profile.mute": Case(PROFILE, sent(Mute)),
    "profile.block": Case(PROFILE, on(Question)),
    "profile.close": Case([*LIT, "p", focus(ProfilePanel)], lambda now: now.app.state.profile is None),
    "reports.jump": Case(REPORTS, ROOM),
    "reports.withdraw": Case(REPORTS, on(Question)),
    "reports.close": Case(REPORTS, ROOM),
    "editor.save": Case([*EDITED, "!"], sent(Edit)),
    "editor.new_line": Case(EDITED, written("> bob» number 3\nof my own\n")),
    "editor.cancel": Case(EDITED, ROOM),
    "form.fewer": Case(FORM, seen("9 before and 2 after")),
    "form.more": Case([*FORM, "minus", seen("9 before")], seen("10 before")),
    "form.alone": Case(FORM, seen("only this message")),
    "form.submit": Case(FORM, sent(ReportRequest)),
    "form.cancel": Case(FORM, ROOM),
    "reasons.select": Case(FORM, focus(Comment)),
    "comment.submit": Case(COMMENT, sent(ReportRequest)),
    "comment.new_line": Case(COMMENT, written("\n")),
    "picker.move_1": Case(PICKER, row(1)),
    "picker.move_-1": Case([*PICKER, "down", row(1)], row(0)),
    "picker.choose": Case([*PICKER, *"deck 7", row(0)], at("c7")),
    "picker.close": Case(PICKER, ROOM),
    "search.jump": Case(FOUND, lambda now: ROOM(now) and highlighted(4)(now)),
    "search.list": Case([*FOUND, "slash", focus(Input)], focus(RowList)),
    "search.write": Case(FOUND, focus(Input)),
    "search.close": Case(SEARCH, ROOM),
    "mentions.jump": Case(MENTIONS, lambda now: ROOM(now) and highlighted(LATEST)(now)),
    "mentions.close": Case(MENTIONS, ROOM),
    "question.yes": Case(QUESTION, sent(Block)),
    "question.no": Case(QUESTION, ROOM),
    "question.other": Case(QUESTION, lambda now: now.app.focused is not None and now.app.focused.id == "question-yes"),
    "question.choose": Case(QUESTION, ROOM),
    "settings.cycle_1": Case(SETTINGS, lambda now: now.app.theme != "flagpost-dark"),
    "settings.cycle_-1": Case(SETTINGS, lambda now: now.app.theme != "flagpost-dark"),
    "settings.choose": Case(SETTINGS, on(Picker)),
    "settings.close": Case(SETTINGS, ROOM),
    "help.close": Case(["f1", on(HelpScreen)], ROOM),
    "start.go_on": Case([], ROOM),
    "start.cancel": Case(["enter", lambda now: now.app.client.online, ROOM, "f4", on(StartScreen)], ROOM),
    "start.quit": Case([], ended),
}
"""The cases, by ID of the key."""

COPY = "everywhere.copy_text"
"""This key needs the mouse, as does the one that removes a highlight. Each has a test of its own."""


def test_each_key_of_the_table_is_pressed_here() -> None:
    assert {key.id for key in KEYS} == CASES.keys() | {COPY, "composer.unmark"}


ALONE = {
    "everywhere.step_-1", "everywhere.step_1", "everywhere.open_unread", "everywhere.edit_failed", "everywhere.quit",
    "everywhere.reconnect",
    "composer.send", "messages.take_back", "form.submit", "comment.submit", "settings.cycle_1", "settings.cycle_-1",
    *(key.id for key in KEYS if key.where is Where.START),
}  # fmt: skip
"""The keys whose effect the client remembers, or does not outlive: each is pressed in a client of its own."""
PRESSED = [(key, each) for key in KEYS if key.id in CASES for each in key.keys.split(",")]
SHARED = [where for where in Where if any(key.where is where and key.id not in ALONE for key, _ in PRESSED)]


@pytest.fixture(autouse=True)
def _no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)


@pytest.mark.parametrize("where", SHARED)
async def test_the_keys_of_a_place_do_what_they_say(where: Where) -> None:
    async with client(script()) as (pilot, server):
        now = Now(app_of(pilot), server)
        for key, pressed in PRESSED:
            if key.where is where and key.id not in ALONE:
                await _assert_does(pilot, now, key.id, pressed)
                await _start_over(pilot, now)


@pytest.mark.parametrize(
    ("where", "key_id", "pressed"), [(key.where, key.id, each) for key, each in PRESSED if key.id in ALONE]
)
async def test_a_key_does_what_it_says(where: Where, key_id: str, pressed: str, tmp_path: Path) -> None:
    async with first_start(tmp_path) if where is Where.START else client(script()) as (pilot, server):
        await _assert_does(pilot, Now(app_of(pilot), server), key_id, pressed)


async def _assert_does(pilot: Pilot[None], now: Now, key_id: str, pressed: str) -> None:
    case = CASES[key_id]
    for step in case.steps:
        await _take(pilot, step, now)
    assert not case.comes(now), f"it was so before: {key_id}"
    await pilot.press(pressed)
    await until(pilot, lambda: case.comes(now), f"{key_id} by {pressed}")


async def _start_over(pilot: Pilot[None], now: Now) -> None:
    """Go back to where each case begins: the lobby, an empty composer, no draft, and a server that was sent nothing."""
    while not isinstance(now.app.screen, RoomScreen):
        await pilot.press("escape")
    if now.app.state.profile is not None:
        now.app.screen.query_one(ProfilePanel).focus()
        await pilot.press("escape")
    composer = now.app.screen.query_one(Composer)
    composer.text = ""
    composer.focus()
    await until(pilot, lambda: now.app.focused is composer, "the composer")
    if now.app.state.current != "lobby":
        await pilot.press(next(key.keys for key in KEYS if key.id == "everywhere.open_number_1").split(",")[0])
        await until(pilot, lambda: at("lobby")(now), "the lobby")
    now.app.copy_to_clipboard("")
    now.app.state.reports.drafts.clear()
    now.server.send(Relations([], []))
    await until(pilot, lambda: not now.app.state.relations.muted, "nobody is muted")
    now.server.received.clear()


async def test_what_the_mouse_selected_is_copied() -> None:
    async with client(script()) as (pilot, _):
        app = app_of(pilot)
        y, text = next((y, text) for y, text in enumerate(screen_text(app).splitlines()) if "number 9" in text)
        view = app.query_one(TimelineView)
        await pilot.click(view, offset=Offset(text.index("number 9"), y) - view.region.offset, times=2)
        await until(pilot, lambda: app.screen.get_selected_text() == "number 9", "selected")
        for pressed in next(key.keys for key in KEYS if key.id == COPY).split(","):
            app.copy_to_clipboard("")
            await pilot.press(pressed)
            await until(pilot, lambda: app.clipboard == "number 9", f"copied by {pressed}")


async def _take(pilot: Pilot[None], step: Step, now: Now) -> None:
    if isinstance(step, str):
        await pilot.press(step)
    else:
        await until(pilot, lambda: step(now))
