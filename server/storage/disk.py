"""The free space of the disk that holds the database."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

MEGABYTE = 1024 * 1024

log = logging.getLogger(__name__)


def free_bytes(path: Path) -> int:
    """Return the bytes that the disk of this directory has left."""
    return shutil.disk_usage(path).free


class Disk:
    """Says whether space runs out, and logs it once."""

    def __init__(self, database: str, free: Callable[[Path], int] = free_bytes) -> None:
        self._directory = Path(database).absolute().parent
        self._free = free
        self._low = False

    def is_low(self, least_megabytes: int) -> bool:
        """Measure: whether less than this is free. 0: never."""
        free = self._measure() // MEGABYTE if least_megabytes else 0
        low = free < least_megabytes
        fields = {"free_megabytes": free, "least_megabytes": least_megabytes}
        if low and not self._low:
            log.error("the disk is nearly full: messages are refused; make room, or lower FreeMegabytes", extra=fields)
        elif self._low and not low:
            log.warning("the disk has room again: messages are stored", extra=fields)
        self._low = low
        return low

    def _measure(self) -> int:
        try:
            return self._free(self._directory)
        except OSError:
            # What cannot be measured cannot be relied on.
            return 0
