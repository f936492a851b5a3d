"""What is loaded at run time: the server draws nothing, and the client has no server in it."""

import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tui
from tests.support.server_process import environment

SHOW = "import sys, {}; print(*sys.modules)"
UNTIL_FIRST_FRAME = """
import os, sys
from textual import events, on
import tui.cli, tui.fullscreen.driver
from tui.fullscreen.app import LATER_CSS, FlagpostApp

class UntilFirstFrame(FlagpostApp):
    CSS_PATH = str(LATER_CSS.with_name("room.tcss"))

    @on(events.Ready)
    def print_modules(self):
        print(*sys.modules, file=sys.__stdout__, flush=True)
        os._exit(0)

given = tui.cli.parser().parse_args(["ws://127.0.0.1:9"])
UntilFirstFrame(tui.cli.options(given, tui.cli.load(tui.cli.place()))).run(headless=True)
"""
FIRST_FRAME = {
    "server",
    "server.protocol",
    "server.protocol.address",
    "server.protocol.characters",
    "server.protocol.errors",
    "server.protocol.name_text",
    "server.protocol.toml",
    "server.protocol.version",
    "tui",
    "tui.cli",
    "tui.client",
    "tui.client.graphemes",
    "tui.client.hues",
    "tui.client.quotation",
    "tui.client.recall",
    "tui.config",
    "tui.files",
    "tui.fullscreen",
    "tui.fullscreen.app",
    "tui.fullscreen.driver",
    "tui.fullscreen.keys",
    "tui.fullscreen.keys.alt_keys",
    "tui.fullscreen.keys.bindings",
    "tui.fullscreen.keys.keymap",
    "tui.fullscreen.keys.layouts",
    "tui.fullscreen.keys.letters",
    "tui.fullscreen.keys.rebinding",
    "tui.fullscreen.keys.unbracketed",
    "tui.fullscreen.notices",
    "tui.fullscreen.preferences",
    "tui.fullscreen.room",
    "tui.fullscreen.room.screen",
    "tui.fullscreen.screen_protocols",
    "tui.fullscreen.shutdown",
    "tui.fullscreen.themes",
    "tui.fullscreen.typeahead",
    "tui.fullscreen.widgets",
    "tui.fullscreen.widgets.backdrop",
    "tui.fullscreen.widgets.colours",
    "tui.fullscreen.widgets.composer",
    "tui.fullscreen.widgets.prompt",
    "tui.fullscreen.widgets.footer",
    "tui.fullscreen.widgets.header",
    "tui.fullscreen.widgets.show_text",
    "tui.fullscreen.widgets.widget_messages",
    "tui.net",
    "tui.net.server_address",
    "tui.options",
    "tui.streams",
    "tui.text",
    "tui.times",
    "tui.tone",
}
"""Our modules that are loaded when the first frame is drawn. Each costs 0.2 ms or more, and a user waits for it."""


def loaded_modules(*modules: str, directory: Path) -> set[str]:
    """All modules that are loaded in a fresh process after importing these."""
    output = subprocess.run(
        [sys.executable, "-c", SHOW.format(", ".join(modules))],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(output.stdout.split())


def loaded(*modules: str, directory: Path) -> set[str]:
    """The top-level packages that are loaded in a fresh process after importing these modules."""
    return {name.partition(".")[0] for name in loaded_modules(*modules, directory=directory)}


def modules_of(package: ModuleType) -> list[str]:
    """Every module of a package; importing one does not import all that it may need later."""
    return [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


def test_the_server_loads_nothing_that_draws(tmp_path: Path) -> None:
    packages = loaded("server.__main__", "server.app", directory=tmp_path)
    assert {"httpx", "starlette", "uvicorn", "sqlite3"} <= packages
    # Not rich: httpx loads that for its own command line wherever it is installed.
    assert not packages & {"textual", "tui"}


def test_the_client_loads_no_server(tmp_path: Path) -> None:
    packages = loaded("tui.cli", *modules_of(tui), directory=tmp_path)
    assert {"textual", "websockets", "msgspec"} <= packages
    assert not packages & {"httpx", "starlette", "uvicorn", "sqlite3", "_sqlite3"}


def test_the_first_frame_imports_only_the_listed_modules(tmp_path: Path) -> None:
    output = subprocess.run(
        [sys.executable, "-c", UNTIL_FIRST_FRAME],
        cwd=tmp_path,
        env=environment({"FLAGPOST_CONFIG": str(tmp_path / "config.toml")}),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    modules = set(output.stdout.split())
    assert {each for each in modules if each.partition(".")[0] in {"tui", "server"}} == FIRST_FRAME
    late = {"httpx", "websockets", "sqlite3", "hashlib", "emoji", "markdown_it", "filelock", "tomlkit", "shlex"}
    assert not modules & late


def test_without_a_screen_nothing_that_draws_is_loaded(tmp_path: Path) -> None:
    packages = loaded("tui.cli", "tui.plain.chat", "tui.net.server_connection", directory=tmp_path)
    assert "websockets" in packages
    assert not packages & {"textual", "rich", "httpx", "sqlite3", "emoji", "markdown_it", "aiohttp"}


def test_table_of_keys_is_imported_without_textual(tmp_path: Path) -> None:
    modules = loaded_modules("tui.fullscreen.keys.keymap", directory=tmp_path)
    assert not any(name.startswith(("textual", "rich")) for name in modules)


@pytest.mark.parametrize("module", ["frames", "codec", "codes", "address", "characters", "markdown", "text_blocks"])
def test_the_protocol_imports_only_msgspec_and_the_standard_library(module: str, tmp_path: Path) -> None:
    bare = loaded("msgspec", "msgspec.json", "datetime", "typing", "enum", "re", directory=tmp_path)
    extra = loaded(f"server.protocol.{module}", directory=tmp_path) - bare
    assert {name for name in extra if name not in sys.stdlib_module_names} <= {"server"}
