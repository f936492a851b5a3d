"""The outbox: deliveries in the database, their leases and the results of their attempts."""

import json
import secrets
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from server.rules.retries import FAILURES_TO_OPEN, Consequence, DeliveryState, Result, consequence, open_seconds
from server.storage.clock import moment

LEASE_SECONDS = 30
"""Duration of a lease; longer than an attempt and recording its result take together."""

_MINE = "(SELECT value FROM json_each(?3))"
_IN_TURN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS before WHERE before.report_id = delivery.report_id"  # noqa: S608 - ours
    " AND before.seq < delivery.seq AND before.holder IS NOT NULL"
    f" AND (before.leased_at <= ?1 AND before.leased_until > ?1 OR before.id IN {_MINE}))"
)
"""Condition: no earlier delivery of the same report is in flight, cancelled or not. ?1: now; ?3: the deliveries that
the caller has in flight, whatever the clock says.
"""


class Claim(NamedTuple):
    """A delivery leased to a holder, who sends it now; `attempt` counts from 1."""

    id: str
    seq: int
    report_id: str
    webhook: str
    attempt: int
    holder: str


class Sent(NamedTuple):
    """The state of the delivery of one trail row; `due` is in milliseconds, `error` from its last attempt."""

    seq: int
    state: DeliveryState
    attempts: int
    due: int
    error: str


class Attempt(NamedTuple):
    """An attempt; times are in milliseconds."""

    at: int
    milliseconds: int
    result: Result


class Suspension(NamedTuple):
    """A webhook is suspended: until a time in milliseconds, or until an administrator resumes it (None)."""

    until: int | None
    why: str


class Depth(NamedTuple):
    """The queue of a webhook: deliveries waiting and given up; `oldest` is in milliseconds."""

    waiting: int
    oldest: int | None
    given_up: int
    failures: int
    suspension: Suspension | None


def queue(connection: sqlite3.Connection, seq: int, report_id: str, webhook: str, now: int) -> None:
    """Queue a row of the trail for immediate delivery."""
    connection.execute(
        "INSERT INTO delivery (id, seq, report_id, webhook, state, due, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (f"msg_{secrets.token_hex(12)}", seq, report_id, webhook, DeliveryState.WAITING, now, now),
    )


def suspension(connection: sqlite3.Connection, webhook: str, now: int) -> Suspension | None:
    """Return why a webhook is suspended (paused, or its breaker is open); None if it is not."""
    row = connection.execute("SELECT paused, opened_at, open_until FROM webhook WHERE name = ?", (webhook,)).fetchone()
    paused, opened_at, open_until = row or ("", 0, 0)
    if paused:
        return Suspension(None, paused)
    # A breaker opened in the future was opened before the clock was set back.
    if opened_at <= now < open_until:
        return Suspension(open_until, "the last attempts failed")
    return None


def depth(connection: sqlite3.Connection, webhook: str, now: int) -> Depth:
    """Return the state of a webhook's queue."""
    waiting, oldest, given_up = connection.execute(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), min(iif(state = 'waiting', trail.at, NULL)),"
        " count(*) FILTER (WHERE state = 'given-up') FROM delivery JOIN trail USING (seq)"
        # Most are delivered: /metrics must not read the rows of all deliveries ever made.
        " WHERE webhook = ? AND state IN ('waiting', 'given-up')",
        (webhook,),
    ).fetchone()
    return Depth(waiting, oldest, given_up, failures(connection, webhook), suspension(connection, webhook, now))


def next_due(connection: sqlite3.Connection, webhook: str, now: int, busy: Collection[str]) -> int | None:
    """Return when the next delivery can be claimed, in milliseconds (0: now); None if nothing is waiting."""
    waiting = f"webhook = ?2 AND state = 'waiting' AND {_IN_TURN} AND id NOT IN {_MINE}"
    values = (now, webhook, json.dumps(list(busy)))
    # The index finds the first of many that are due; all of them are scanned only if none is.
    query = f"SELECT 0 FROM delivery WHERE {waiting} AND due <= ?1 AND leased_until <= ?1 LIMIT 1"  # noqa: S608 - ours
    soonest = "min(max(iif(changed_at > ?1, 0, due), iif(leased_at > ?1, 0, leased_until)))"
    all_of_them = f"SELECT {soonest} FROM delivery WHERE {waiting}"  # noqa: S608 - ours
    (due,) = connection.execute(query, values).fetchone() or connection.execute(all_of_them, values).fetchone()
    if due is None:
        return None
    suspended = suspension(connection, webhook, now)
    if suspended and suspended.until is None:
        return None
    return max(due, suspended.until or 0) if suspended else int(due)


