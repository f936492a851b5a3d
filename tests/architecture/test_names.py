"""Names: a search for a class finds its one definition, and no function has a name that says nothing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VAGUE = {"tell", "take", "show", "stand", "keep", "settle"}
"""Verbs that had up to eighteen definitions; with an object, such as `show_profile`, they are fine."""


def _definitions() -> Iterator[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Yield each definition and its place."""
    for package in ("server", "tui"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node, f"{file.relative_to(ROOT)}:{node.lineno}"


def test_each_class_has_a_name_of_its_own() -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for node, place in _definitions():
        if isinstance(node, ast.ClassDef):
            found[node.name].append(place)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_no_function_is_named_with_a_vague_verb_alone() -> None:
    assert [place for node, place in _definitions() if node.name.strip("_") in VAGUE] == []
