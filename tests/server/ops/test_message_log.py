"""Message logs: what is written where, and that no name or text can write outside its file or line."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ops.message_log import MessageLog, file_name, prepare
from server.rules.messages import Person, Publication
from server.settings import Logging, SettingsError
from server.storage.events import StoredChange

AT = datetime(2026, 11, 29, 12, 56, 30, tzinfo=UTC)
BOB, CAROL = Person("Bob", "b-1"), Person("carol", "c-1")


def said(text: str, author: Person = BOB, channel: str = "lobby", peer: Person | None = None) -> StoredChange:
    """Return a new message."""
    return StoredChange(Publication(1, AT, author, "" if peer else channel, peer, text, None))


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[MessageLog]:
    settings = Logging(enabled=True, directory=str(tmp_path / "logs"), channels=("lobby",), usernames=("bob",))
    prepare(settings)
    messages = MessageLog()
    messages.configure(settings)
    yield messages
    messages.close()


def test_chosen_channels_and_people_are_logged_to_private_files(messages: MessageLog, tmp_path: Path) -> None:
    messages.on_news([said("hello"), said("two\nlines \x1b[31m \\n", CAROL), said("tea?", channel="tea")])
    messages.on_news([said("psst", peer=CAROL), said("to bob", CAROL, peer=BOB)])
    messages.close()
    found = {path.relative_to(tmp_path / "logs"): path for path in (tmp_path / "logs").rglob("*.log")}
    assert {str(path) for path in found} == {"channels/lobby.log", "people/bob.log"}
    assert found[Path("channels/lobby.log")].read_text().splitlines() == [
        "2026-11-29 12:56:30 [Bob] hello",
        r"2026-11-29 12:56:30 [carol] two\nlines \x1b[31m \\n",
    ]
    assert found[Path("people/bob.log")].read_text().splitlines() == [
        "2026-11-29 12:56:30 [Bob] hello",
        "2026-11-29 12:56:30 [Bob] tea?",
        "2026-11-29 12:56:30 [Bob to carol] psst",
    ]
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o600}


def test_file_is_opened_again_after_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Logging(enabled=True, directory=str(tmp_path), channels=("lobby",))
    prepare(settings)
    messages, moved, write = MessageLog(), tmp_path / "moved", os.write

    def stale(number: int, data: bytes) -> int:
        # As on a network file system that has lost the file.
        (tmp_path / "channels" / "lobby.log").rename(moved)
        monkeypatch.setattr(os, "write", write)
        raise OSError(errno.ESTALE, "Stale file handle")

    messages.configure(settings)
    monkeypatch.setattr(os, "write", stale)
    messages.on_news([said("lost"), said("written")])
    messages.close()
    assert moved.read_text() == ""
    assert "written" in (tmp_path / "channels" / "lobby.log").read_text()


def test_files_are_opened_again_after_a_reload(tmp_path: Path) -> None:
    settings = Logging(enabled=True, directory=str(tmp_path), channels=("lobby",))
    prepare(settings)
    messages = MessageLog()
    messages.configure(settings)
    messages.on_news([said("before")])
    messages.close()
    file = tmp_path / "channels/lobby.log"
    file.rename(file.with_suffix(".1"))
    messages = MessageLog()
    messages.configure(settings)
    messages.on_news([said("after")])
    messages.configure(settings)
    messages.close()
    assert "after" in file.read_text()
    assert "before" in file.with_suffix(".1").read_text()


def test_a_symbolic_link_in_place_of_a_file_is_not_followed(messages: MessageLog, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tmp_path / "logs/channels/lobby.log").symlink_to(other)
    messages.on_news([said("hello")])
    messages.close()
    assert not other.exists()


def test_nothing_is_written_while_logging_is_off(messages: MessageLog, tmp_path: Path) -> None:
    messages.configure(Logging(directory=str(tmp_path / "logs"), channels=("lobby",)))
    messages.on_news([said("hello")])
    messages.close()
    assert not [*(tmp_path / "logs").rglob("*.log")]


def test_directory_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"Logging\.Directory: .* cannot be created"):
        prepare(Logging(enabled=True, directory=str(tmp_path / "file")))


@given(st.text(min_size=1, max_size=64))
def test_any_name_has_a_safe_file_name(name: str) -> None:
    found = file_name(name)
    assert found == Path(found).name
    assert not found.startswith(".")
    assert len(found) < 200


def test_different_names_have_different_files() -> None:
    found = ["a", "A", "a.b", "a%2Eb", "..", "../x", "x" * 200, "x" * 201, "é" * 50, "é" * 51, "CON", "a/b", "a\\b"]
    assert len({file_name(name) for name in found}) == len(found)
