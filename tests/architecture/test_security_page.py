"""Each promise of SECURITY.md names a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| .+ \| .+ \| (tests/\S+) \|$", re.MULTILINE)


def test_every_promise_names_a_test_that_exists() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    named = ROW.findall(page)
    promises = page.partition("## What is promised")[2].splitlines()
    assert len(named) == sum(line.startswith("| ") for line in promises) - 2
    assert [each for each in named if not exists(each)] == []


def exists(test: str) -> bool:
    """Return whether a test file, or a function in it, exists."""
    file, _, function = test.partition("::")
    path = ROOT / file
    return path.is_file() and (not function or f"def {function}(" in path.read_text())
