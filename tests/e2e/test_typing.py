"""Typing into the client in a real terminal, with everything in one write, as from a slow link or a paste."""

import sys
import time
from pathlib import Path

import pytest

from server.protocol.frames import React, Say
from tests.support.scripted_server import ScriptedServer, confirming, scripted_server
from tui.fullscreen.typeahead import SILENCE_SECONDS

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import WAIT_SECONDS, Terminal


def said(server: ScriptedServer, count: int) -> list[Say]:
    """Wait until so many messages have arrived: the client shows one before the server has read it."""
    end = time.monotonic() + WAIT_SECONDS
    while len(found := [each for each in server.received if isinstance(each, Say)]) < count:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def test_everything_typed_in_one_write_arrives_in_order_and_where_it_belongs(tmp_path: Path) -> None:
    with (
        scripted_server(ScriptedServer(answer=confirming())) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path) as terminal,
    ):
        terminal.until("buy my stuff")

        # Lines without the marks of a paste are one text, and none of them is a command.
        terminal.press("first\r/quit\r/block bob\rlast\r")
        terminal.until("│ last ")
        terminal.press("\r")
        terminal.until_gone("│ last ")
        # A sentence on a message is text from its first letter on, and Enter sends it.
        terminal.press("\x1b[A")
        terminal.until("Message keys")
        terminal.press("maybe tomorrow\r")
        terminal.until_gone("Message keys")
        # A picker takes what follows its key; the rest is for the channel that was picked.
        terminal.press("\x0bgalley\rsoup\r")
        terminal.until("soup")
        # Enter after a long paste waits for the answer.
        lines = "\r".join(f"line {number}" for number in range(7))
        terminal.press(f"see: \x1b[200~{lines}\x1b[201~\r")
        terminal.until("Paste 7 lines")
        assert [(each.channel, each.message) for each in said(server, 3)] == [
            ("lobby", "first\n/quit\n/block bob\nlast"),
            ("lobby", "maybe tomorrow"),
            ("galley", "soup"),
        ]
        # A letter typed at once would be part of the message.
        time.sleep(SILENCE_SECONDS)
        terminal.press("y")
        terminal.until("line 6")
        terminal.until_gone("│ line 6")
        whole = "see: " + lines.replace("\r", "\n")
        assert [each.message for each in said(server, 4)][3:] == [whole]
        assert not server.sent(React)
        assert terminal.quit() == 0
