"""Unread messages stay unread when the client restarts, until the user has seen them."""

import sys
from pathlib import Path

import pytest

from tests.support.chat_client import entered
from tests.support.server_process import Channel, ServerProcess, write_settings

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import Terminal

QUIET = [Channel("lobby"), Channel("quiet", echo=0)]
"""A login gets no messages of the second channel."""


async def test_conversations_and_mentions_stay_unread_after_a_restart_until_they_are_read(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path, channels=QUIET)) as server:
        arguments, home = ("--name", "ada", server.url), {"XDG_STATE_HOME": str(tmp_path / "state")}
        async with entered(server.url, "bob") as bob:
            with Terminal(*arguments, directory=tmp_path, extra=home) as ada:
                ada.until("online as ada")
                for number in range(5):
                    await bob.say("quiet", f"number {number} for ada")
                await bob.say("@ada", "please call me, urgent")
                ada.until("@5")
                assert ada.quit() == 0
            with Terminal(*arguments, directory=tmp_path, extra=home) as ada:
                ada.until("@bob")
                ada.until("@5")
                ada.press("\x1ba")
                ada.until("number 4 for ada")
                ada.until("new messages")
                ada.press("\x1ba")
                ada.until("please call me, urgent")
                # It is read once it is known that nothing is missing above it.
                ada.until_gone(" 1 ")
                assert ada.quit() == 0
            with Terminal(*arguments, directory=tmp_path, extra=home) as ada:
                ada.until("@bob")
                ada.settle()
                assert "@5" not in ada.screen
                ada.press("/msg bob", "enter")
                ada.until("please call me, urgent")
                assert "new messages" not in ada.screen
