"""Compression of outgoing messages, once for all recipients (permessage-deflate, RFC 7692)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

WINDOW_BITS = 12
"""A window of 4 KiB, about the length of the longest message. A client may request a smaller one."""
WORTH_BYTES = 64
"""Minimum size of a compressed message; shorter ones are sent uncompressed."""
SHARED = 64
"""Number of compressed writes to cache; each write is sent to all of its recipients in succession."""


def extension() -> ServerPerMessageDeflateFactory:
    """Return the factory of the extension, without context takeover, so that recipients can share messages."""
    return ServerPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=WINDOW_BITS
    )


def window_bits(agreed: Sequence[Extension]) -> int:
    """Return the window size that the client accepts; 0 if compression is off."""
    return next((each.local_max_window_bits for each in agreed if isinstance(each, PerMessageDeflate)), 0)


@lru_cache(SHARED)
def compressed(wire: bytes, bits: int) -> bytes:
    """Compress the frames of a write made by `session.framed`, for clients with this window size."""
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
    """Yield the payloads of complete, unmasked frames."""
    at = 0
    while at < len(wire):
        short = wire[at + 1]
        more = {126: 2, 127: 8}.get(short, 0)
        begin = at + 2 + more
        at = begin + (int.from_bytes(wire[at + 2 : begin]) if more else short)
        yield wire[begin:at]
