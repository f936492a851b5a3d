"""Compresses what goes to clients that ask for it, once for all of them (permessage-deflate, RFC 7692)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

WINDOW_BITS = 12
"""4 KiB of memory, about as long as the longest message; a client may ask for less."""
WORTH_BYTES = 64
"""What is shorter goes out as it is."""
SHARED = 64
"""Writes that are kept for those who get the same ones: these come one after the other."""


def extension() -> ServerPerMessageDeflateFactory:
    """How to agree on it with a client. No message builds on the one before, or they could not be shared."""
    return ServerPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=WINDOW_BITS
    )


def window_bits(agreed: Sequence[Extension]) -> int:
    """The window that a client can read; 0 if it is sent nothing compressed."""
    return next((each.local_max_window_bits for each in agreed if isinstance(each, PerMessageDeflate)), 0)


@lru_cache(SHARED)
def compressed(wire: bytes, bits: int) -> bytes:
    """The frames of a write, as `session.framed` makes them, for clients with such a window."""
    deflate = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=WINDOW_BITS,
        local_max_window_bits=bits,
    )
    return b"".join(
        Frame(Opcode.TEXT, each).serialize(mask=False, extensions=[deflate] if len(each) >= WORTH_BYTES else None)
        for each in _payloads(wire)
    )


def _payloads(wire: bytes) -> Iterator[bytes]:
    """What whole frames without a mask hold."""
    at = 0
    while at < len(wire):
        short = wire[at + 1]
        more = {126: 2, 127: 8}.get(short, 0)
        begin = at + 2 + more
        at = begin + (int.from_bytes(wire[at + 2 : begin]) if more else short)
        yield wire[begin:at]
