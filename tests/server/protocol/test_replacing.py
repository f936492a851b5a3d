"""A file is replaced as a whole or not at all."""

import os
import stat
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from server.protocol.replacing import replacing


def fail_after_writing(draft: BinaryIO, error: type[BaseException]) -> NoReturn:
    draft.write(b"new")
    raise error


def test_file_has_its_old_content_until_the_new_one_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with replacing(file) as draft:
        draft.write(b"ne")
        draft.flush()
        assert file.read_text() == "old"
        draft.write(b"w")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_new_file_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with replacing(file) as draft:
        assert stat.S_IMODE(Path(draft.name).stat().st_mode) == 0o600
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_failure_leaves_the_old_file_and_no_draft(tmp_path: Path, error: type[BaseException]) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(error), replacing(file) as draft:
        fail_after_writing(draft, error)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"), replacing(folder) as draft:
        draft.write(b"new")
    assert list(tmp_path.iterdir()) == [folder]


def test_file_that_has_the_name_of_the_draft_is_neither_written_nor_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    victim, planted = tmp_path / "victim", tmp_path / ".file.00000000"
    victim.write_text("precious")
    planted.symlink_to(victim)
    with pytest.raises(FileExistsError), replacing(tmp_path / "file"):
        raise AssertionError("not reached")
    assert planted.is_symlink()
    assert victim.read_text() == "precious"
