"""Expected texts of tests, one file each, which `pytest --snapshot-update` rewrites."""

from pathlib import Path

import pytest

TEXTS = "__texts__"
"""The directory beside a test; from `__snapshots__`, syrupy deletes each file that it did not write."""


class Golden:
    """Compares texts with the files of a test: `__texts__/MODULE/TEST@NAME.txt`."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._updates = bool(request.config.getoption("update_snapshots"))
        self._directory = request.path.with_name(TEXTS) / request.path.stem
        self._beginning = f"{request.node.name}@"
        self._compared: set[Path] = set()

    def __call__(self, name: str, text: str) -> None:
        """Fail unless the text equals the file, ignoring spaces at line ends; with the option, write the file."""
        file = self._directory / f"{self._beginning}{name}.txt"
        self._compared.add(file)
        trimmed = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
        if self._updates:
            self._directory.mkdir(parents=True, exist_ok=True)
            file.write_text(trimmed, "utf-8")
        assert trimmed == self._expected(file)

    def unused(self) -> list[str]:
        """Return the names of this test's files that it did not compare with a text."""
        files = self._directory.iterdir() if self._directory.exists() else ()
        return [file.name for file in files if file.name.startswith(self._beginning) and file not in self._compared]

    def _expected(self, file: Path) -> str:
        return file.read_text("utf-8") if file.exists() else f"no {file.name} yet: write it with --snapshot-update"
