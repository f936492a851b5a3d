"""Unsent text is restored after the client has ended, however it ended."""

import signal
import sys
import time
from pathlib import Path

import pytest

from server.protocol.frames import Message
from tests.support.chat_client import entered, says
from tests.support.server_process import ServerProcess, write_settings

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import WAIT_SECONDS, Terminal


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
async def test_an_unsent_message_and_a_draft_survive_the_end_of_client_and_server(
    sent: signal.Signals, tmp_path: Path
) -> None:
    settings, home = write_settings(tmp_path), {"XDG_STATE_HOME": str(tmp_path / "state")}
    with ServerProcess(settings) as server:
        arguments = ("--name", "ada", server.url)
        address = ("--address", f"127.0.0.1:{server.port}")
        with Terminal(*arguments, directory=tmp_path, extra=home) as before:
            before.until("online as ada")
            before.press("half a sen", "ctrl+n")
            before.until("✎")
            server.kill()
            before.until("offline")
            before.press("important", "enter")
            before.until("sending…")
            saved(tmp_path / "state", "important")
            before.process.send_signal(sent)
            before.process.wait(WAIT_SECONDS)
    with ServerProcess(settings, *address) as server:
        async with entered(server.url, "bob") as bob:
            with Terminal(*arguments, directory=tmp_path, extra=home) as after:
                assert (await bob.next(Message, says("important"))).channel == "tea"
                after.until("half a sen")
                after.until_gone("sending…")
                assert after.quit() == 0
            with Terminal("--name", "eve", server.url, directory=tmp_path, extra=home) as stranger:
                stranger.until("online as eve")
                stranger.settle()
                assert "half a sen" not in stranger.screen
                assert "✎" not in stranger.screen


def saved(folder: Path, text: str) -> None:
    """Wait until a text is on the disk."""
    end = time.monotonic() + WAIT_SECONDS
    while not any(text in each.read_text(encoding="utf-8") for each in folder.rglob("*.json")):
        assert time.monotonic() < end, f"never saved: {text}"
        time.sleep(0.02)
