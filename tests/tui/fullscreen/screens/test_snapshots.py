"""Snapshots of each screen in its main states: a picture at 80x24, and the text of the screen at other sizes.

`pytest --snapshot-update` writes them again; review the changes before you commit them.
"""

import inspect
import os
import pkgutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol, Self

import pytest
from msgspec import structs
from textual.app import App
from textual.geometry import Size
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
from tests.support.golden import TEXTS, Golden
from tests.support.pilots import client, screen_text, until, until_seen
from tests.support.scripted_server import BEGIN, PEOPLE, WELCOME, ScriptedServer, line, report, scripted_server, stands
from tui.config import Config, Hours, LoadedConfig
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.mentions_screen import MentionsScreen
from tui.fullscreen.screens.message_editor import MessageEditor
from tui.fullscreen.screens.name import NamePrompt
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.report_form import ReportForm
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.screens.search_screen import SearchScreen
from tui.fullscreen.screens.settings import SettingsScreen
from tui.fullscreen.screens.start import StartScreen
from tui.fullscreen.themes import DARK, THEMES
from tui.options import Options


class Compare(Protocol):
    """The type of pytest-textual-snapshot's fixture."""

    def __call__(
        self,
        app: App[None],
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[None]], object],
    ) -> bool: ...


Steps = Sequence[str]
Walk = Callable[[Pilot[None]], Awaitable[None]]
"""Steps that lead to the state to compare."""

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
            words = "The site did not accept the report: it cannot be reached."
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


class Snapshots(Protocol):
    """The type of the fixture below."""

    async def __call__(self, pilot: Pilot[None], *sizes: tuple[int, int]) -> bool: ...


