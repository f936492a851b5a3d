"""The shared SQL has SQLite's placeholders; PostgreSQL gets its own."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.postgres.placeholders import translated


@pytest.mark.parametrize(
    ("shared", "native"),
    [
        ("SELECT 1", "SELECT 1"),
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("a = ?2 AND b = ?1 AND c = ?2", "a = $2 AND b = $1 AND c = $2"),
        ("a = ?2 AND b = ?", "a = $2 AND b = $3"),
        ("a = :x AND b = :y_1 OR c = :x", "a = $1 AND b = $2 OR c = $1"),
        ("a = '?' AND b = ?", "a = '?' AND b = $1"),
        ("a = 'it''s :x ?' AND b = ?", "a = 'it''s :x ?' AND b = $1"),
        ('"?" = ? AND ":x" = ?', '"?" = $1 AND ":x" = $2'),
        ("'5'::bigint = ?::bigint", "'5'::bigint = $1::bigint"),
        ("a -- why? :x\n = ?", "a -- why? :x\n = $1"),
    ],
)
def test_placeholders_are_numbered(shared: str, native: str) -> None:
    assert translated(shared).sql == native


def test_named_values_are_put_in_order() -> None:
    statement = translated("a = :b AND c = :a AND d = :b")
    assert statement.ordered({"a": 1, "b": 2, "unused": 3}) == [2, 1]
    assert translated("a = ?").ordered((5,)) == (5,)


@given(st.lists(st.sampled_from(["?", "?1", "?2", "?3", "?5", "'?'", "1"]), min_size=1, max_size=8))
def test_placeholder_numbers_are_those_that_sqlite_assigns(terms: list[str]) -> None:
    values = tuple(range(100, 120))
    connection = sqlite3.connect(":memory:")
    native = translated(f"SELECT {', '.join(terms)}").sql.removeprefix("SELECT ").split(", ")
    count = max((int(term[1:]) for term in native if term.startswith("$")), default=0)
    try:
        row = connection.execute(f"SELECT {', '.join(terms)}", values[:count]).fetchone()
    finally:
        connection.close()
    assert [values[int(term[1:]) - 1] for term in native if term.startswith("$")] == [
        value for value, term in zip(row, terms, strict=True) if term[0] == "?"
    ]
