"""Time as the engine stores it: milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present time, aware of its zone."""


def utc_now() -> datetime:
    """The machine's clock; it may be set back at any time."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """A time as it is stored."""
    return int(at.timestamp() * 1000)


def moment(at: int) -> datetime:
    """A stored time."""
    return datetime.fromtimestamp(at / 1000, UTC)
