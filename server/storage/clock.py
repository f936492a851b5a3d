"""Time as it is stored: milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, with a time zone."""


_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last millisecond of the years 1 to 9999, which are those of datetime."""


def utc_now() -> datetime:
    """Return the time of the machine's clock, which may be set back at any time."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Convert a time to its stored form."""
    return int(at.timestamp() * 1000)


def moment(at: int) -> datetime:
    """Convert a stored time to a datetime in UTC; one that only a damaged database has becomes the nearest possible."""
    return datetime.fromtimestamp(min(max(at, _FIRST), _LAST) / 1000, UTC)
