"""When something is sent to the site again: the schedule of a delivery, and the breaker of a webhook."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from server.protocol.codes import ReportState

SCHEDULE_SECONDS = (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
"""Between an attempt that failed and the next; after the last of them it is given up."""
JITTER = 0.2
"""A wait is longer by up to this part of it, by chance, so that what failed together does not come back together."""
LONGEST_SECONDS = 24 * 3600
"""The most that the site can ask to wait."""

FAILURES_TO_OPEN = 5
"""Attempts in a row that failed, of any delivery, until a webhook is left alone for a while."""
OPEN_SECONDS = 30
LONGEST_OPEN_SECONDS = 5 * 60


class State(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    CANCELLED = "cancelled"


class Result(NamedTuple):
    """What an attempt came to; `status` is None if the site gave no whole answer."""

    status: int | None
    words: str = ""
    """For the reporter; without an address or a trace."""
    error: str = ""
    """For the operator."""
    retry_after: str = ""
    answer: str = ""
    """The beginning of what the site said."""
    ours: bool = False
    """It failed here before anything was sent, and says nothing about the site."""

    @property
    def taken(self) -> bool:
        """Status 200 alone means that the site has it."""
        return self.status == HTTPStatus.OK


class Verdict(NamedTuple):
    """What follows from an attempt."""

    state: State
    wait_seconds: float = 0.0
    asked: bool = False
    """The site asked for the wait."""
    pause: bool = False
    """The site wants no more of it: the operator has to look."""


def verdict(attempts: int, result: Result, now: datetime, chance: float) -> Verdict:
    """What follows from the attempt of this number (the first: 1), by a chance from 0 to 1."""
    if result.taken:
        return Verdict(State.DELIVERED)
    if result.status == HTTPStatus.GONE:
        return Verdict(State.WAITING, pause=True)
    if attempts > len(SCHEDULE_SECONDS):
        return Verdict(State.GIVEN_UP)
    base = SCHEDULE_SECONDS[attempts - 1]
    planned = base * (1 + JITTER * chance)
    asked = min(_asked_seconds(result.retry_after, now), LONGEST_SECONDS)
    # Never sooner than planned: a site that always asks for a second would use up the schedule in ten.
    return Verdict(State.WAITING, max(planned, asked), asked > planned)


def open_seconds(failures: int) -> float:
    """How long a webhook is left alone after so many failures in a row; then one delivery probes it."""
    if failures < FAILURES_TO_OPEN:
        return 0.0
    return float(min(LONGEST_OPEN_SECONDS, OPEN_SECONDS * 2 ** min(failures - FAILURES_TO_OPEN, 16)))


def standing(deliveries: Sequence[tuple[State, int]]) -> ReportState:
    """Where a report stands by the state and the attempts of each of its deliveries, in the order of what they say.

    Each has the whole report in it: where none waits, the last one decides.
    """
    waiting = [attempts for state, attempts in deliveries if state is State.WAITING]
    if waiting:
        return ReportState.WAITING if any(waiting) else ReportState.RECEIVED
    last, _ = deliveries[-1]
    return ReportState.GIVEN_UP if last is State.GIVEN_UP else ReportState.DELIVERED


def _asked_seconds(retry_after: str, now: datetime) -> float:
    """Retry-After (RFC 9110, section 10.2.3): seconds or a date; 0 if it says nothing that can be followed."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at = http_date(text)
    return max(0.0, (at - now).total_seconds()) if at else 0.0


def http_date(text: str) -> datetime | None:
    """A date of HTTP (RFC 9110, section 5.6.7) in UTC; None if it is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
