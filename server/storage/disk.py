"""Free space on the disk of the database."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

MEGABYTE = 1024 * 1024

log = logging.getLogger(__name__)


def free_bytes(path: Path) -> int:
    """Return the free bytes on the disk of this directory."""
    return shutil.disk_usage(path).free


class Disk:
    """Detects low disk space, and logs each change once. Does not measure the disk of a database on another machine."""

    def __init__(self, database: str, free: Callable[[Path], int] = free_bytes) -> None:
        self._directory = None if "://" in database else Path(database).absolute().parent
        self._free = free
        self._low = False

    def is_low(self, least_megabytes: int) -> bool:
        """Measure the free space, and return whether it is less than this; 0 disables the check."""
        if self._directory is None:
            return False
        free = self._measure(self._directory) // MEGABYTE if least_megabytes else 0
        low = free < least_megabytes
        fields = {"free_megabytes": free, "least_megabytes": least_megabytes}
        if low and not self._low:
            log.error(
                "the disk is nearly full, so messages are refused; free some space, or lower FreeMegabytes",
                extra=fields,
            )
        elif self._low and not low:
            log.warning("the disk has enough free space again; messages are accepted", extra=fields)
        self._low = low
        return low

    def _measure(self, directory: Path) -> int:
        try:
            return self._free(directory)
        except OSError:
            # Assume the worst if the space cannot be measured.
            return 0
