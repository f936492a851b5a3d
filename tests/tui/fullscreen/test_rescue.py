"""The helper process: it kills a client that shows no sign of life, and no other."""

import os
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress

import pytest

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

import termios

from tui.fullscreen import rescue
from tui.fullscreen.rescue import ALIVE, DONE, QUIT_TYPED, RESUMED, SUSPENDED, Rescue
from tui.fullscreen.watchdog import numbers

NOBODY = 0
LONG, SHORT = 60.0, 0.2


class Client:
    """A client's pipes, and its terminal in raw mode."""

    def __init__(self) -> None:
        self.heard, self.said = os.pipe()
        self.signalled, self.signals = os.pipe()
        self.master, self.terminal = os.openpty()
        self.before: list[int | list[bytes | int]] = termios.tcgetattr(self.terminal)
        tty.setraw(self.terminal)
        self.raw = termios.tcgetattr(self.terminal)
        self.rescue = Rescue(NOBODY, self.heard, self.signalled, self.terminal, numbers(self.before))

    def ends_orderly_later(self) -> None:
        """Report an orderly end, late enough for the helper to have acted before."""
        threading.Timer(2 * SHORT, os.write, (self.said, DONE)).start()

    @property
    def restored(self) -> bool:
        """True if the terminal is restored; otherwise, assert that it is still in raw mode."""
        now = termios.tcgetattr(self.terminal)
        assert now in (self.before, self.raw)
        return bool(now == self.before)

    def close(self) -> None:
        for each in (self.heard, self.said, self.signalled, self.signals, self.master, self.terminal):
            with suppress(OSError):
                os.close(each)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(rescue, "QUIT_SECONDS", SHORT)
    monkeypatch.setattr(rescue, "ORDERLY_SECONDS", SHORT)
    monkeypatch.setattr(rescue, "TICK_SECONDS", SHORT / 4)
    made = Client()
    yield made
    made.close()


def test_quit_key_without_a_sign_of_life_kills_the_client(client: Client) -> None:
    os.write(client.said, QUIT_TYPED)
    client.rescue.run()
    assert client.restored
    assert os.read(client.master, 4096) == rescue.RESTORE


def test_quit_key_with_a_sign_of_life_does_not_kill_the_client(client: Client) -> None:
    os.write(client.said, QUIT_TYPED + ALIVE)
    client.ends_orderly_later()
    client.rescue.run()
    assert not client.restored


def test_signal_without_a_sign_of_life_kills_the_client(client: Client) -> None:
    os.write(client.signals, b"a traceback")
    client.rescue.run()
    assert client.restored


def test_signal_gives_a_live_client_some_time_to_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "ORDERLY_SECONDS", LONG)
    os.write(client.signals, b"a traceback")
    os.write(client.said, ALIVE)
    client.ends_orderly_later()
    client.rescue.run()
    assert not client.restored


def test_client_that_hangs_after_a_signal_is_killed(client: Client) -> None:
    os.write(client.signals, b"a traceback")
    os.write(client.said, ALIVE)
    client.rescue.run()
    assert client.restored


@pytest.mark.parametrize("key", rescue.QUIT_KEYS)
def test_quit_key_that_nobody_reads_kills_the_client(client: Client, key: bytes) -> None:
    os.write(client.master, b"hello" + key)
    client.rescue.run()
    assert client.restored


def test_the_quit_key_typed_in_an_editor_is_left_to_the_editor(client: Client) -> None:
    os.write(client.said, SUSPENDED)
    os.write(client.master, b"\x11")
    client.ends_orderly_later()
    client.rescue.run()
    assert not client.restored
    assert os.read(client.terminal, 10) == b"\x11"


def test_client_that_died_leaves_a_usable_terminal(client: Client) -> None:
    os.close(client.said)
    client.rescue.run()
    assert client.restored


def test_client_that_dies_while_an_editor_has_the_terminal_leaves_it_to_the_editor(client: Client) -> None:
    os.write(client.said, SUSPENDED + RESUMED + SUSPENDED)
    os.close(client.said)
    client.rescue.run()
    assert not client.restored
