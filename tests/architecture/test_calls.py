"""Calls pass their arguments by name where a reader could not match them by position."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_POSITIONAL = 7


def test_no_call_has_more_positional_arguments_than_a_reader_can_match() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for package in ("server", "tui")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and len(node.args) > MAX_POSITIONAL
    ]
    assert found == []