def claim(
    connection: sqlite3.Connection, webhook: str, holder: str, capacity: int, busy: Collection[str], now: int
) -> list[Claim]:
    """Lease deliveries that are due, the earliest first: at most `capacity`, and none of the `busy` ones.

    A delivery waits for earlier ones of the same report, so that a withdrawal does not arrive before the report.
    Deliveries that were scheduled or leased in the future date from before the clock was set back: they are due now.
    """
    if suspension(connection, webhook, now):
        return []
    if failures(connection, webhook) >= FAILURES_TO_OPEN:
        capacity = 0 if _is_probed(connection, webhook, now) else 1
    rows = connection.execute(
        "UPDATE delivery SET holder = ?4, leased_at = ?1, leased_until = ?1 + ?5 WHERE id IN ("  # noqa: S608 - ours
        f" SELECT id FROM delivery WHERE webhook = ?2 AND state = 'waiting' AND {_IN_TURN}"
        " AND (due <= ?1 OR changed_at > ?1)"
        f" AND (leased_until <= ?1 OR leased_at > ?1) AND id NOT IN {_MINE}"
        " ORDER BY due LIMIT ?6) RETURNING id, seq, report_id, webhook, attempts + 1, holder",
        (now, webhook, json.dumps(list(busy)), holder, LEASE_SECONDS * 1000, capacity),
    )
    return [Claim(*row) for row in rows.fetchall()]


def renew(connection: sqlite3.Connection, claim: Claim, now: int) -> bool:
    """Renew the lease right before sending; False if the delivery must not be sent.

    It may have been withdrawn since it was claimed, or after a long pause another server may hold it.
    """
    renewed = connection.execute(
        "UPDATE delivery SET leased_at = ?1, leased_until = ?1 + ?2"
        " WHERE id = ?3 AND holder = ?4 AND state = 'waiting'",
        (now, LEASE_SECONDS * 1000, claim.id, claim.holder),
    )
    return renewed.rowcount == 1


def release(connection: sqlite3.Connection, claim: Claim) -> None:
    """End the lease of a delivery that was not sent, so that the next one need not wait for it to expire."""
    connection.execute(
        "UPDATE delivery SET holder = NULL, leased_at = 0, leased_until = 0 WHERE id = ? AND holder = ?",
        (claim.id, claim.holder),
    )


def record_attempt(connection: sqlite3.Connection, claim: Claim, attempt: Attempt, now: int, chance: float) -> None:
    """Record an attempt, and update delivery and breaker.

    A 200 counts even if the lease has expired: what the site has is never sent again. A failure after the lease has
    expired is only logged, because another holder is sending it.
    """
    connection.execute(
        "INSERT INTO attempt (delivery_id, at, milliseconds, status, answer, error) VALUES (?, ?, ?, ?, ?, ?)",
        (
            claim.id,
            attempt.at,
            attempt.milliseconds,
            attempt.result.status,
            attempt.result.answer,
            attempt.result.error,
        ),
    )
    follows = consequence(claim.attempt, attempt.result, moment(now), chance)
    if not attempt.result.ours:
        _update_breaker(connection, claim.webhook, attempt.result, follows, now)
    if attempt.result.accepted:
        connection.execute(
            "UPDATE delivery SET state = ?, error = '', attempts = ?, changed_at = ?, holder = NULL WHERE id = ?",
            (DeliveryState.DELIVERED, claim.attempt, now, claim.id),
        )
        return
    connection.execute(
        # A delivery that was cancelled meanwhile stays cancelled, and is no longer in flight.
        "UPDATE delivery SET state = iif(state = 'waiting', ?, state), error = ?, attempts = ?, due = ?,"
        " asked_to_wait = ?, changed_at = ?, holder = NULL, leased_at = 0, leased_until = 0"
        " WHERE id = ? AND holder = ?",
        (
            follows.state,
            attempt.result.words,
            # A pause of the webhook must not use up the delivery's schedule.
            claim.attempt - 1 if follows.pause else claim.attempt,
            now + int(follows.wait_seconds * 1000),
            follows.asked,
            now,
            claim.id,
            claim.holder,
        ),
    )


