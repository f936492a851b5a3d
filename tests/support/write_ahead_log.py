"""The commits in a SQLite write-ahead log."""

import struct
from pathlib import Path

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24


def commits(database: Path) -> int:
    """Return the number of frames that end a transaction: their header has the database size after it."""
    log = database.with_name(database.name + "-wal").read_bytes()
    (page_bytes,) = struct.unpack_from(">I", log, 8)
    salt = log[16:24]
    count = 0
    for start in range(HEADER_BYTES, len(log), FRAME_HEADER_BYTES + page_bytes):
        (pages_after,) = struct.unpack_from(">I", log, start + 4)
        count += pages_after > 0 and log[start + 8 : start + 16] == salt
    return count
