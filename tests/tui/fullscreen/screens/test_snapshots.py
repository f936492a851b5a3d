"""Pictures of the main states of each screen; `pytest --snapshot-update` takes new ones after a look at them."""

import inspect
import os
import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest
from msgspec import structs
from textual.app import App
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

import tui.fullscreen.screens
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Echo,
    Error,
    Mute,
    Profile,
    ProfileField,
    ProfileRequest,
    React,
    Reacted,
    Relations,
    ReportRequest,
    Reports,
    ReportsRequest,
    SearchRequest,
    SearchResults,
    ServerFrame,
    Takeback,
    Webhooks,
)
from tests.support.pilots import until, until_seen
from tests.support.scripted_server import BEGIN, PEOPLE, WELCOME, ScriptedServer, line, report, scripted_server, stands
from tui.config import Config, Hours, Loaded
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.room.screen import ChatScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.live import LiveScreen
from tui.fullscreen.screens.mentions import MentionsScreen
from tui.fullscreen.screens.name import NamePrompt
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.report import ReportForm
from tui.fullscreen.screens.reports import ReportsScreen
from tui.fullscreen.screens.search import SearchScreen
from tui.fullscreen.screens.settings import SettingsScreen
from tui.fullscreen.screens.start import StartScreen
from tui.options import Options


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(
        self,
        app: App[None],
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[None]], object],
    ) -> bool: ...


Steps = Sequence[str]

TALK = Echo(
    [
        line(1, "bob", "Good *morning* all, wind is **NE 4** and the `lamp` is lit"),
        line(2, "bob", "List:\n- rope\n- 灯台の油\n\n```\nfor each in rope:\n    splice(each)\n```"),
        line(3, "Inés ⚓", "@ada, see https://tides.example/today or [the log](https://log.example/) 👩‍👩‍👧 🏳️‍🌈"),
        line(4, "ada", "I will be there at noon"),
        line(5, "lucky", "FREE compass at http://compass.example/claim, only today " + "and tomorrow " * 12),
    ]
)
LUCKY = report(5, "lucky", message="FREE compass at http://compass.example/claim, only today")
REPORTS = [
    structs.replace(LUCKY, status="waiting", error="It cannot be reached.", next_at=BEGIN, comment="Third time\ntoday"),
    report(4, "lucky", status="resolved", note="Thank you, the account is closed.", message="FREE tides"),
    report(3, "Inés ⚓", status="seen", reason="It's abusive (racist, homophobic, etc.)", message="See [the log](x)"),
    report(2, "bob", channel="@bob", message="List:\n- rope\n- 灯台の油"),
    report(1, "bob", status="given-up", error="It cannot be reached.", message="Good *morning* all"),
    report(6, "bob", status="withdrawn", channel="galley", reported_at=BEGIN),
]
NOTICE = Error("Welcome to **The Harbour**. Be kind.", ErrorCode.NOTICE, CHAT_SERVER, channel="lobby")


def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
    if isinstance(frame, ReportRequest):
        if frame.comment == "wait":
            words = "The website did not take it: it cannot be reached."
            return [stands(frame, ReportState.WAITING, about="lucky", error=words)]
        return [stands(frame, about="lucky")]
    if isinstance(frame, ReportsRequest):
        return [Reports(REPORTS, nonce=frame.nonce)]
    if isinstance(frame, ProfileRequest) and frame.username == "lucky":
        fields = [ProfileField("Member since", "yesterday"), ProfileField("場所", "どこでも, and a long way from here")]
        return [Profile(frame.username, fields, frame.nonce, "Trusted seller ★★★★★")]
    if isinstance(frame, ProfileRequest):
        return [Profile(frame.username, [], frame.nonce, error="This member keeps their profile private.")]
    if isinstance(frame, React):
        return [Reacted(frame.msg_id, "ada", frame.message), Reacted(frame.msg_id, "bob", "🎉")]
    if isinstance(frame, SearchRequest):
        return [
            SearchResults(
                [TALK.messages[1], line(1, "lucky", "rope for sale", "galley")], more=False, nonce=frame.nonce
            )
        ]
    if isinstance(frame, Mute):
        return [Relations([frame.username])]
    return ()


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


