"""Times as they are stored."""

import pytest

from server.storage.clock import milliseconds, moment

FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999


@pytest.mark.parametrize(
    ("stored", "converted"),
    [
        (0, 0),
        (1_764_500_000_123, 1_764_500_000_123),
        (-1, -1),
        (FIRST, FIRST),
        (FIRST - 1, FIRST),
        (-(2**63), FIRST),
        (LAST, LAST),
        (LAST + 1, LAST),
        (2**63 - 1, LAST),
    ],
)
def test_stored_time_becomes_the_nearest_possible_datetime(stored: int, converted: int) -> None:
    assert milliseconds(moment(stored)) == pytest.approx(converted, abs=1)