def sent(connection: sqlite3.Connection, report_id: str) -> list[Sent]:
    """Return the deliveries of a report in trail order, without cancelled ones."""
    rows = connection.execute(
        "SELECT seq, state, attempts, due, error FROM delivery WHERE report_id = ? AND state != ? ORDER BY seq",
        (report_id, DeliveryState.CANCELLED),
    )
    return [Sent(seq, DeliveryState(state), *rest) for seq, state, *rest in rows]


def cancel(connection: sqlite3.Connection, report_id: str, now: int) -> bool:
    """Cancel the deliveries of a report; return whether the site may have received any of them."""
    seen = connection.execute(
        # After a replay, attempts count from 0 again; the log of attempts is kept for a limited time.
        "SELECT 1 FROM delivery WHERE report_id = ? AND (state = 'delivered' OR attempts > 0 OR leased_until > 0"
        " OR EXISTS (SELECT 1 FROM attempt WHERE delivery_id = delivery.id))",
        (report_id,),
    ).fetchone()
    connection.execute(
        "UPDATE delivery SET state = ?, changed_at = ? WHERE report_id = ? AND state IN ('waiting', 'given-up')",
        (DeliveryState.CANCELLED, now, report_id),
    )
    return seen is not None


def pause(connection: sqlite3.Connection, webhook: str, why: str) -> None:
    """Suspend a webhook until it is resumed."""
    connection.execute(
        "INSERT INTO webhook (name, paused) VALUES (?, ?) ON CONFLICT DO UPDATE SET paused = excluded.paused",
        (webhook, why),
    )


def resume(connection: sqlite3.Connection, webhook: str, now: int) -> None:
    """Resume a webhook: deliver everything that is waiting now, and reset its breaker."""
    connection.execute("DELETE FROM webhook WHERE name = ?", (webhook,))
    connection.execute(
        "UPDATE delivery SET due = min(due, ?1), changed_at = ?1 WHERE webhook = ?2 AND state = 'waiting'",
        (now, webhook),
    )


def replay(connection: sqlite3.Connection, delivery_id: str, now: int) -> str | None:
    """Deliver again, now and with a full retry schedule; return the ID of the report, or None."""
    row = connection.execute(
        "UPDATE delivery SET state = 'waiting', attempts = 0, due = ?1, changed_at = ?1, asked_to_wait = 0, error = '',"
        " leased_at = 0, leased_until = 0, holder = NULL WHERE id = ?2 RETURNING report_id",
        (now, delivery_id),
    ).fetchone()
    return row[0] if row else None


def failures(connection: sqlite3.Connection, webhook: str) -> int:
    """Return the number of consecutive failed attempts."""
    row = connection.execute("SELECT failures FROM webhook WHERE name = ?", (webhook,)).fetchone()
    return int(row[0]) if row else 0


def _is_probed(connection: sqlite3.Connection, webhook: str, now: int) -> bool:
    # Whether cancelled or not: its answer is still pending.
    live = "webhook = ?1 AND holder IS NOT NULL AND leased_at <= ?2 AND leased_until > ?2"
    return connection.execute(f"SELECT 1 FROM delivery WHERE {live}", (webhook, now)).fetchone() is not None  # noqa: S608


def _update_breaker(
    connection: sqlite3.Connection, webhook: str, result: Result, follows: Consequence, now: int
) -> None:
    before, suspended = failures(connection, webhook), suspension(connection, webhook, now)
    if not result.accepted:
        opened = int(open_seconds(before + 1) * 1000)
        # Attempts in flight when the breaker opened say nothing new.
        if suspended is None or suspended.until is None:
            connection.execute(
                "INSERT INTO webhook (name, failures, opened_at, open_until) VALUES (?1, 1, ?2, ?3) ON CONFLICT DO"
                " UPDATE SET failures = failures + 1, opened_at = excluded.opened_at, open_until = excluded.open_until",
                (webhook, now, now + opened if opened else 0),
            )
        if follows.pause:
            pause(connection, webhook, "the site answered 410 (Gone)")
        return
    connection.execute("UPDATE webhook SET failures = 0, opened_at = 0, open_until = 0 WHERE name = ?", (webhook,))
    if before >= FAILURES_TO_OPEN:
        # The site is back: deliver now what is waiting for its schedule, unless the site requested the delay.
        connection.execute(
            "UPDATE delivery SET due = min(due, ?1), changed_at = ?1"
            " WHERE webhook = ?2 AND state = 'waiting' AND NOT asked_to_wait",
            (now, webhook),
        )
