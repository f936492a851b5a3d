"""A client whose event loop hangs still ends, and the terminal is restored."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.scripted_server import scripted_server
from tests.support.server_process import start

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.e2e.test_killed import assert_usable, in_the_room
from tests.support.terminal import Terminal

WAYS = ["in_python", "in_a_pattern", "in_one_call"]
WAIT_SECONDS = 20.0


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def press_quit(terminal: Terminal) -> None:
    terminal.press("ctrl+q")


def terminate(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


def hang_up(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGHUP)


def kill(terminal: Terminal) -> None:
    terminal.process.kill()


@pytest.mark.parametrize("end", [press_quit, terminate, hang_up, kill])
@pytest.mark.parametrize("way", [*(pytest.param(each, marks=pytest.mark.slow) for each in WAYS[:-1]), WAYS[-1]])
def test_stuck_client_ends_and_restores_the_terminal(tmp_path: Path, way: str, end: Callable[[Terminal], None]) -> None:
    with (
        scripted_server() as script,
        Terminal(script.url, "--name", "ada", directory=tmp_path, program="tests.support.stuck_client") as terminal,
    ):
        in_the_room(terminal)
        terminal.press(*way, "enter")
        until((tmp_path / "stuck").exists)
        terminal.settle()
        end(terminal)
        terminal.ended()
        until(lambda: terminal.left == terminal.found)
        terminal.settle()
        assert_usable(terminal)


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("in_one_call", signal.SIGTERM),
        ("in_a_pattern", signal.SIGINT),
        pytest.param("in_python", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("in_a_pattern", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("in_python", signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_stuck_client_without_a_screen_ends(tmp_path: Path, way: str, sent: signal.Signals) -> None:
    with scripted_server() as script, (tmp_path / "errors").open("w") as errors:
        process = start(
            "tests.support.stuck_client", ["--plain", "--name", "ada", script.url], tmp_path, errors.fileno()
        )
        assert process.stdin
        assert process.stdout
        with process.stdin, process.stdout:
            try:
                process.stdin.write(f"{way}\n")
                process.stdin.flush()
                until((tmp_path / "stuck").exists)
                process.send_signal(sent)
                assert process.wait(WAIT_SECONDS) in {130, -sent}
            finally:
                process.kill()
                process.wait(WAIT_SECONDS)
