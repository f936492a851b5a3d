"""Times as people read them: of the day here, with the date where it is another day, and how long until then."""

from datetime import datetime, timedelta

SOON = timedelta(seconds=90)
TODAY = timedelta(minutes=90)
UNKNOWN = "??:??"


def clock(at: datetime) -> str:
    """The time of day here, in hours and minutes."""
    return _local(at, "%H:%M")


def day(at: datetime) -> str:
    """The day here, in words."""
    return _local(at, "%A, %d %B %Y")


def moment(at: datetime, now: datetime, form: str = "%H:%M") -> str:
    """The time of day here, and the date unless that is today's."""
    today = _local(at, "%Y-%m-%d") == _local(now, "%Y-%m-%d")
    return _local(at, form if today else f"%d %b {form}")


def until(at: datetime, now: datetime) -> str:
    """How long from now, as in "in 5 s"; the time of day where that says more."""
    left = at - now
    if left <= timedelta(seconds=1):
        return "at once"
    if left < SOON:
        return f"in {left // timedelta(seconds=1)} s"
    return f"in {left // timedelta(minutes=1)} min" if left < TODAY else f"at {moment(at, now)}"


def _local(at: datetime, form: str) -> str:
    try:
        return at.astimezone().strftime(form)
    except (OverflowError, ValueError, OSError):
        # A server can claim a year that no zone reaches.
        return UNKNOWN
