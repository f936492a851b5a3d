"""The outbox: deliveries in the database, their leases and the results of their attempts."""

import json
import secrets
from collections.abc import Collection, Sequence
from typing import NamedTuple

from server.rules.retries import FAILURES_TO_OPEN, Consequence, DeliveryState, Result, consequence
from server.storage import webhook_state
from server.storage.clock import moment
from server.storage.sql import SqlConnection, Value
from server.storage.webhook_state import Suspension, WebhookState

LEASE_SECONDS = 30
"""Duration of a lease; longer than an attempt and recording its result take together."""

_MINE = "(SELECT value FROM json_each(:busy))"
_IN_TURN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS before WHERE before.report_id = delivery.report_id"  # noqa: S608 - ours
    " AND before.webhook = delivery.webhook"
    " AND before.seq < delivery.seq AND before.holder IS NOT NULL"
    f" AND (before.leased_at <= :now AND before.leased_until > :now OR before.id IN {_MINE}))"
)
"""Condition: no earlier delivery of the same report to the webhook is in flight, cancelled or not. :busy are those that
the caller has in flight, whatever the clock says.
"""
_SCHEDULED = "(due <= :now OR changed_at > :now)"
"""Condition: due by its schedule. One that was changed in the future dates from before the clock was set back."""
_READY = f"({_SCHEDULED} OR (asked_to_wait = 0 AND changed_at <= :recovered))"
"""Condition: due, or it failed before the site recovered."""
_PROBE = f"({_SCHEDULED} OR asked_to_wait = 0)"
"""Condition: it may probe a failing site. The site itself requested the other delays."""
_FIRST = "webhook = (SELECT webhook FROM delivery AS first WHERE first.report_id = ?1 ORDER BY seq, place LIMIT 1)"
"""Condition: a delivery of the report ?1 to the webhook that decides its status; others get copies."""
_NEVER = 2**62


class Claim(NamedTuple):
    """A delivery leased to a holder, who sends it now; `attempt` counts from 1, by the schedule."""

    id: str
    seq: int
    report_id: str
    webhook: str
    attempt: int
    holder: str
    scheduled: int | None = None
    """When it is due, if it is sent before that: such an attempt does not use up the schedule."""


class Sent(NamedTuple):
    """The state of the delivery of one trail row; `due` is in milliseconds, `error` from its last attempt."""

    seq: int
    state: DeliveryState
    attempts: int
    due: int
    asked_to_wait: bool
    error: str


class Attempt(NamedTuple):
    """An attempt; times are in milliseconds."""

    at: int
    milliseconds: int
    result: Result


class Depth(NamedTuple):
    """The queue of a webhook: deliveries waiting and given up; `oldest` is in milliseconds."""

    waiting: int
    oldest: int | None
    given_up: int
    failures: int
    suspension: Suspension | None


def queue(connection: SqlConnection, seq: int, report_id: str, webhook: str, due: int | None = None) -> None:
    """Queue a row of the trail for delivery, by default immediately."""
    now = connection.now
    due = now if due is None else due
    connection.execute(
        "INSERT INTO delivery (id, seq, report_id, webhook, state, due, changed_at, place)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT count(*) FROM delivery WHERE report_id = ?3 AND seq = ?2))",
        (f"msg_{secrets.token_hex(12)}", seq, report_id, webhook, DeliveryState.WAITING, due, now),
    )


def depth(connection: SqlConnection, webhook: str) -> Depth:
    """Return the state of a webhook's queue."""
    waiting, oldest, given_up = connection.execute(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), min(CASE WHEN state = 'waiting' THEN trail.at END),"
        " count(*) FILTER (WHERE state = 'given-up') FROM delivery JOIN trail USING (seq)"
        # Most are delivered: /metrics must not read the rows of all deliveries ever made.
        " WHERE webhook = ? AND state IN ('waiting', 'given-up')",
        (webhook,),
    ).fetchone()
    state = webhook_state.read(connection, webhook)
    return Depth(waiting, oldest, given_up, state.failures, state.suspension(connection.now))


