"""Saves changes to the configuration, and preserves the comments and other content of its file."""

import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import tomlkit
from tomlkit.exceptions import ParseError

from tui import files
from tui.config import Config, problem_line
from tui.files import FileError

NEW_FILE_MODE = 0o600


def save(file: Path, before: Config, after: Config) -> None:
    """Write the differences to the file; its comments and other lines stay as they are.

    Raises FileError if that fails; the file is then unchanged.
    """
    try:
        text = files.read(file).decode() if file.exists() else ""
        marks = _Marks.of(text)
        document = tomlkit.parse(marks.without(text))
        _change(document, _plain(before), _plain(after))
        _replace(file, marks.restored(tomlkit.dumps(document)))
    except ParseError as error:
        raise FileError(
            problem_line(file, f"line {error.line}: this is not TOML, so nothing was written; correct it")
        ) from None
    except UnicodeDecodeError:
        raise FileError(problem_line(file, "this is not UTF-8, so nothing was written; correct it")) from None
    except OSError as error:
        raise FileError(
            problem_line(file, f"nothing was written: {error.strerror or error}; check the file and its folder")
        ) from None


class _Marks(NamedTuple):
    """The byte order mark and line ends that editors on Windows write; saving preserves both."""

    order: str
    """The byte order mark, or ""."""
    line_end: str

    @classmethod
    def of(cls, text: str) -> "_Marks":
        is_windows = "\r\n" in text and text.count("\r\n") == text.count("\n")
        return cls("\ufeff" if text.startswith("\ufeff") else "", "\r\n" if is_windows else "\n")

    def without(self, text: str) -> str:
        return text.removeprefix(self.order).replace(self.line_end, "\n")

    def restored(self, text: str) -> str:
        return self.order + text.replace("\n", self.line_end)


def _plain(config: Config) -> dict[str, object]:
    plain = msgspec.to_builtins(config)
    for table in (plain, *plain["servers"].values()):
        table["channels"] = {
            name: {key: value for key, value in channel.items() if value is not None}
            for name, channel in table["channels"].items()
        }
    return dict(plain)


def _change(table: MutableMapping[str, object], before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Set the values that differ. Tables are changed in place, which preserves their other content."""
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(new, dict):
            inner = table.get(key)
            if not isinstance(inner, MutableMapping):
                inner = table[key] = tomlkit.table()
            _change(inner, old if isinstance(old, dict) else {}, new)
        elif key in after:
            table[key] = new
        else:
            table.pop(key, None)


def _replace(file: Path, text: str) -> None:
    # Dotfiles are often symbolic links: keep the link and replace its target.
    real = file.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(real, text, mode=stat.S_IMODE(real.stat().st_mode) if real.exists() else NEW_FILE_MODE)
