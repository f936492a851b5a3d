"""A start that cannot work is one line and exit code 2, before anything is drawn; and every start can be ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server_process import environment
from tui.streams import StartError, require_screen

if sys.platform == "win32":
    pytest.skip("pseudo-terminals, pipes with names and signals are POSIX", allow_module_level=True)

from tests.support.terminal import Terminal

NOBODY = "ws://127.0.0.1:9"
"""Nothing listens there."""
WAIT_SECONDS = 20.0
IN_A_HURRY = {"tui.fullscreen.shutdown.END_SECONDS": 0.5}


class Stream:
    """A standard stream."""

    def __init__(self, *, tty: bool = True) -> None:
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.mark.parametrize(
    ("term", "stream", "problem"),
    [
        ("dumb", Stream(), "TERM is dumb, so"),
        ("unknown", Stream(), "TERM is unknown, so"),
        ("", Stream(), "TERM is not set, so"),
        ("xterm", Stream(tty=False), "standard output is not a terminal; "),
        ("xterm", None, "standard output is not a terminal; "),
    ],
)
def test_a_screen_needs_a_terminal(term: str, stream: Stream | None, problem: str) -> None:
    with pytest.raises(StartError, match=f"^{problem}.* use --plain$"):
        require_screen({"TERM": term}, {"input": Stream(), "output": stream}, windows=False)


def test_a_served_page_and_windows_need_no_term_variable() -> None:
    require_screen({"TERM": "linux"}, {"input": Stream()}, windows=False)
    require_screen({"TEXTUAL_DRIVER": "tui.web.driver:Driver"}, {"input": None})
    require_screen({}, {"input": Stream()}, windows=True)


def started(*arguments: str, extra: dict[str, str] | None = None) -> tuple[int, bytes, bytes]:
    """Run the client without a terminal; return its exit code and both outputs."""
    ended = subprocess.run(
        [sys.executable, "-m", "tui", *arguments, NOBODY],
        env=environment(extra), stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_SECONDS, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


def assert_refused(ended: tuple[int, bytes, bytes], why: bytes) -> None:
    code, output, error = ended
    assert (code, output) == (2, b"")
    assert error.startswith(b"flagpost: ")
    assert error.count(b"\n") == 1
    assert why in error
    assert b"\x1b" not in error


def test_without_a_terminal_one_line_says_what_to_do() -> None:
    assert_refused(started(), b"standard input is not a terminal")


def test_a_client_ends_although_nobody_reads_its_error() -> None:
    client = subprocess.Popen([sys.executable, "-m", "tui", NOBODY], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with client:
        assert client.stderr
        client.stderr.close()
        assert client.wait(WAIT_SECONDS) == 2


def test_a_dumb_terminal_is_refused_in_one_line(tmp_path: Path) -> None:
    with Terminal(NOBODY, directory=tmp_path, extra={"TERM": "dumb"}) as terminal:
        assert terminal.ended() == 2
    assert terminal.raw.startswith(b"flagpost: TERM is dumb")
    assert b"\x1b" not in terminal.raw


def test_line_mode_reports_a_closed_stream() -> None:
    script = f"exec {sys.executable} -m tui --plain {NOBODY} <&-"
    ended = subprocess.run(
        ["sh", "-c", script], env=environment(), capture_output=True, timeout=WAIT_SECONDS, check=False
    )
    assert_refused((ended.returncode, ended.stdout, ended.stderr), b"standard input is closed")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, b"not a regular file"),
        (Path.mkdir, b"not a regular file"),
        (lambda file: file.symlink_to("/dev/null"), b"not a regular file"),
        (lambda file: file.symlink_to(file), b"symbolic links"),
        (lambda file: file.write_bytes(b"\n" * (1 << 20) + b"x"), b"larger than 1 MB"),
    ],
)
def test_only_a_regular_file_can_be_the_configuration(make: Callable[[Path], None], why: bytes, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    make(file)
    before = file.lstat()
    assert_refused(started("--plain", extra={"FLAGPOST_CONFIG": str(file)}), why)
    assert file.lstat().st_ino == before.st_ino


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_client_whose_output_nobody_reads(sent: signal.Signals, tmp_path: Path) -> None:
    with Terminal("--name", "ada", NOBODY, directory=tmp_path, constants=IN_A_HURRY) as terminal:
        terminal.until_full()
        terminal.process.send_signal(sent)
        assert terminal.process.wait(WAIT_SECONDS) == 128 + sent
        assert terminal.left == terminal.found