@pytest.fixture
def snapshots(snap_compare: Compare, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """Compare a client's picture, and its texts at these sizes: resize its terminal between them."""

    async def compare(pilot: Pilot[None], *sizes: tuple[int, int]) -> bool:
        await pilot.wait_for_scheduled_animations()
        picture = pilot.app.export_screenshot(title=pilot.app.title, simplify=True)
        await _compare_texts(pilot, golden, sizes)
        # The plugin would run the app for it.
        monkeypatch.setattr("textual._doc.take_svg_screenshot", lambda **_: picture)
        return snap_compare(pilot.app, terminal_size=PICTURE_SIZE, run_before=lambda _: None)

    return compare


async def _compare_texts(pilot: Pilot[None], golden: Golden, sizes: Sequence[tuple[int, int]]) -> None:
    for width, height in sizes:
        await _resize(pilot, Size(width, height))
        golden(f"{width}x{height}", screen_text(_app(pilot.app)))


async def _resize(pilot: Pilot[None], size: Size) -> None:
    await pilot.resize_terminal(*size)
    # Textual passes a new size on after a delay.
    await until(pilot, lambda: all(screen.size == size for screen in pilot.app.screen_stack), "the new size")
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()


class Stopped(datetime):
    """A clock that stands still: notices show when they came."""

    @classmethod
    def now(cls, _: object = None) -> Self:
        """Return a day long after the messages."""
        return cls(2026, 9, 30, 9, 26, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _dated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.client.datetime", Stopped)


@pytest.fixture(autouse=True)
def _flashes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show hints in the composer's border for the whole test, also on a slow machine."""
    monkeypatch.setattr("tui.fullscreen.widgets.composer.FLASH_SECONDS", 600.0)


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


CALM = LoadedConfig(Config(reduced_motion=True))
"""A blinking cursor would appear in snapshots at random."""
PICTURE_SIZE = (80, 24)
WIDE = (120, 36)
HUGE = (300, 100)
MOST_PICTURE_BYTES = 2_000_000
"""The most that all pictures may take: they are the largest part of a clone."""
SCREENS: dict[type[Widget], tuple[Steps, str]] = {
    RoomScreen: ([], "online as ada"),
    ReportForm: (["up", "r"], "What's wrong with this message?"),
    ReportsScreen: (["ctrl+r", "WAIT:waiting", "down"], "account is closed"),
    SearchScreen: (["ctrl+f", *"rope", "enter"], "2 found"),
    MentionsScreen: (["alt+m"], "@ada, see"),
    Picker: (["ctrl+k"], "direct"),
    Question: (["ctrl+o", "down", "b"], "Block “bob”?"),
    HelpScreen: (["f1"], "Everywhere in the room"),
    SettingsScreen: (["f2"], "Reduced motion"),
    MessageEditor: (["up", "up", "WAIT:Edit", "c"], "Everyone sees that it was edited"),
}
"""How to reach each screen; the first start and the name dialog have tests of their own."""


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
    assert found == SCREENS.keys() - {RoomScreen} | {StartScreen, NamePrompt}


def test_each_picture_and_text_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    module = request.node.getparent(pytest.Module)
    assert module
    tests = {test.name for test in module.collect()}
    files = [
        file
        for directory in ("__snapshots__", TEXTS)
        for file in (Path(__file__).with_name(directory) / Path(__file__).stem).iterdir()
    ]
    assert [file.name for file in files if file.name.partition("@")[0].removesuffix(file.suffix) not in tests] == []
    assert sum(file.stat().st_size for file in files if file.suffix == ".svg") <= MOST_PICTURE_BYTES


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
async def test_screen_matches_its_snapshot(snapshots: Snapshots, screen: type[Widget]) -> None:
    async with client(ScriptedServer(opening=(PEOPLE, TALK, NOTICE), answer=answer), PICTURE_SIZE, CALM) as (pilot, _):
        await _to_screen(screen)(pilot)
        assert await snapshots(pilot, WIDE, HUGE)


STATES: dict[str, tuple[Steps, str]] = {
    "highlight": (["up"], "Report"),
    "form_problem": (["up", "r", "up", "ctrl+s"], "Please say what's wrong"),
    "delivered": (["up", "r", "ctrl+s"], "reached the site"),
    "waiting": (["up", "r", "enter", *"wait", "enter"], "Your report about “lucky” is saved"),
    "again": (["up", "r", "ctrl+s", "WAIT:reached the site", "r"], "Add to report"),
    "taken_back": (["up"], "message deleted"),
    "muted": (["up", "m", "WAIT:is muted", "ctrl+o", "down", "down", "down"], "muted"),
    "profile": (["up", "p"], "Trusted seller"),
    "profile_error": (["up", "up", "up", "p"], "keeps their"),
    "people": (["ctrl+o"], "Profile"),
    "reacted": (["up", "e", "WAIT:thumbs up", "enter"], "👍 1✓"),
    "emoji": (["up", "e"], "thumbs up"),
    "search_hint": (["ctrl+f"], "Type words"),
    "themes": (["f2", "WAIT:Reduced motion", "enter"], "flagpost-contrast"),
    "empty": (["ctrl+n"], "Nobody has said anything"),
}


@pytest.mark.parametrize("state", STATES)
async def test_state_of_a_room_matches_its_snapshot(snapshots: Snapshots, state: str) -> None:
    async with client(_room_for(state), PICTURE_SIZE, CALM) as (pilot, _):
        await _to_state(state)(pilot)
        assert await snapshots(pilot, WIDE)


WITH_EVIDENCE = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=True))


def _room_for(state: str) -> ScriptedServer:
    # The notice comes last.
    opening: Sequence[ServerFrame] = (PEOPLE, TALK, *([Takeback(5)] if state == "taken_back" else []), NOTICE)
    # Only a site that reads evidence gets additions.
    return ScriptedServer(WITH_EVIDENCE if state == "again" else WELCOME, opening, answer=answer)


FORMS: dict[str, tuple[Steps, str]] = {
    "all": (["up", "up", "up", "r", "WAIT:2 before", "plus"], "2 before and 2 after"),
    "fewer": (["up", "up", "up", "r", "WAIT:2 before", "minus", "minus"], "this message, 1 before"),
    "alone": (["up", "up", "up", "r", "WAIT:2 before", "0"], "only this message"),
}


