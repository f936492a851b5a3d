"""Replacing a file in a directory that other users can write to."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tui.config import Config
from tui.config_saving import save
from tui.files import FileError, read, write_atomically

if sys.platform == "win32":
    pytest.skip("modes and links are POSIX", allow_module_level=True)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize("planted", [".config.toml.new", "config.toml.new", "config.new", ".config.toml.tmp"])
def test_saving_does_not_write_through_a_planted_link(tmp_path: Path, planted: str) -> None:
    file, victim = tmp_path / "config.toml", tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / planted).symlink_to(victim)
    save(file, Config(), Config(compact=True))
    assert victim.read_text() == "precious"
    assert file.read_text() == "compact = true\n"


def test_the_draft_file_has_a_new_name_each_time_and_never_opens_an_existing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int, int]] = []
    real_open = os.open

    def watched(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append((path, flags, mode))
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", watched)
    for text in ("one", "two"):
        write_atomically(tmp_path / "file", text)
    drafts = [(path, flags, mode) for path, flags, mode in opened if str(path).startswith(str(tmp_path))]
    assert len({path for path, _, _ in drafts}) == 2
    # O_EXCL also refuses a symbolic link.
    assert all(flags & os.O_EXCL and mode == 0o600 for _, flags, mode in drafts)


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    save(file, Config(), Config(compact=True))
    assert mode(file) == 0o600
    file.chmod(0o640)
    save(file, Config(compact=True), Config(compact=False, name="ada"))
    assert mode(file) == 0o640


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_only_regular_files_are_read_or_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        read(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        write_atomically(pipe, "text")
    with pytest.raises(FileError, match="nothing was written: it is not a regular file"):
        save(pipe, Config(), Config(compact=True))
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
