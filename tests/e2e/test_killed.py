"""However the client is ended from outside, the terminal is restored."""

import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server.protocol.codes import CloseCode
from tests.support.scripted_server import line, scripted_server

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import WAIT_SECONDS, Terminal

PRIVATE_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
KEYBOARD = re.compile(rb"\x1b\[([<>])[0-9]*u")
CURSOR_SHOWN, LINES_WRAP = b"25", b"7"


def modes(raw: bytes) -> set[bytes]:
    """Return the terminal modes that are on at the end: mouse, alternate screen, paste, focus, cursor, wrapping."""
    on = {CURSOR_SHOWN, LINES_WRAP}
    for numbers, change in PRIVATE_MODE.findall(raw):
        for number in numbers.split(b";"):
            (on.add if change == b"h" else on.discard)(number)
    return on


def assert_usable(terminal: Terminal) -> None:
    """Fail unless the client changed the terminal and restored it."""
    assert b"\x1b[?1049h" in terminal.raw
    assert terminal.left == terminal.found
    assert modes(bytes(terminal.raw)) == {CURSOR_SHOWN, LINES_WRAP}
    keyboard = KEYBOARD.findall(terminal.raw)
    assert keyboard.count(b">") == keyboard.count(b"<")


def as_it_starts(terminal: Terminal) -> None:
    terminal.until_sent(b"\x1b[?1049h")


def as_it_draws(terminal: Terminal) -> None:
    terminal.until_sent(b"\x1b[?25l")


def in_the_room(terminal: Terminal) -> None:
    terminal.until("buy my stuff")


def in_a_form(terminal: Terminal) -> None:
    in_the_room(terminal)
    terminal.press("up", "r")
    terminal.until("What's wrong with this message?")


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (as_it_starts, signal.SIGTERM),
        (as_it_draws, signal.SIGINT),
        (in_the_room, signal.SIGTERM),
        (in_the_room, signal.SIGHUP),
        (in_a_form, signal.SIGINT),
    ],
)
def test_a_signal_restores_the_terminal(
    tmp_path: Path, moment: Callable[[Terminal], None], sent: signal.Signals
) -> None:
    with scripted_server() as script, Terminal(script.url, "--name", "ada", directory=tmp_path) as terminal:
        moment(terminal)
        terminal.process.send_signal(sent)
        assert terminal.ended() == 0
        assert_usable(terminal)
        assert b"Traceback" not in terminal.raw
    assert set(script.closes) <= {CloseCode.NORMAL}


def test_several_signals_end_the_client_once(tmp_path: Path) -> None:
    with scripted_server() as script, Terminal(script.url, "--name", "ada", directory=tmp_path) as terminal:
        in_the_room(terminal)
        for sent in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            terminal.process.send_signal(sent)
        assert terminal.ended() == 0
        assert_usable(terminal)


@pytest.mark.parametrize("drawn", [0, 100])
def test_client_ends_when_a_terminal_that_is_not_its_controlling_one_hangs_up(tmp_path: Path, drawn: int) -> None:
    with scripted_server() as script, Terminal(script.url, "--name", "ada", directory=tmp_path) as terminal:
        in_the_room(terminal)
        # Nobody reads what is drawn for these, so that the client blocks while drawing.
        for number in range(10, 10 + drawn):
            script.send(line(number, "bob", f"{number} " * 200))
            time.sleep(0.02)
        terminal.hang_up()
        terminal.process.wait(WAIT_SECONDS)
