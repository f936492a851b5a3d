"""The first start asks for name and server, filled in so that pressing Enter is enough."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.pilots import app_of, first_start, until, until_seen
from tests.support.scripted_server import ScriptedServer, scripted_server
from tui import cli as command
from tui.config import load


def field(pilot: Pilot[None], name: str) -> Input:
    return pilot.app.screen.query_one(f"#start-{name}", Input)


async def test_one_enter_goes_on_by_the_name_that_is_filled_in(tmp_path: Path) -> None:
    async with first_start(tmp_path) as (pilot, server):
        assert (field(pilot, "name").value, field(pilot, "server").value) == ("ada", server.url[5:-3])
        await pilot.press("enter")
        await until_seen(pilot, "online as ada")
        await until(pilot, lambda: load(tmp_path / "config.toml").config.name == "ada", "kept")
        # The local server needs no URL, and may listen elsewhere at the next start.
        assert load(tmp_path / "config.toml").config.server == ""


async def test_another_name_and_server_are_taken(tmp_path: Path) -> None:
    with scripted_server(ScriptedServer()) as other:
        async with first_start(tmp_path) as (pilot, _):
            field(pilot, "name").value = "grace"
            field(pilot, "server").value = other.url
            await pilot.press("enter")
            await until_seen(pilot, "online as grace")
            await until(pilot, lambda: load(tmp_path / "config.toml").config.server == other.url, "kept")


@pytest.mark.parametrize(
    ("name", "server", "problem"),
    [
        (" ", "", "Enter a name"),
        ("ada", "ftp://chat.example", "That isn't a server address"),
        ("ada", "[", "That isn't a server address"),
    ],
)
async def test_what_cannot_be_used_is_said_there(tmp_path: Path, name: str, server: str, problem: str) -> None:
    async with first_start(tmp_path) as (pilot, _):
        field(pilot, "name").value = name
        field(pilot, "server").value = server
        await pilot.press("enter")
        await until_seen(pilot, problem)
        assert not app_of(pilot).client.online


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
def test_only_a_start_that_says_nothing_is_asked(
    tmp_path: Path, arguments: list[str], kept: str, asks: bool, url: str | None
) -> None:
    file = tmp_path / "config.toml"
    if kept:
        file.write_text(kept, encoding="utf-8")
    options = command.options(command.parser().parse_args(arguments), load(file))
    assert (options.asks, options.url) == (asks, url)
    assert options.name == "bob" if "bob" in [*arguments, kept[8:11]] else options.name