@pytest.mark.parametrize("form", FORMS)
async def test_form_with_evidence_matches_its_snapshot(snapshots: Snapshots, form: str) -> None:
    async with client(ScriptedServer(WITH_EVIDENCE, (PEOPLE, TALK)), PICTURE_SIZE, CALM) as (pilot, _):
        await _walk(*FORMS[form])(pilot)
        assert await snapshots(pilot, WIDE)


LOOKS = {
    **{theme.name: Config(theme=theme.name, reduced_motion=True) for theme in THEMES if theme is not DARK},
    "compact": Config(compact=True, time=Hours.H12, reduced_motion=True),
}
"""Configurations that differ from that of all other pictures."""


@pytest.mark.parametrize("look", LOOKS)
async def test_look_of_a_room_matches_its_snapshot(snapshots: Snapshots, look: str) -> None:
    script = ScriptedServer(opening=(PEOPLE, TALK))
    async with client(script, PICTURE_SIZE, LoadedConfig(LOOKS[look])) as (pilot, _):
        await _walk(["up"], "Report")(pilot)
        assert await snapshots(pilot)


async def test_first_start_matches_its_snapshot(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    async with _started(Options("ada", asks=True, loaded=CALM)) as pilot:
        await _walk([], "Welcome to Flagpost", enter=False)(pilot)
        assert await snapshots(pilot, WIDE, HUGE)


async def test_empty_list_of_reports_matches_its_snapshot(snapshots: Snapshots) -> None:
    def none(frame: ClientFrame) -> Sequence[ServerFrame]:
        return [Reports([], nonce=frame.nonce)] if isinstance(frame, ReportsRequest) else ()

    async with client(ScriptedServer(answer=none), PICTURE_SIZE, CALM) as (pilot, _):
        await _walk(["ctrl+r"], "No reports yet")(pilot)
        assert await snapshots(pilot)


async def test_room_without_webhooks_matches_its_snapshot(snapshots: Snapshots) -> None:
    welcome = structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=False))
    async with client(ScriptedServer(welcome, (PEOPLE, TALK)), PICTURE_SIZE, CALM) as (pilot, _):
        await _walk(["up"], "Message")(pilot)
        assert await snapshots(pilot)


async def test_dialog_of_a_refused_name_matches_its_snapshot(snapshots: Snapshots) -> None:
    script = ScriptedServer(login=lambda _: Error("A name cannot be empty.", ErrorCode.BAD_NAME, CHAT_SERVER))
    with scripted_server(script) as server:
        async with _started(Options("ada", server.url, loaded=CALM)) as pilot:
            await _walk(["WAIT:waiting for a name"], "Choose another name", enter=False)(pilot)
            assert await snapshots(pilot, WIDE, HUGE)


async def test_notice_of_unusable_settings_matches_its_snapshot(snapshots: Snapshots) -> None:
    async with _started(Options("ada", settings=Path("no-such-settings.toml"), loaded=CALM)) as pilot:
        await _walk([], "There is no server", enter=False)(pilot)
        assert await snapshots(pilot)


@asynccontextmanager
async def _started(options: Options) -> AsyncIterator[Pilot[None]]:
    app = FlagpostApp(options)
    async with app.run_test(size=PICTURE_SIZE) as pilot:
        yield pilot
        await app.leave()


def _to_screen(screen: type[Widget]) -> Walk:
    steps, seen = SCREENS[screen]
    return _walk(["WAIT:Be kind", *steps], seen)


def _to_state(state: str) -> Walk:
    steps, seen = STATES[state]
    return _walk(["WAIT:Be kind", *steps], seen)


def _walk(steps: Steps, seen: str, *, enter: bool = True) -> Walk:
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
        # The screen under a palette or form may not be drawn yet.
        pilot.app.screen.refresh()
        await pilot.pause()

    return walk


def _app(app: App[None]) -> FlagpostApp:
    assert isinstance(app, FlagpostApp)
    return app
