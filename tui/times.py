"""Times as people read them: of the day here, with the date where it is another day, and how long until then."""

from datetime import datetime, timedelta

from tui.config import Hours

SOON = timedelta(seconds=90)
TODAY = timedelta(minutes=90)
UNKNOWN = "??:??"
FORMS = {Hours.H24: ("%H:%M", "%H:%M:%S"), Hours.H12: ("%I:%M %p", "%I:%M:%S %p")}
"""To the minute, and to the second."""

_hours = [Hours.H24]


def write_in(hours: Hours) -> None:
    """Write the time of day so from now on: one person has one way, wherever a time stands."""
    _hours[0] = hours


def written_in() -> Hours:
    """How the time of day is written now."""
    return _hours[0]


def clock(at: datetime) -> str:
    """The time of day here, in hours and minutes."""
    return _local(at, _form())


def day(at: datetime) -> str:
    """The day here, in words."""
    return _local(at, "%A, %d %B %Y")


def moment(at: datetime, now: datetime, *, seconds: bool = False) -> str:
    """The time of day here, and the date unless that is today's."""
    form, today = _form(seconds=seconds), _local(at, "%Y-%m-%d") == _local(now, "%Y-%m-%d")
    return _local(at, form if today else f"%d %b {form}")


def until(at: datetime, now: datetime) -> str:
    """How long from now, as in "in 5 s"; the time of day where that says more."""
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
        # A server can claim a year that no zone reaches.
        return UNKNOWN