def next_due(connection: SqlConnection, webhook: str, busy: Collection[str]) -> int | None:
    """Return when the next delivery can be claimed, in milliseconds (0: now); None if nothing is waiting."""
    state, now = webhook_state.read(connection, webhook), connection.now
    suspended, probe_at = state.suspension(now), state.probe_at(now)
    if suspended and suspended.until is None:
        return None
    waiting = f"webhook = :webhook AND state = 'waiting' AND gathered_in IS NULL AND {_IN_TURN} AND id NOT IN {_MINE}"
    values: dict[str, Value] = {
        "now": now,
        "webhook": webhook,
        "busy": json.dumps(list(busy)),
        "recovered": state.recovered(now),
    }
    # The index finds the first of many that are due; all of them are scanned only if none is.
    query = f"SELECT 0 FROM delivery WHERE {waiting} AND {_READY} AND leased_until <= :now LIMIT 1"  # noqa: S608 - ours
    times = (
        "CASE WHEN changed_at > :now THEN 0 WHEN asked_to_wait = 0 AND :probe_at < due THEN :probe_at ELSE due END"
        " AS scheduled, CASE WHEN leased_at > :now THEN 0 ELSE leased_until END AS released"
    )
    soonest = "min(CASE WHEN scheduled > released THEN scheduled ELSE released END)"
    all_of_them = f"SELECT {soonest} FROM (SELECT {times} FROM delivery WHERE {waiting}) AS waiting"  # noqa: S608 - ours
    (due,) = (
        connection.execute(query, values).fetchone()
        or connection.execute(all_of_them, values | {"probe_at": _NEVER if probe_at is None else probe_at}).fetchone()
    )
    if due is None:
        return None
    return max(due, suspended.until or 0) if suspended else int(due)


def next_attempt(state: WebhookState, due: int, *, asked_to_wait: bool, now: int) -> int | None:
    """Return when a waiting delivery is sent next, if no other one probes the site first; None if it is paused."""
    suspended, probe_at = state.suspension(now), state.probe_at(now)
    if suspended and suspended.until is None:
        return None
    at = due if asked_to_wait or probe_at is None else min(due, max(probe_at, now))
    return max(at, suspended.until or 0) if suspended else at


def claim(connection: SqlConnection, webhook: str, holder: str, capacity: int, busy: Collection[str]) -> list[Claim]:
    """Lease deliveries that are due, the earliest first: at most `capacity`, and none of the `busy` ones.

    A failing site is probed by one delivery at a time, whatever its due time; the first to go is the one whose last
    attempt is the longest ago, so that one that the site never accepts does not block the others. A delivery waits for
    earlier ones of the same report, so that a withdrawal does not arrive before the report.
    """
    state, now = webhook_state.read(connection, webhook), connection.now
    if state.suspension(now):
        return []
    values: dict[str, int | str] = {
        "now": now,
        "webhook": webhook,
        "holder": holder,
        "busy": json.dumps(list(busy)),
        "recovered": state.recovered(now),
    }
    if state.failures < FAILURES_TO_OPEN and (ready := _lease(connection, f"{_READY} ORDER BY due", values, capacity)):
        return ready
    probe_at = state.probe_at(now)
    if probe_at is None or probe_at > now or _is_probed(connection, webhook):
        return []
    return _lease(connection, f"{_PROBE} ORDER BY changed_at, seq", values, 1)


def _lease(connection: SqlConnection, which: str, values: dict[str, int | str], capacity: int) -> list[Claim]:
    rows = connection.execute(
        "UPDATE delivery SET holder = :holder, leased_at = :now, leased_until = :now + :lease WHERE id IN ("  # noqa: S608 - ours
        f" SELECT id FROM delivery WHERE webhook = :webhook AND state = 'waiting' AND gathered_in IS NULL"
        f" AND {_IN_TURN}"
        f" AND (leased_until <= :now OR leased_at > :now) AND id NOT IN {_MINE} AND {which} LIMIT :capacity)"
        f" RETURNING id, seq, report_id, webhook, attempts + 1, holder, CASE WHEN NOT {_SCHEDULED} THEN due END",
        values | {"lease": LEASE_SECONDS * 1000, "capacity": capacity},
    )
    return [Claim(*row) for row in rows.fetchall()]


def renew(connection: SqlConnection, claim: Claim) -> bool:
    """Renew the lease right before sending; False if the delivery must not be sent.

    It may have been withdrawn since it was claimed, or after a long pause another server may hold it.
    """
    renewed = connection.execute(
        "UPDATE delivery SET leased_at = :now, leased_until = :now + :lease"
        " WHERE id = :id AND holder = :holder AND state = 'waiting'",
        {"now": connection.now, "lease": LEASE_SECONDS * 1000, "id": claim.id, "holder": claim.holder},
    )
    return renewed.rowcount == 1


def release(connection: SqlConnection, claim: Claim) -> None:
    """End the lease of a delivery that was not sent, so that the next one need not wait for it to expire."""
    connection.execute(
        "UPDATE delivery SET holder = NULL, leased_at = 0, leased_until = 0 WHERE id = ? AND holder = ?",
        (claim.id, claim.holder),
    )


def record_attempt(connection: SqlConnection, claim: Claim, attempt: Attempt, chance: float) -> None:
    """Record an attempt, and update delivery and breaker.

    A success counts even if the lease has expired: what the site has is never sent again. A failure after the lease
    has expired is only logged, because another holder is sending it.
    """
    _log(connection, claim, attempt)
    result, now = attempt.result, connection.now
    if result.accepted or not (result.ours or result.outdated):
        webhook_state.record(connection, claim.webhook, accepted=result.accepted)
    if result.accepted:
        connection.execute(
            "UPDATE delivery SET state = ?, error = '', attempts = ?, changed_at = ?, holder = NULL WHERE id = ?",
            (DeliveryState.DELIVERED, claim.attempt, now, claim.id),
        )
        return
    ahead = None if claim.scheduled is None else (claim.scheduled - now) / 1000
    follows = consequence(claim.attempt, result, moment(now), chance, ahead)
    if follows.pause and not result.outdated:
        webhook_state.pause(connection, claim.webhook, webhook_state.GONE)
    _record_failure(connection, claim, result, follows)


