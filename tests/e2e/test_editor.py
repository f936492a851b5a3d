"""Writing a message in the user's editor, in a real terminal."""

import signal
import sys
from pathlib import Path

import pytest

from server.protocol.frames import Say
from tests.support.scripted_server import ScriptedServer, line, scripted_server

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import Terminal

EDITOR = """
import pathlib, sys
file = pathlib.Path(sys.argv[-1])
mode = oct(file.parent.stat().st_mode & 0o777)
print(f"\\x1b[2J\\x1b[HEDITOR HAS {file.read_text()} {mode} READY", flush=True)
said = input()
file.write_text(file.read_text() + said + "\\n")
sys.exit(said == "fail")
"""


def editor(directory: Path) -> str:
    script = directory / "an editor.py"
    script.write_text(EDITOR, "utf-8")
    # Short, so that a notice about it fits on one line.
    return f"python3 '{script}' --wait"


def test_a_draft_is_edited_in_the_users_editor_while_messages_arrive(tmp_path: Path) -> None:
    with (
        scripted_server() as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra={"VISUAL": editor(tmp_path)}) as terminal,
    ):
        terminal.until("buy my stuff")
        terminal.press(*"begun", "ctrl+e")
        terminal.until("EDITOR HAS begun 0o700 READY")
        server.send(*(line(number, "bob", f"MEANWHILE {number}") for number in range(10, 60)))
        terminal.settle()
        assert "MEANWHILE" not in terminal.screen
        # Ctrl+C reaches every process at the terminal, but is meant for the editor.
        terminal.process.send_signal(signal.SIGINT)
        terminal.press(*" and ended", "\n")
        terminal.until("begun and ended")
        terminal.until("MEANWHILE 59")
        terminal.press("enter")
        said = server.next_sent(Say)
        assert isinstance(said, Say)
        assert said.message == "begun and ended"
        assert terminal.quit() == 0


def test_an_editor_that_fails_changes_nothing(tmp_path: Path) -> None:
    with (
        scripted_server(ScriptedServer()) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra={"EDITOR": editor(tmp_path)}) as terminal,
    ):
        terminal.until("buy my stuff")
        terminal.press(*"begun", "ctrl+e")
        terminal.until("EDITOR HAS begun 0o700 READY")
        terminal.press(*"fail", "\n")
        terminal.until("python3 ended with code 1; your message is unchanged")
        assert "begunfail" not in terminal.screen
        terminal.press(*"!", "ctrl+e")
        terminal.until("EDITOR HAS begun! 0o700 READY")
        terminal.press(*"?", "\n")
        terminal.until("begun!?")
        assert terminal.quit() == 0


@pytest.mark.parametrize("named", ["no-such-editor", "/"])
def test_an_editor_that_cannot_be_started_is_named(tmp_path: Path, named: str) -> None:
    with (
        scripted_server(ScriptedServer()) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra={"EDITOR": named, "VISUAL": ""}) as terminal,
    ):
        terminal.until("buy my stuff")
        terminal.press(*"begun", "ctrl+e")
        terminal.until(f"{named} cannot be started")
        terminal.until("begun")
        assert terminal.quit() == 0
