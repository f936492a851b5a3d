"""The outbox: deliveries in the database, and the results of their attempts."""

import json
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from server.rules.retries import Consequence, DeliveryState, Result, consequence
from server.storage import leases, webhook_state
from server.storage.clock import moment
from server.storage.leases import Claim
from server.storage.sql import SqlConnection
from server.storage.webhook_state import Suspension

_FIRST = "webhook = (SELECT webhook FROM delivery AS first WHERE first.report_id = ?1 ORDER BY seq, place LIMIT 1)"
"""Condition: a delivery of the report ?1 to the webhook that decides its status; other webhooks receive copies."""


class Sent(NamedTuple):
    """The state of the delivery of one trail row; `due` is in milliseconds, `error` from its last attempt."""

    seq: int
    state: DeliveryState
    attempts: int
    due: int
    asked_to_wait: bool
    error: str


class Attempt(NamedTuple):
    """One attempt to send a delivery; times are in milliseconds."""

    at: int
    milliseconds: int
    result: Result


class Depth(NamedTuple):
    """The queue of a webhook: its waiting and given-up deliveries."""

    waiting: int
    oldest: int | None
    """When the oldest waiting event was recorded, in milliseconds; None if nothing waits."""
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


def record_attempt(connection: SqlConnection, claim: Claim, attempt: Attempt, chance: float) -> None:
    """Record an attempt, and update the delivery and the circuit breaker.

    A success counts even if the lease has expired: what the site has accepted is never sent again. A failure does not
    change a delivery that another holder has claimed since. An outdated failure only ends the lease: it says nothing
    about the site that the settings name now.
    """
    _log(connection, claim, attempt)
    result, now = attempt.result, connection.now
    if result.outdated and not result.accepted:
        leases.release(connection, claim)
        return
    if result.accepted or not result.ours:
        webhook_state.record(connection, claim.webhook, accepted=result.accepted)
    if result.accepted:
        connection.execute(
            "UPDATE delivery SET state = ?, error = '', attempts = ?, changed_at = ?, holder = NULL WHERE id = ?",
            (DeliveryState.DELIVERED, claim.attempt, now, claim.id),
        )
        return
    ahead = None if claim.scheduled is None else (claim.scheduled - now) / 1000
    follows = consequence(claim.attempt, result, moment(now), chance, ahead)
    if follows.pause:
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
            # A delivery that this server could not send says nothing about the site, so it is not used as a probe.
            int(follows.asked or result.ours),
            now,
            claim.id,
            claim.holder,
        ),
    )


def sent(connection: SqlConnection, report_ids: Sequence[str]) -> dict[str, tuple[str, list[Sent]]]:
    """Return the webhook that decides the status of each report, and the deliveries to it that are not cancelled.

    That webhook was the first one in the settings when the report was made. Deliveries are in the order of the trail.
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
    """Return whether the site requested the delay of a delivery of this report."""
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
    """Queue a delivery again, due now and with a full retry schedule; return the ID of its report, or None."""
    row = connection.execute(
        "UPDATE delivery SET state = 'waiting', attempts = 0, due = ?1, changed_at = ?1, asked_to_wait = 0, error = '',"
        " leased_at = 0, leased_until = 0, holder = NULL, gathered_in = NULL WHERE id = ?2 RETURNING report_id",
        (connection.now, delivery_id),
    ).fetchone()
    return row[0] if row else None
