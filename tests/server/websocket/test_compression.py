"""Compressed writes: readable with a small window, and created once for all recipients."""

import zlib

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from server.websocket.compression import WORTH_BYTES, compressed

PAYLOADS = [b"", b"short", b"x" * 125, b"talk " * 40, "灯台 ".encode() * 40, b"much " * 20_000]


def wire(*payloads: bytes) -> bytes:
    return b"".join(Frame(Opcode.TEXT, each).serialize(mask=False) for each in payloads)


def read(data: bytes, bits: int) -> list[bytes]:
    """Decompress as a client with this window does."""
    reader, deflate = StreamReader(), PerMessageDeflate(True, True, bits, 15)
    reader.feed_data(data)
    found: list[bytes] = []
    while reader.buffer:
        parsing = Frame.parse(reader.read_exact, mask=False, max_size=None, extensions=[deflate])
        with pytest.raises(StopIteration) as parsed:
            next(parsing)
        frame = parsed.value.value
        assert isinstance(frame, Frame)
        found.append(bytes(frame.data))
    return found


@pytest.mark.parametrize("bits", [9, 12])
def test_compressed_frames_decompress_to_the_original(bits: int) -> None:
    data = compressed(wire(*PAYLOADS), bits)
    assert read(data, bits) == PAYLOADS
    assert len(data) < len(wire(*PAYLOADS)) / 10


def test_short_messages_are_not_compressed() -> None:
    assert compressed(wire(b"a" * (WORTH_BYTES - 1)), 12) == wire(b"a" * (WORTH_BYTES - 1))
    assert compressed(wire(b"a" * WORTH_BYTES), 12) != wire(b"a" * WORTH_BYTES)


def test_a_write_is_compressed_once_for_all_recipients() -> None:
    data = wire(b"for everyone " * 10)
    assert compressed(data, 12) is compressed(data, 12)
    assert compressed(data, 9) is not compressed(data, 12)


def test_messages_are_compressed_without_context() -> None:
    twice = compressed(wire(b"the same words here " * 5, b"the same words here " * 5), 12)
    assert twice[: len(twice) // 2] == twice[len(twice) // 2 :]
    assert zlib.decompressobj(-9).decompress(twice[2 : len(twice) // 2] + b"\x00\x00\xff\xff")