CALM = Loaded(Config(reduced_motion=True))
"""A cursor that blinks would be in a picture or not, as the machine goes."""
SIZES = {"80x24": (80, 24), "120x36": (120, 36), "300x100": (300, 100)}
THEMES = ("flagpost-dark", "flagpost-light")
SCREENS: dict[type[Widget], tuple[Steps, str]] = {
    ChatScreen: ([], "online as ada"),
    ReportForm: (["up", "r"], "What is wrong with it?"),
    ReportsScreen: (["ctrl+r", "WAIT:waiting", "down"], "account is closed"),
    SearchScreen: (["ctrl+f", *"rope", "enter"], "2 found"),
    MentionsScreen: (["alt+m"], "@ada, see"),
    Picker: (["ctrl+k"], "direct"),
    Question: (["ctrl+o", "down", "b"], "Block “bob”?"),
    HelpScreen: (["f1"], "Everywhere in the room"),
    SettingsScreen: (["f2"], "Reduced motion"),
    CommandPalette: (["ctrl+g"], "Next channel"),
}
"""How to get to each screen; the first start and the question for a name have tests of their own."""


def test_each_screen_has_a_picture() -> None:
    modules = [
        import_module(each.name)
        for each in pkgutil.iter_modules(tui.fullscreen.screens.__path__, "tui.fullscreen.screens.")
    ]
    found = {
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Screen) and kind.__module__ == module.__name__
    }
    # What several of them are made from is none by itself.
    assert found - {LiveScreen} == SCREENS.keys() - {CommandPalette} | {StartScreen, NamePrompt}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_screens(snap_compare: Compare, screen: type[Widget], size: tuple[int, int], theme: str) -> None:
    steps, seen = SCREENS[screen]
    with scripted_server(ScriptedServer(opening=(PEOPLE, TALK, NOTICE), answer=answer)) as server:
        app = FlagpostApp(Options("ada", server.url, loaded=Loaded(Config(theme=theme, reduced_motion=True))))
        assert snap_compare(app, terminal_size=size, run_before=_walk(["WAIT:Be kind", *steps], seen))


STATES: dict[str, tuple[Steps, str]] = {
    "highlight": (["up"], "Report"),
    "form_problem": (["up", "r", "up", "ctrl+s"], "Describe in the comment"),
    "delivered": (["up", "r", "ctrl+s"], "was delivered"),
    "waiting": (["up", "r", "enter", *"wait", "enter"], "is kept and is sent"),
    "again": (["up", "r", "ctrl+s", "WAIT:was delivered", "r"], "Add to report"),
    "taken_back": (["up"], "taken back"),
    "muted": (["up", "m", "ctrl+o", "down", "down", "down"], "muted"),
    "profile": (["up", "p"], "Trusted seller"),
    "profile_error": (["up", "up", "up", "p"], "keeps their"),
    "people": (["ctrl+o"], "Profile"),
    "reacted": (["up", "e", "WAIT:thumbs up", "enter"], "👍 1✓"),
    "emoji": (["up", "e"], "thumbs up"),
    "search_hint": (["ctrl+f"], "Write words"),
    "empty": (["ctrl+n"], "Nobody has said anything"),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("state", STATES)
def test_states_of_a_room(snap_compare: Compare, state: str, size: tuple[int, int]) -> None:
    steps, seen = STATES[state]
    # The notice comes last.
    opening: Sequence[ServerFrame] = (PEOPLE, TALK, *([Takeback(5)] if state == "taken_back" else []), NOTICE)
    with scripted_server(ScriptedServer(opening=opening, answer=answer)) as server:
        steps = ["WAIT:Be kind", *steps]
        assert snap_compare(
            FlagpostApp(Options("ada", server.url, loaded=CALM)), terminal_size=size, run_before=_walk(steps, seen)
        )


FORMS: dict[str, tuple[Steps, str]] = {
    "all": (["up", "up", "up", "r"], "2 before, 2 after"),
    "fewer": (["up", "up", "up", "r", "minus", "minus"], "the message, 1 before"),
    "alone": (["up", "up", "up", "r", "0"], "the message alone"),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_with_evidence(snap_compare: Compare, form: str, size: tuple[int, int]) -> None:
    steps, seen = FORMS[form]
    welcome = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=True))
    with scripted_server(ScriptedServer(welcome, (PEOPLE, TALK))) as server:
        assert snap_compare(
            FlagpostApp(Options("ada", server.url, loaded=CALM)), terminal_size=size, run_before=_walk(steps, seen)
        )


