"""Hostile text that the user pastes, types, picks or starts with is as harmless as what others send."""

import base64
import re
import sys
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import Echo, Error, Message
from tests.support.scripted_server import scripted_server

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.hostile import (
    AT,
    BRIEF,
    COMMANDS,
    MARKUP,
    PAYLOADS,
    HostileServer,
    Script,
    assert_harmless,
    assert_harmless_bytes,
    client,
)
from tests.support.terminal import SEQUENCE, Terminal


def test_text_pasted_into_the_palette_is_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.press("ctrl+g")
        terminal.until("Find a command")
        terminal.press(f"\x1b[200~\x9b?1003l \u202e \x9d2;PWNED\x9c {MARKUP[1]}\x1b[201~")
        terminal.until("No match.")
        assert_harmless(terminal)
        assert MARKUP[1] in terminal.screen


def test_completions_and_errors_of_commands_are_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        odd = "\x9b?1003l\u202e\x9d2;PWNED\x9c"
        terminal.press("@", "[")
        terminal.until(f"Tab  @{MARKUP[2]}")
        for _ in PAYLOADS:
            terminal.press("tab")
        terminal.settle()
        assert_harmless(terminal)
        terminal.press("\x15", "#")
        terminal.until("Tab  #")
        terminal.press("tab", "tab", "tab")
        terminal.settle()
        terminal.press("\x15")
        terminal.until("Write a message")
        terminal.press(f"\x1b[200~/msg {MARKUP[1]} nobody {odd}\x1b[201~", "enter")
        terminal.until("No one named")
        # The text stays, so that the user can edit it.
        terminal.settle()
        terminal.press("end", "\x15")
        terminal.until_gone(f"/msg {MARKUP[1]}")
        terminal.press(f"\x1b[200~/{MARKUP[1]}{odd}\x1b[201~", "enter")
        terminal.until(f"Unknown command /{MARKUP[1]}")
        terminal.settle()
        terminal.press("ctrl+t")
        terminal.settle()
        terminal.press(f"\x1b[200~{MARKUP[2]}{odd}\x1b[201~")
        terminal.until("your status")
        assert_harmless(terminal)
        assert terminal.alive


def test_text_from_the_editor_is_harmless(tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    # The user's own text keeps characters that others do not see.
    commands = [each for each in COMMANDS if not re.search("[\u200b\u2066\ufeff]", each)]
    words = f"EDITED {''.join(commands)}\u202e {MARKUP[0]}"
    script.write_text(f"import pathlib, sys\npathlib.Path(sys.argv[1]).write_text({words!r} + chr(10))\n", "utf-8")
    named = {"VISUAL": f"{sys.executable} {script}"}
    with (
        scripted_server(Script()) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra=named) as terminal,
    ):
        terminal.until("online as")
        terminal.press("ctrl+e")
        terminal.until("EDITED")
        terminal.settle()
        # Suspending and resuming is the client's own output; judge only what follows.
        assert_harmless_bytes(bytes(terminal.raw[terminal.raw.rindex(b"\x1b[?1049h") :]))
        assert MARKUP[0] in terminal.screen


def test_a_pasted_name_is_harmless(tmp_path: Path) -> None:
    refused = Error("Not that.", ErrorCode.BAD_NAME, BRIEF)
    with scripted_server(Script(login=lambda frame: refused)) as server, client(server, tmp_path) as terminal:
        terminal.until("Choose another name")
        terminal.press("\x1b[200~\x9b?1003l\u202e\x1b]2;PWNED\x07X\x1b[201~")
        terminal.until("PWNED")
        assert_harmless(terminal)


@pytest.mark.parametrize("name", ["\x1b]2;PWNED\x07\x9b?1003l\u202eada", "[/nope]"])
def test_the_users_own_name_is_harmless(tmp_path: Path, name: str) -> None:
    with scripted_server(Script()) as server, Terminal(server.url, "--name", name, directory=tmp_path) as terminal:
        terminal.until("online as")
        assert_harmless(terminal)


@pytest.mark.parametrize("url", ["ws://\x1b]2;PWNED\x07/", "ws://[/nope]/"])
def test_an_invalid_url_on_the_command_line_is_harmless(tmp_path: Path, url: str) -> None:
    with Terminal(url, "--name", "ada", directory=tmp_path) as terminal:
        terminal.until("That isn't a server address.")
        assert_harmless(terminal)


def test_a_url_without_a_server_on_the_command_line_is_harmless(tmp_path: Path) -> None:
    with Terminal("ws://127.0.0.1:1/\x9b?1003l[/nope]", "--name", "ada", directory=tmp_path) as terminal:
        terminal.until("✗")
        assert_harmless(terminal)
        assert terminal.alive


def test_pasted_text_is_harmless(tmp_path: Path) -> None:
    with scripted_server(Script()) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        terminal.press("caf\udce9 ", "\x1b[97:65;2u", "\x1b[48;0;0;0;0t\x1b[<64;5;5M", "!")
        terminal.until("caf\ufffd !")
        terminal.press("\x15")
        terminal.press(f"\x1b[200~PASTED \x9b?1003l \u202e \x9d2;PWNED\x9c {MARKUP[1]}\x1b[201~")
        terminal.until("PASTED")
        terminal.press("enter")
        terminal.until("sending")
        assert_harmless(terminal)
        assert MARKUP[1] in terminal.screen


def test_only_the_selected_text_reaches_the_clipboard(tmp_path: Path) -> None:
    spoken = Echo([Message("lobby", "bob", "one \x1b]52;c;SGVsbG8=\x07 two", 1, AT)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        terminal.until("two")
        assert_harmless(terminal)
        terminal.drag("one", "two", 2)
        terminal.until("Sent to the terminal's clipboard.")
        written = base64.b64encode("one ␛]52;c;SGVsbG8=␇ two".encode())
        copies = [match["osc"] for match in SEQUENCE.finditer(terminal.raw) if (match["osc"] or b"").startswith(b"52")]
        assert copies == [b"52;c;" + written]
