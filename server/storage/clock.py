"""Time as it is stored: milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, with a time zone."""


def utc_now() -> datetime:
    """Return the time of the machine's clock, which may be set back at any time."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Convert a time to its stored form."""
    return int(at.timestamp() * 1000)


def moment(at: int) -> datetime:
    """Convert a stored time to a datetime in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC)
