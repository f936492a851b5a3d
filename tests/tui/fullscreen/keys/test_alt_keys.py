"""Alt sequences of terminals without the kitty keyboard protocol."""

from textual import events
from textual._xterm_parser import XTermParser

from tests.support.pilots import client


def keys(sent: str) -> list[str]:
    return [event.key for event in XTermParser().feed(sent) if isinstance(event, events.Key)]


PRESSED = {
    "\x1b\r": ["alt+enter"],
    "\x1b1": ["alt+1"],
    "\x1b9": ["alt+9"],
    "\x1ba\x1ba": ["alt+a", "alt+a"],
    "\x1bm\x1b\r\r": ["alt+m", "alt+enter", "enter"],
    "\x1bf": ["ctrl+right"],
    "\x1bOP": ["f1"],
    "\x1b[1;3D": ["alt+left"],
}
"""What a terminal sends, and the keys that were pressed."""


async def test_escape_before_a_key_is_read_as_alt_at_once() -> None:
    async with client():
        assert {sent: keys(sent) for sent in PRESSED} == PRESSED
