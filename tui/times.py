"""Times as people read them: local time, the date for another day, and the remaining time."""

from datetime import datetime, timedelta

from tui.config import Hours

SOON = timedelta(seconds=90)
TODAY = timedelta(minutes=90)
UNKNOWN = "??:??"
FORMS = {Hours.H24: ("%H:%M", "%H:%M:%S"), Hours.H12: ("%I:%M %p", "%I:%M:%S %p")}
"""`strftime` formats to the minute, and to the second."""

_hours = [Hours.H24]


def set_hours(hours: Hours) -> None:
    """Set the format of the time of day for the whole client."""
    _hours[0] = hours


def current_hours() -> Hours:
    """Return the current format of the time of day."""
    return _hours[0]


def clock(at: datetime) -> str:
    """Return the local time of day, in hours and minutes."""
    return _local(at, _form())


def day(at: datetime) -> str:
    """Return the local date, in words."""
    return _local(at, "%A, %d %B %Y")


def moment(at: datetime, now: datetime, *, seconds: bool = False) -> str:
    """Return the local time of day, with the date unless that is today's."""
    form, today = _form(seconds=seconds), _local(at, "%Y-%m-%d") == _local(now, "%Y-%m-%d")
    return _local(at, form if today else f"%d %b {form}")


def until(at: datetime, now: datetime) -> str:
    """Return the remaining time ("in 5 s"), or the time of day if TODAY or more remains."""
    left = at - now
    if left <= timedelta(seconds=1):
        return "at once"
    if left < SOON:
        return f"in {left // timedelta(seconds=1)} s"
    return f"in {left // timedelta(minutes=1)} min" if left < TODAY else f"at {moment(at, now)}"


def _form(*, seconds: bool = False) -> str:
    return FORMS[_hours[0]][seconds]


def _local(at: datetime, form: str) -> str:
    try:
        return at.astimezone().strftime(form)
    except (OverflowError, ValueError, OSError):
        # A server can send a year that cannot be converted to local time.
        return UNKNOWN