LOOKS = {
    "light": Config(theme="flagpost-light", reduced_motion=True),
    "contrast": Config(theme="flagpost-contrast", reduced_motion=True),
    "compact": Config(compact=True, time=Hours.H12, reduced_motion=True),
}


@pytest.mark.parametrize("look", LOOKS)
def test_looks_of_a_room(snap_compare: Compare, look: str) -> None:
    with scripted_server(ScriptedServer(opening=(PEOPLE, TALK))) as server:
        app = FlagpostApp(Options("ada", server.url, loaded=Loaded(LOOKS[look])))
        assert snap_compare(app, terminal_size=(80, 24), run_before=_walk(["up"], "Report"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_first_start(
    snap_compare: Compare, size: tuple[int, int], theme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    app = FlagpostApp(Options("ada", asks=True, loaded=Loaded(Config(theme=theme, reduced_motion=True))))
    assert snap_compare(app, terminal_size=size, run_before=_walk([], "Welcome to Flagpost", enter=False))


def test_no_reports(snap_compare: Compare) -> None:
    def none(frame: ClientFrame) -> Sequence[ServerFrame]:
        return [Reports([], nonce=frame.nonce)] if isinstance(frame, ReportsRequest) else ()

    with scripted_server(ScriptedServer(answer=none)) as server:
        app = FlagpostApp(Options("ada", server.url, loaded=CALM))
        assert snap_compare(app, terminal_size=(80, 24), run_before=_walk(["ctrl+r"], "You have reported nothing"))


def test_webhooks_off(snap_compare: Compare) -> None:
    welcome = structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=False))
    with scripted_server(ScriptedServer(welcome, (PEOPLE, TALK))) as server:
        app = FlagpostApp(Options("ada", server.url, loaded=CALM))
        assert snap_compare(app, terminal_size=(80, 24), run_before=_walk(["up"], "Direct"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_name_refused(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    refused = Error("A name cannot be empty.", ErrorCode.BAD_NAME, CHAT_SERVER)
    with scripted_server(ScriptedServer(login=lambda frame: refused)) as server:
        app = FlagpostApp(Options("ada", server.url, loaded=Loaded(Config(theme=theme, reduced_motion=True))))
        assert snap_compare(app, terminal_size=size, run_before=_walk([], "By which name", enter=False))


def test_settings_unusable(snap_compare: Compare) -> None:
    app = FlagpostApp(Options("ada", settings=Path("no-such-settings.toml"), loaded=CALM))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_walk([], "There is no server", enter=False))


def _walk(steps: Steps, seen: str, *, enter: bool = True) -> Callable[[Pilot[None]], object]:
    async def walk(pilot: Pilot[None]) -> None:
        if enter:
            await until_seen(pilot, "online as ada")
            await until(pilot, lambda: _app(pilot.app).state.last_seen > 0, "the echo")
            await pilot.pause()
        for step in steps:
            if step.startswith("WAIT:"):
                await until_seen(pilot, step.removeprefix("WAIT:"))
            else:
                await pilot.press(step)
        await until_seen(pilot, seen)
        # What is under a palette or a form may still be to be drawn.
        pilot.app.screen.refresh()
        await pilot.pause()

    return walk


def _app(app: App[None]) -> FlagpostApp:
    assert isinstance(app, FlagpostApp)
    return app