def _log(connection: SqlConnection, claim: Claim, attempt: Attempt) -> None:
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


def _record_failure(connection: SqlConnection, claim: Claim, result: Result, follows: Consequence) -> None:
    now = connection.now
    connection.execute(
        # A delivery that was cancelled meanwhile stays cancelled, and is no longer in flight.
        "UPDATE delivery SET state = CASE state WHEN 'waiting' THEN ? ELSE state END, error = ?, attempts = ?, due = ?,"
        " asked_to_wait = ?, changed_at = ?, holder = NULL, leased_at = 0, leased_until = 0"
        " WHERE id = ? AND holder = ?",
        (
            follows.state,
            result.words,
            claim.attempt if follows.counts else claim.attempt - 1,
            now + int(follows.wait_seconds * 1000),
            # One that could not be sent at all says nothing about the site, so it is no probe.
            int(follows.asked or result.ours),
            now,
            claim.id,
            claim.holder,
        ),
    )


def sent(connection: SqlConnection, report_ids: Sequence[str]) -> dict[str, tuple[str, list[Sent]]]:
    """Return the webhook that decides the status of each report, and the deliveries to it that are not cancelled.

    It is the first one in the settings when the report was made; deliveries are in the order of the trail.
    """
    rows = connection.execute(
        "SELECT report_id, webhook, state, seq, attempts, due, asked_to_wait, error FROM delivery"
        " WHERE report_id IN (SELECT value FROM json_each(?)) ORDER BY seq, place",
        (json.dumps(list(report_ids)),),
    )
    found: dict[str, tuple[str, list[Sent]]] = {}
    for report_id, webhook, state, seq, *rest in rows:
        first, deliveries = found.setdefault(report_id, (webhook, []))
        if webhook == first and state != DeliveryState.CANCELLED:
            deliveries.append(Sent(seq, DeliveryState(state), *rest))
    return found


def has(connection: SqlConnection, report_id: str, webhook: str) -> bool:
    """Return whether a report was delivered to a webhook, or waits for it."""
    query = "SELECT 1 FROM delivery WHERE report_id = ? AND webhook = ? AND state IN ('waiting', 'delivered')"
    return connection.execute(query, (report_id, webhook)).fetchone() is not None


def asked_to_wait(connection: SqlConnection, report_id: str) -> bool:
    """Return whether the site requested to wait for a delivery of this report."""
    query = f"SELECT 1 FROM delivery WHERE report_id = ?1 AND state = 'waiting' AND asked_to_wait = 1 AND {_FIRST}"  # noqa: S608
    return connection.execute(query, (report_id,)).fetchone() is not None


def cancel(connection: SqlConnection, report_id: str) -> set[str]:
    """Cancel the deliveries of a report; return the webhooks that may have received any of them."""
    seen = connection.execute(
        # After a replay, attempts count from 0 again; the log of attempts is kept for a limited time.
        "SELECT DISTINCT webhook FROM delivery WHERE report_id = ?"
        " AND (state = 'delivered' OR attempts > 0 OR leased_until > 0"
        " OR gathered_in IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM attempt WHERE delivery_id = delivery.id))",
        (report_id,),
    ).fetchall()
    connection.execute(
        "UPDATE delivery SET state = ?, changed_at = ? WHERE report_id = ? AND state IN ('waiting', 'given-up')",
        (DeliveryState.CANCELLED, connection.now, report_id),
    )
    return {webhook for (webhook,) in seen}


def replay(connection: SqlConnection, delivery_id: str) -> str | None:
    """Deliver again, now and with a full retry schedule; return the ID of the report, or None."""
    row = connection.execute(
        "UPDATE delivery SET state = 'waiting', attempts = 0, due = ?1, changed_at = ?1, asked_to_wait = 0, error = '',"
        " leased_at = 0, leased_until = 0, holder = NULL, gathered_in = NULL WHERE id = ?2 RETURNING report_id",
        (connection.now, delivery_id),
    ).fetchone()
    return row[0] if row else None


def _is_probed(connection: SqlConnection, webhook: str) -> bool:
    # Whether cancelled or not: its answer is still pending.
    live = "webhook = ?1 AND holder IS NOT NULL AND leased_at <= ?2 AND leased_until > ?2"
    values = webhook, connection.now
    return connection.execute(f"SELECT 1 FROM delivery WHERE {live}", values).fetchone() is not None  # noqa: S608
