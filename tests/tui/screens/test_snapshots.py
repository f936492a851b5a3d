"""Pictures of the main states of each screen; `pytest --snapshot-update` takes new ones after a look at them."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest
from msgspec import structs
from textual.app import App
from textual.pilot import Pilot

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Echo,
    Error,
    Profile,
    ProfileAsk,
    ProfileField,
    ReportAsk,
    ReportStatus,
    ServerFrame,
    Webhooks,
)
from tests.support.pilots import until, until_seen
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, line, scripted_server
from tui.app import FlagpostApp
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
        line(3, "Inés ⚓", "See https://tides.example/today or [the log](https://log.example/) 👩‍👩‍👧 🏳️‍🌈"),
        line(4, "ada", "I will be there at noon"),
        line(5, "lucky", "FREE compass at http://compass.example/claim, only today " + "and tomorrow " * 12),
    ]
)
NOTICE = Error("Welcome to **The Harbour**. Be kind.", ErrorCode.NOTICE, CHAT_SERVER, channel="lobby")


def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
    if isinstance(frame, ReportAsk):
        if frame.comment == "fail":
            words = "The website did not take your report: it cannot be reached. Please report it again later."
            return [ReportStatus("r1", "failed", words, frame.nonce)]
        return [ReportStatus("r1", "delivered", nonce=frame.nonce)]
    if isinstance(frame, ProfileAsk) and frame.username == "lucky":
        fields = [ProfileField("Member since", "yesterday"), ProfileField("場所", "どこでも, and a long way from here")]
        return [Profile(frame.username, fields, frame.nonce, "Trusted seller ★★★★★")]
    if isinstance(frame, ProfileAsk):
        return [Profile(frame.username, [], frame.nonce, error="This member keeps their profile private.")]
    return ()


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


STATES: dict[str, tuple[Steps, str]] = {
    "room": ([], "online as ada"),
    "highlight": (["up"], "Report"),
    "form": (["up", "r"], "What is wrong with it?"),
    "form_problem": (["up", "r", "up", "ctrl+s"], "Describe in the comment"),
    "delivered": (["up", "r", "ctrl+s"], "was delivered"),
    "failed": (["up", "r", "enter", *"fail", "enter"], "did not arrive"),
    "again": (["up", "r", "ctrl+s", "WAIT:was delivered", "r"], "Report again"),
    "profile": (["up", "p"], "Trusted seller"),
    "profile_error": (["up", "up", "up", "p"], "keeps their"),
    "people": (["ctrl+o"], "Profile"),
    "empty": (["ctrl+n"], "Nobody has said anything"),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("state", STATES)
def test_states_of_a_room(snap_compare: Compare, state: str, size: tuple[int, int]) -> None:
    steps, seen = STATES[state]
    with scripted_server(ScriptedServer(opening=(PEOPLE, TALK, NOTICE), answer=answer)) as server:
        assert snap_compare(FlagpostApp(Options("ada", server.url)), terminal_size=size, run_before=_walk(steps, seen))


def test_webhooks_off(snap_compare: Compare) -> None:
    welcome = structs.replace(WELCOME, webhooks=Webhooks(report=False, profile=False))
    with scripted_server(ScriptedServer(welcome, (PEOPLE, TALK))) as server:
        app = FlagpostApp(Options("ada", server.url))
        assert snap_compare(app, terminal_size=(80, 24), run_before=_walk(["up"], "Direct"))


def test_name_refused(snap_compare: Compare) -> None:
    refused = Error("A name cannot be empty.", ErrorCode.BAD_NAME, CHAT_SERVER)
    with scripted_server(ScriptedServer(login=lambda frame: refused)) as server:
        app = FlagpostApp(Options("ada", server.url))
        assert snap_compare(app, terminal_size=(80, 24), run_before=_walk([], "By which name", enter=False))


def test_settings_unusable(snap_compare: Compare) -> None:
    from pathlib import Path

    app = FlagpostApp(Options("ada", settings=Path("no-such-settings.toml")))
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
        await pilot.pause()

    return walk


def _app(app: App[None]) -> FlagpostApp:
    assert isinstance(app, FlagpostApp)
    return app
