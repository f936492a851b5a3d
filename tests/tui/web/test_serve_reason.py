"""Reasons why the page cannot be served at an address."""

import pytest

from tui.web.serve import reason


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(98, "Address in use (while attempting to bind on address ('127.0.0.1', 80))"), "Address in use"),
        (OSError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_a_reason_is_one_clause_without_the_address(error: OSError, shown: str) -> None:
    assert reason(error) == shown
