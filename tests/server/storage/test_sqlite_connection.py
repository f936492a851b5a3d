"""Values for `?1` are bound by number, as needed by the versions of Python that warn about a sequence for them."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.storage.sql import Values
from server.storage.sqlite_connection import by_number

STORAGE = Path(__file__).parents[3] / "server" / "storage"


@pytest.mark.parametrize(
    ("sql", "values", "bound"),
    [
        ("SELECT ?2, ?1, ?2", ("a", "b"), {"1": "a", "2": "b"}),
        ("SELECT ?, ?", ("a", "b"), ("a", "b")),
        ("SELECT :x, :y", {"x": "a", "y": "b"}, {"x": "a", "y": "b"}),
    ],
)
def test_values_are_bound_by_number_with_the_same_result(sql: str, values: Values, bound: Values) -> None:
    assert by_number(sql, values) == bound
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(sql, bound).fetchall() == connection.execute(sql, values).fetchall()


def literals() -> Iterator[str]:
    """Yield the texts in the code of the storage; those in f-strings with the fixed parts joined."""
    for file in STORAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_no_statement_mixes_numbered_values_with_others() -> None:
    numbered = [text for text in literals() if re.search(r"\?[0-9]", text) and re.search("SELECT|UPDATE|INSERT", text)]
    assert numbered
    assert not [text for text in numbered if re.search(r"\?(?![0-9])|(?<![:\w]):[a-z_]", text)]
