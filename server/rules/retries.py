"""The rules for calling the site again: the retry schedule of a delivery, and the circuit breaker of a webhook."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from server.protocol.codes import ReportState

SCHEDULE_SECONDS = (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
"""Delays between a failed attempt and the next; a delivery is given up after the last one."""
JITTER = 0.2
"""Maximum random share added to a delay, so that deliveries that failed together are not retried together."""
LONGEST_SECONDS = 24 * 3600
"""Maximum delay that the site can request."""

GATHERING_SECONDS = 10
"""Time for which further reports of a message wait for each other; doubled with each post about it."""
LONGEST_GATHERING_SECONDS = 3600

FAILURES_TO_OPEN = 5
"""Consecutive failed attempts, of any delivery, after which the breaker of a webhook opens."""
OPEN_SECONDS = 30
LONGEST_REST_SECONDS = 4 * 60
"""Maximum time without a probe after a failure: with a probe that times out, a site that is healthy again receives the
first delivery within 5 minutes."""


class DeliveryState(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    CANCELLED = "cancelled"


class Result(NamedTuple):
    """The result of an attempt; `status` is None without a complete answer from the site."""

    status: int | None
    words: str = ""
    """Error text for the reporter, without addresses or internals."""
    error: str = ""
    """Error text for the administrator."""
    retry_after: str = ""
    answer: str = ""
    """The beginning of the site's answer."""
    signed: bool = False
    """Whether the request was signed."""
    ours: bool = False
    """Whether the attempt failed on this server before anything was sent, which says nothing about the site."""
    outdated: bool = False
    """Whether the settings changed during the attempt, so that its failure says nothing about the new ones."""

    @property
    def accepted(self) -> bool:
        """Return whether the site accepted the request."""
        return is_success(self.status, signed=self.signed)


def gathering_seconds(posts: int) -> float:
    """Return for how many seconds a report waits for more reports of its message, after this many posts about it."""
    return min(GATHERING_SECONDS * (1 << min(posts - 1, 16)), LONGEST_GATHERING_SECONDS)


def is_success(status: int | None, *, signed: bool) -> bool:
    """Return whether a status means success.

    Receivers of signed requests speak Standard Webhooks, where any 2xx does. In BareRTC's contract only 200 does.
    """
    return status is not None and (200 <= status < 300 if signed else status == HTTPStatus.OK)


def status_hint(status: int, *, signed: bool) -> str | None:
    """Explain to the administrator a failure that may look like success; None for any other status."""
    if 200 < status < 300 and not signed:
        return f"{status} is not 200, and without a Secret only 200 means success"
    return "redirects are not followed; set URL to the target of this one" if 300 <= status < 400 else None


def status_text(status: int, *, signed: bool) -> str:
    """Describe the status of an answer for the administrator."""
    hint = status_hint(status, signed=signed)
    return f"status {status}: {hint}" if hint else f"status {status}"


class Consequence(NamedTuple):
    """The consequence of an attempt."""

    state: DeliveryState
    wait_seconds: float = 0.0
    asked: bool = False
    """Whether the site requested the delay."""
    pause: bool = False
    """Whether the site refuses all calls, so that an administrator has to act."""
    counts: bool = True
    """Whether the attempt uses up a step of the schedule."""


def consequence(attempts: int, result: Result, now: datetime, chance: float, ahead: float | None = None) -> Consequence:
    """Decide what follows from an attempt (the first is number 1); `chance` is random, from 0 to 1.

    `ahead`: the seconds until the next scheduled attempt, if this one was sent before it.
    """
    if result.accepted:
        return Consequence(DeliveryState.DELIVERED)
    if result.status == HTTPStatus.GONE:
        # A pause of the webhook must not use up the delivery's schedule.
        return Consequence(DeliveryState.WAITING, pause=True, counts=False)
    probe = ahead is not None and not result.ours
    if attempts > len(SCHEDULE_SECONDS) and not probe:
        return Consequence(DeliveryState.GIVEN_UP)
    planned = ahead if ahead is not None and probe else SCHEDULE_SECONDS[attempts - 1] * (1 + JITTER * chance)
    asked = min(_asked_seconds(result.retry_after, now), LONGEST_SECONDS)
    # Never earlier than planned: a site that always requests one second would use up the schedule in ten.
    return Consequence(DeliveryState.WAITING, max(planned, asked), asked > planned, counts=not probe)


def rest_seconds(failures: int) -> float:
    """Return the pause in seconds after this many consecutive failures.

    After the pause, a delivery that is not due yet probes the site. Below `FAILURES_TO_OPEN` failures, deliveries that
    are due are sent during the pause; from then on, none are.
    """
    if failures < FAILURES_TO_OPEN:
        return float(LONGEST_REST_SECONDS)
    return float(min(LONGEST_REST_SECONDS, OPEN_SECONDS * 2 ** min(failures - FAILURES_TO_OPEN, 16)))


def report_status(deliveries: Sequence[tuple[DeliveryState, int]]) -> ReportState:
    """Return the status of a report from the state and attempts of each of its deliveries, in trail order.

    Each delivery contains the whole report, so the last one decides unless one is still waiting.
    """
    waiting = [attempts for state, attempts in deliveries if state is DeliveryState.WAITING]
    if waiting:
        return ReportState.WAITING if any(waiting) else ReportState.RECEIVED
    last, _ = deliveries[-1]
    return ReportState.GIVEN_UP if last is DeliveryState.GIVEN_UP else ReportState.DELIVERED


def _asked_seconds(retry_after: str, now: datetime) -> float:
    """Parse Retry-After (RFC 9110, section 10.2.3), which is seconds or a date; 0 if it is not valid."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at = http_date(text)
    return max(0.0, (at - now).total_seconds()) if at else 0.0


def http_date(text: str) -> datetime | None:
    """Parse an HTTP date (RFC 9110, section 5.6.7) as UTC; None if it is not valid."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
