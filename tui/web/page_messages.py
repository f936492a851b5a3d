"""Messages that the page sends over its websocket, and the limits on them."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from server.protocol.errors import Verdict

MAX_WIDTH, MAX_HEIGHT = 500, 200
"""The largest screen in cells; a larger page shows a screen of this size."""
DEFAULT_WIDTH, DEFAULT_HEIGHT = 80, 24
MAX_DIGITS = 9
MAX_MESSAGE_BYTES = 256 * 1024
"""More than the longest text that fits the composer: the page sends pasted text in one message."""


class Size(Struct, frozen=True):
    """The size of a screen in cells."""

    width: int
    height: int

    def bounded(self) -> "Size":
        """Return the nearest size within the bounds."""
        return Size(min(max(self.width, 1), MAX_WIDTH), min(max(self.height, 1), MAX_HEIGHT))


class BadPageMessage(Verdict):
    """A message that our page does not send."""


class Stdin(Struct, frozen=True, array_like=True, tag="stdin"):
    """Keys and pasted text, as a terminal sends them."""

    text: str


class Resize(Struct, frozen=True, array_like=True, tag="resize"):
    """A new size of the page."""

    size: Size


class PagePing(Struct, frozen=True, array_like=True, tag="ping"):
    """Request for an echo."""

    sent: str


class Blur(Struct, frozen=True, array_like=True, tag="blur"):
    """Loss of the focus."""


class Focus(Struct, frozen=True, array_like=True, tag="focus"):
    """Gain of the focus."""


PageMessage = Stdin | Resize | PagePing | Blur | Focus

_DECODER = msgspec.json.Decoder(PageMessage)


def decode(text: str) -> PageMessage:
    """Decode a message. Raises BadPageMessage if it is invalid."""
    try:
        message: PageMessage = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadPageMessage("this is not a message of the page") from None
    return message


def asked_size(query: Mapping[str, str]) -> Size:
    """Return the size in the query of the websocket's URL, bounded. Raises BadPageMessage if it is invalid."""
    width = _cells(query.get("width", str(DEFAULT_WIDTH)))
    height = _cells(query.get("height", str(DEFAULT_HEIGHT)))
    return Size(width, height).bounded()


def _cells(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise BadPageMessage("width and height are numbers of cells")
    return int(text)
