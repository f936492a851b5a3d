"""Free disk space: when it counts as low, and what is logged."""

import logging
from pathlib import Path

import pytest

from server.storage.disk import MEGABYTE, Disk, free_bytes


class Free:
    """A disk with a given free space."""

    def __init__(self) -> None:
        self.megabytes: int | None = 1000
        self.asked: list[Path] = []

    def __call__(self, path: Path) -> int:
        """See free_bytes."""
        self.asked.append(path)
        if self.megabytes is None:
            raise OSError("no such disk")
        return self.megabytes * MEGABYTE


def test_low_space_and_its_end_are_logged_once_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    free = Free()
    disk = Disk(str(tmp_path / "room.sqlite"), free)
    found = []
    for megabytes in (1000, 64, 63, 10, 12, 64, 70):
        free.megabytes = megabytes
        found.append(disk.is_low(64))
    assert found == [False, False, True, True, True, False, False]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert set(free.asked) == {tmp_path}


def test_unknown_free_space_counts_as_low(tmp_path: Path) -> None:
    free = Free()
    free.megabytes = None
    assert Disk(str(tmp_path / "room.sqlite"), free).is_low(64)


def test_without_a_limit_nothing_is_measured(tmp_path: Path) -> None:
    free = Free()
    assert not Disk(str(tmp_path / "room.sqlite"), free).is_low(0)
    assert not free.asked


def test_free_space_of_the_real_disk_is_measured(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) >= 0


def test_the_disk_of_a_database_server_is_not_measured() -> None:
    """It may be another machine's."""
    free = Free()
    free.megabytes = None
    assert not Disk("postgresql://db.example/flagpost", free).is_low(64)
    assert free.asked == []
