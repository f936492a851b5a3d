"""The first start asks for name and server, and keeps asking until a server has accepted a login."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import CHAT_SERVER, Error, Login
from tests.support.pilots import app_of, client, first_start, screen_text, until, until_seen, until_told
from tests.support.scripted_server import ScriptedServer, scripted_server
from tui import cli as command
from tui.config import load
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.screens.question import Question
from tui.options import Options
from tui.streams import StartError

NOBODY = "ws://127.0.0.1:9"
"""Nothing listens there."""


def field(pilot: Pilot[None], name: str) -> Input:
    return pilot.app.screen.query_one(f"#start-{name}", Input)


async def test_enter_joins_with_the_suggested_name(tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, server):
        assert (field(pilot, "name").value, field(pilot, "server").value) == ("ada", server.url[5:-3])
        await pilot.press("enter")
        await until_seen(pilot, "online as ada")
        await until(pilot, lambda: load(tmp_path / "config.toml").config.name == "ada", "kept")
        # The local server needs no URL, and may listen elsewhere at the next start.
        assert load(tmp_path / "config.toml").config.server == ""


async def test_entered_name_and_server_are_used(tmp_path: Path) -> None:
    with scripted_server(ScriptedServer()) as other:
        async with first_start(tmp_path) as (pilot, _):
            field(pilot, "name").value = "grace"
            field(pilot, "server").value = f" {other.url.replace('ws://', 'http://')} "
            await pilot.press("enter")
            await until_seen(pilot, "online as grace")
            await until(pilot, lambda: load(tmp_path / "config.toml").config.server == other.url, "kept")


async def test_problem_of_a_field_is_scrolled_into_view_in_a_terminal_of_few_lines(tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, _):
        await pilot.resize_terminal(60, 18)
        field(pilot, "link").value = "nothing"
        await pilot.press("enter")
        await until_seen(pilot, "That isn't a sign-in link.")


@pytest.mark.parametrize(
    ("name", "server", "problem"),
    [
        (" ", "", "Enter a name"),
        ("ada", "ftp://chat.example", "That isn't a server address"),
        ("ada", "[", "That isn't a server address"),
        ("ada", NOBODY, "No connection to ws://127.0.0.1:9/ws: nothing is listening"),
    ],
)
async def test_unusable_name_or_server_is_explained_in_the_dialog(
    tmp_path: Path, name: str, server: str, problem: str
) -> None:
    async with first_start(tmp_path) as (pilot, _):
        field(pilot, "name").value = name
        field(pilot, "server").value = server
        await pilot.press("enter")
        await until_seen(pilot, problem)
        assert not app_of(pilot).client.online


async def test_dialog_keeps_what_was_entered_after_errors(tmp_path: Path) -> None:
    script = ScriptedServer(login=lambda _: Error("Names have letters.", ErrorCode.BAD_NAME, CHAT_SERVER))
    with scripted_server(script) as strict:
        async with first_start(tmp_path) as (pilot, server):
            field(pilot, "name").value = "!grace"
            field(pilot, "server").value = NOBODY
            await pilot.press("enter")
            await until_seen(pilot, "nothing is listening")
            assert (field(pilot, "name").value, field(pilot, "server").value) == ("!grace", NOBODY)
            field(pilot, "server").value = strict.url
            await pilot.press("enter")
            await until_seen(pilot, "Names have letters.")
            assert (field(pilot, "name").value, field(pilot, "server").value) == ("!grace", strict.url)
            field(pilot, "name").value = "grace"
            field(pilot, "server").value = server.url
            await pilot.press("enter")
            await until_seen(pilot, "online as grace")
            assert [each.username for each in server.sent(Login) if isinstance(each, Login)] == ["grace"]
            await until(pilot, lambda: load(tmp_path / "config.toml").config.server == server.url, "kept")


async def test_entries_of_the_start_dialog_are_saved_on_quit_until_a_login(tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, server):
        field(pilot, "name").value = "grace"
        field(pilot, "server").value = "https://half.exam"
        await app_of(pilot).leave()
    async with first_start(tmp_path) as (pilot, server):
        assert (field(pilot, "name").value, field(pilot, "server").value) == ("grace", "https://half.exam")
        field(pilot, "server").value = server.url
        await pilot.press("enter")
        await until_seen(pilot, "online as grace")
    async with first_start(tmp_path) as (pilot, server):
        assert field(pilot, "server").value == server.url[5:-3]


async def test_a_key_connects_elsewhere_and_another_reconnects_now(tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, server):
        await pilot.press("enter")
        await until_seen(pilot, "online as ada")
        await asyncio.to_thread(server.close, CloseCode.REMOVED, "You have been removed from the room.")
        await until_seen(pilot, "Disconnected: You have been removed from the room.")
        await pilot.press("f5")
        await until(pilot, lambda: len(server.sent(Login)) == 2, "the second login")
        await until(pilot, lambda: app_of(pilot).client.online, "online again")
        await until_seen(pilot, "Connected again.")
        assert "Disconnected" not in screen_text(app_of(pilot))
        await pilot.press("f4")
        await until_seen(pilot, "Connect to a server")
        await pilot.press("escape")
        await until(pilot, lambda: "Connect to a server" not in screen_text(app_of(pilot)), "closed")
        await pilot.press(*"/connect chat.example", "enter")
        await until_seen(pilot, "Connect to a server")
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).next is not None, "left")
        following = app_of(pilot).next
        assert following
        assert (following.url, following.asks, following.joins) == ("wss://chat.example", True, True)


async def test_an_unencrypted_connection_to_another_machine_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.net.server_address.is_exposed", lambda _: True)
    async with client() as (pilot, _):
        await until_seen(pilot, "# Lobby  not encrypted")


def has_answered(app: FlagpostApp) -> bool:
    """Return whether the client asks or ends."""
    return isinstance(app.screen, Question) or app._exit


async def test_quitting_asks_only_where_a_draft_cannot_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with scripted_server(ScriptedServer()) as server:
        for state, asks in ((tmp_path / "file", True), (tmp_path / "state", False)):
            monkeypatch.setenv("XDG_STATE_HOME", str(state))
            async with FlagpostApp(Options("ada", server.url)).run_test() as pilot:
                await until_seen(pilot, "online as ada")
                await pilot.press(*"half a sen", "ctrl+q")
                app = app_of(pilot)
                await until(pilot, partial(has_answered, app), "the answer")
                assert isinstance(app.screen, Question) == asks


async def test_user_alone_on_their_own_server_is_shown_how_to_reach_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(_: object) -> bool:
        return False

    monkeypatch.setattr("tui.net.discovery.is_listening", nobody)
    async with FlagpostApp(Options("ada")).run_test(size=(120, 36)) as pilot:
        await until_told(pilot, "You are alone here. To chat with others, connect to their server (F4)")
        await app_of(pilot).leave()


@pytest.mark.parametrize(
    ("arguments", "kept", "asks", "url"),
    [
        ([], "", True, None),
        (["--demo"], "", False, None),
        (["--name", "bob"], "", False, None),
        (["wss://chat.example"], "", False, "wss://chat.example"),
        ([" https://chat.example "], "", False, "wss://chat.example"),
        (["chat.example:9000"], "", False, "wss://chat.example:9000"),
        ([], 'name = "bob"\nserver = "wss://kept.example"', False, "wss://kept.example"),
        (["wss://chat.example"], 'server = "wss://kept.example"', False, "wss://chat.example"),
        (["--settings", "settings.toml"], 'server = "wss://kept.example"', False, None),
    ],
)
def test_dialog_opens_only_without_arguments_and_saved_choices(
    tmp_path: Path, arguments: list[str], kept: str, asks: bool, url: str | None
) -> None:
    file = tmp_path / "config.toml"
    if kept:
        file.write_text(kept, encoding="utf-8")
    options = command.options(command.parser().parse_args(arguments), load(file))
    assert (options.asks, options.url) == (asks, url)
    assert options.name == "bob" if "bob" in [*arguments, kept[8:11]] else options.name


def test_invalid_address_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="That isn't a server address"):
        command.options(command.parser().parse_args(["ftp://chat.example"]), load(tmp_path / "config.toml"))
