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


def test_what_the_first_frame_does_not_need_is_loaded_after_it(tmp_path: Path) -> None:
    start = (
        "sys; from tui.fullscreen.app import FlagpostApp; from tui.options import Options; FlagpostApp(Options('ada'))"
    )
    modules = loaded_modules("tui.cli", start, directory=tmp_path)
    assert "textual" in modules
    late = {"httpx", "websockets", "sqlite3", "hashlib", "emoji", "markdown_it", "filelock", "tomlkit", "shlex"}
    assert not modules & late
    assert not [name for name in modules if name.startswith("tui.fullscreen.screens.")]
    assert not modules & {
        "tui.fullscreen.pickers",
        "tui.fullscreen.editor",
        "tui.plain.chat",
        "tui.net.server_connection",
        "server.protocol.markdown",
        "server.protocol.text_blocks",
    }


def test_without_a_screen_nothing_that_draws_is_loaded(tmp_path: Path) -> None:
    packages = loaded("tui.cli", "tui.plain.chat", "tui.net.server_connection", directory=tmp_path)
    assert "websockets" in packages
    assert not packages & {"textual", "rich", "httpx", "sqlite3", "emoji", "markdown_it", "aiohttp"}


def test_table_of_keys_needs_no_textual(tmp_path: Path) -> None:
    modules = loaded_modules("tui.fullscreen.keys.keymap", directory=tmp_path)
    assert not any(name.startswith(("textual", "rich")) for name in modules)


@pytest.mark.parametrize("module", ["frames", "codec", "codes", "address", "characters", "markdown", "text_blocks"])
def test_the_wire_needs_msgspec_and_the_standard_library_alone(module: str, tmp_path: Path) -> None:
    bare = loaded("msgspec", "msgspec.json", "datetime", "typing", "enum", "re", directory=tmp_path)
    extra = loaded(f"server.protocol.{module}", directory=tmp_path) - bare
    assert {name for name in extra if name not in sys.stdlib_module_names} <= {"server"}
