"""Leases of deliveries: which one is sent next, and by whom."""

import json
from collections.abc import Collection
from typing import NamedTuple

from server.rules.retries import FAILURES_TO_OPEN
from server.storage import webhook_state
from server.storage.sql import SqlConnection, Value
from server.storage.webhook_state import WebhookState

LEASE_SECONDS = 30
"""Duration of a lease; longer than an attempt and recording its result take together."""
_MINE = "(SELECT value FROM json_each(:busy))"
_IN_TURN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS before JOIN delivery AS sent"  # noqa: S608 - ours
    " ON sent.id = coalesce(before.gathered_in, before.id)"
    " WHERE before.report_id = delivery.report_id AND before.webhook = delivery.webhook"
    " AND before.seq < delivery.seq AND sent.holder IS NOT NULL"
    f" AND (sent.leased_at <= :now AND sent.leased_until > :now OR sent.id IN {_MINE}))"
)
"""Condition: no earlier delivery of the same report to the webhook is in flight, by itself or carried by another one,
cancelled or not. :busy are those that the caller has in flight, whatever the clock says.
"""
_SCHEDULED = "(due <= :now OR changed_at > :now)"
"""Condition: due by its schedule, or last changed in the future, and so before the clock was set back."""
_READY = f"({_SCHEDULED} OR (asked_to_wait = 0 AND changed_at <= :recovered))"
"""Condition: due, or it failed before the site recovered."""
_PROBE = f"({_SCHEDULED} OR asked_to_wait = 0)"
"""Condition: it may probe a failing site: it is due, or the site did not request its delay."""
_NEVER = 2**62


class Claim(NamedTuple):
    """A delivery leased to a holder, who sends it now; `attempt` is its step in the retry schedule, from 1."""

    id: str
    seq: int
    report_id: str
    webhook: str
    attempt: int
    holder: str
    scheduled: int | None = None
    """When it is due, if it is sent before that: such an attempt does not use up the schedule."""


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
    """Return when a waiting delivery is sent next, unless another one probes the site first; None during a pause."""
    suspended, probe_at = state.suspension(now), state.probe_at(now)
    if suspended and suspended.until is None:
        return None
    at = due if asked_to_wait or probe_at is None else min(due, max(probe_at, now))
    return max(at, suspended.until or 0) if suspended else at


def claim(connection: SqlConnection, webhook: str, holder: str, capacity: int, busy: Collection[str]) -> list[Claim]:
    """Lease deliveries that are due, the earliest first: at most `capacity`, and none of the `busy` ones.

    A failing site is probed by one delivery at a time, whatever its due time. The delivery with the oldest last attempt
    is first, so that one that the site never accepts does not block the rest. A delivery waits for earlier ones of the
    same report, so that a withdrawal does not arrive before the report.
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
    """Renew the lease right before sending; return False if the delivery must not be sent.

    It may have been withdrawn since it was claimed, or after a long pause another server may hold it.
    """
    renewed = connection.execute(
        "UPDATE delivery SET leased_at = :now, leased_until = :now + :lease"
        " WHERE id = :id AND holder = :holder AND state = 'waiting'",
        {"now": connection.now, "lease": LEASE_SECONDS * 1000, "id": claim.id, "holder": claim.holder},
    )
    return renewed.rowcount == 1


def release(connection: SqlConnection, claim: Claim) -> None:
    """End the lease of a delivery that was not sent, so that another holder need not wait until it expires."""
    connection.execute(
        "UPDATE delivery SET holder = NULL, leased_at = 0, leased_until = 0 WHERE id = ? AND holder = ?",
        (claim.id, claim.holder),
    )


def _is_probed(connection: SqlConnection, webhook: str) -> bool:
    # A cancelled delivery counts, too, because its answer is still pending.
    live = "webhook = ?1 AND holder IS NOT NULL AND leased_at <= ?2 AND leased_until > ?2"
    values = webhook, connection.now
    return connection.execute(f"SELECT 1 FROM delivery WHERE {live}", values).fetchone() is not None  # noqa: S608
