"""Alt sequences of terminals without the kitty keyboard protocol."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from tests.support.pilots import client


def keys(sent: str) -> list[str]:
    return [event.key for event in XTermParser().feed(sent) if isinstance(event, events.Key)]


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        ("\x1b\r", ["alt+enter"]),
        ("\x1b1", ["alt+1"]),
        ("\x1b9", ["alt+9"]),
        ("\x1ba\x1ba", ["alt+a", "alt+a"]),
        ("\x1bm\x1b\r\r", ["alt+m", "alt+enter", "enter"]),
        ("\x1bf", ["ctrl+right"]),
        ("\x1bOP", ["f1"]),
        ("\x1b[1;3D", ["alt+left"]),
    ],
)
async def test_alt_and_a_key_is_that_key_at_once(sent: str, pressed: list[str]) -> None:
    async with client():
        assert keys(sent) == pressed
