"""The pause of a webhook, and its circuit breaker, which opens after failed attempts."""

from typing import NamedTuple

from server.rules.retries import FAILURES_TO_OPEN, rest_seconds
from server.storage.sql import SqlConnection

GONE = "the site answered 410 (Gone)"
"""The reason for a pause that ends when the settings of the webhook change; other pauses continue."""
FAILING = "the last attempts failed"


class Suspension(NamedTuple):
    """A pause or open breaker: until a time in milliseconds, or until an administrator resumes the webhook (None)."""

    until: int | None
    why: str


class WebhookState(NamedTuple):
    """The stored state of a webhook; times are in milliseconds."""

    paused: str = ""
    failures: int = 0
    """Consecutive failed attempts."""
    failed_at: int = 0
    rest_until: int = 0
    """The end of the rest after the last failure; then one waiting delivery probes the site."""
    recovered_at: int = 0
    """When the site last accepted a delivery after failures."""

    def suspension(self, now: int) -> Suspension | None:
        """Return why nothing may be sent now; None if deliveries may be sent."""
        if self.paused:
            return Suspension(None, self.paused)
        if self.failures >= FAILURES_TO_OPEN and self._rests(now):
            return Suspension(self.rest_until, FAILING)
        return None

    def probe_at(self, now: int) -> int | None:
        """Return when one delivery may be sent before it is due (0: now); None if no attempt has failed."""
        if not self.failures:
            return None
        return self.rest_until if self._rests(now) else 0

    def recovered(self, now: int) -> int:
        """Return when the site recovered: deliveries that failed before then may be retried once, at once.

        Return -1 if that is in the future, because the clock was set back.
        """
        return self.recovered_at if self.recovered_at <= now else -1

    def _rests(self, now: int) -> bool:
        # A failure in the future dates from before the clock was set back.
        return self.failed_at <= now < self.rest_until


def read(connection: SqlConnection, webhook: str) -> WebhookState:
    """Return the state of a webhook."""
    row = connection.execute(
        "SELECT paused, failures, opened_at, open_until, recovered_at FROM webhook WHERE name = ?", (webhook,)
    ).fetchone()
    return WebhookState(*row) if row else WebhookState()


def suspension(connection: SqlConnection, webhook: str) -> Suspension | None:
    """Return why a webhook is suspended (paused, or its breaker is open); None if it is not."""
    return read(connection, webhook).suspension(connection.now)


def pause(connection: SqlConnection, webhook: str, why: str) -> None:
    """Pause a webhook until it is resumed."""
    connection.execute(
        "INSERT INTO webhook (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused",
        (webhook, why),
    )


def resume(connection: SqlConnection, webhook: str) -> None:
    """End a pause, and forget failures and requested delays, so that everything that waits is sent now."""
    connection.execute(
        "INSERT INTO webhook (name, recovered_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET paused = '', failures = 0, opened_at = 0, open_until = 0, recovered_at = excluded.recovered_at",
        (webhook, connection.now),
    )
    connection.execute(
        "UPDATE delivery SET asked_to_wait = 0 WHERE webhook = ? AND state = 'waiting' AND asked_to_wait = 1",
        (webhook,),
    )


def retarget(connection: SqlConnection, webhook: str) -> None:
    """Forget failures, requested delays and a 410 (Gone), because the settings of the webhook have changed."""
    paused = read(connection, webhook).paused
    resume(connection, webhook)
    if paused != GONE:
        pause(connection, webhook, paused)


def end_rest(connection: SqlConnection, webhook: str) -> None:
    """Let the next waiting delivery probe the site now."""
    connection.execute("UPDATE webhook SET opened_at = 0, open_until = 0 WHERE name = ?", (webhook,))


def record(connection: SqlConnection, webhook: str, *, accepted: bool) -> None:
    """Record the result of an attempt: failures open the circuit breaker, a success closes it."""
    before, now = read(connection, webhook), connection.now
    if accepted:
        if before.failures:
            connection.execute(
                "UPDATE webhook SET failures = 0, opened_at = 0, open_until = 0, recovered_at = ? WHERE name = ?",
                (now, webhook),
            )
        return
    suspended = before.suspension(now)
    if suspended and suspended.until is not None:
        # The attempt was in flight when the breaker opened, and says nothing new.
        return
    connection.execute(
        "INSERT INTO webhook (name, failures, opened_at, open_until) VALUES (?1, 1, ?2, ?3) ON CONFLICT (name) DO"
        " UPDATE SET failures = webhook.failures + 1, opened_at = excluded.opened_at, open_until = excluded.open_until",
        (webhook, now, now + int(rest_seconds(before.failures + 1) * 1000)),
    )
