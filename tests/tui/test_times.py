"""Times as shown to the user, in local time and relative to now."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tui.config import Hours
from tui.times import clock, moment, set_hours, until

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _two_hours_east() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "XXX-2"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()
    set_hours(Hours.H24)


def test_the_clock_shows_local_time() -> None:
    assert clock(NOW) == "14:00"


def test_the_clock_can_show_twelve_hours() -> None:
    set_hours(Hours.H12)
    assert clock(NOW) == "02:00 PM"
    assert moment(NOW - timedelta(hours=15), NOW, seconds=True) == "13 Mar 11:00:00 PM"
    assert until(NOW + timedelta(hours=2), NOW) == "at 04:00 PM"


def test_a_moment_is_shown_with_its_date_unless_it_is_today() -> None:
    assert moment(NOW - timedelta(hours=3), NOW) == "11:00"
    assert moment(NOW - timedelta(hours=15), NOW) == "13 Mar 23:00"
    assert moment(NOW.replace(year=2025), NOW) == "14 Mar 14:00"
    assert moment(NOW, NOW, seconds=True) == "14:00:00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-9, "at once"), (0.5, "at once"), (5.9, "in 5 s"), (30, "in 30 s"), (120, "in 2 min"), (1800, "in 30 min"),
        (7200, "at 16:00"), (86400, "at 15 Mar 14:00"),
    ],
)  # fmt: skip
def test_the_remaining_time_is_shown_in_words(seconds: float, words: str) -> None:
    assert until(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_outside_the_range_of_local_years_raises_no_error(year: int) -> None:
    edge = datetime(year, 12, 31, 23, tzinfo=UTC) if year == 9999 else datetime(year, 1, 1, tzinfo=UTC)
    assert clock(edge)
    assert moment(edge, NOW)
    assert until(edge, NOW)
