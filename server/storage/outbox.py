"""Deliveries in the database: queued, leased to whoever sends them, and what came of each attempt."""

import json
import secrets
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from server.rules.retries import FAILURES_TO_OPEN, Result, State, Verdict, open_seconds, verdict
from server.storage.clock import moment

LEASE_SECONDS = 30
"""How long a delivery belongs to whoever took it; longer than an attempt and its note take together."""

_MINE = "(SELECT value FROM json_each(?3))"
_IN_TURN = (
    "NOT EXISTS (SELECT 1 FROM delivery AS before WHERE before.report_id = delivery.report_id"  # noqa: S608 - ours
    " AND before.seq < delivery.seq AND before.holder IS NOT NULL"
    f" AND (before.leased_at <= ?1 AND before.leased_until > ?1 OR before.id IN {_MINE}))"
)
"""Nothing that was said of the same report before is under way, cancelled or not; ?1: now, ?3: what one has in hand,
whatever the clock says.
"""


class Claim(NamedTuple):
    """A delivery that is to be sent now by its holder; `attempt` counts from 1."""

    id: str
    seq: int
    report_id: str
    webhook: str
    attempt: int
    holder: str


class Sent(NamedTuple):
    """How the delivery of one row of a report's trail is doing; `due` in milliseconds, `error` of its last attempt."""

    seq: int
    state: State
    attempts: int
    due: int
    error: str


class Attempt(NamedTuple):
    """What was tried; times in milliseconds."""

    at: int
    milliseconds: int
    result: Result


class Held(NamedTuple):
    """A webhook that nothing is sent to now: until a time in milliseconds, or until the operator resumes it (None)."""

    until: int | None
    why: str


class Depth(NamedTuple):
    """How many deliveries of a webhook wait and were given up, and since when the oldest waits, in milliseconds."""

    waiting: int
    oldest: int | None
    given_up: int
    failures: int
    held: Held | None


def queue(connection: sqlite3.Connection, seq: int, report_id: str, webhook: str, now: int) -> None:
    """Let a row of the trail be delivered, at once."""
    connection.execute(
        "INSERT INTO delivery (id, seq, report_id, webhook, state, due, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (f"msg_{secrets.token_hex(12)}", seq, report_id, webhook, State.WAITING, now, now),
    )


def held(connection: sqlite3.Connection, webhook: str, now: int) -> Held | None:
    """Whether a webhook is paused or its breaker open."""
    row = connection.execute("SELECT paused, opened_at, open_until FROM webhook WHERE name = ?", (webhook,)).fetchone()
    paused, opened_at, open_until = row or ("", 0, 0)
    if paused:
        return Held(None, paused)
    # A breaker that was opened in the future was so before the clock was set back.
    if opened_at <= now < open_until:
        return Held(open_until, "the last attempts failed")
    return None


def depth(connection: sqlite3.Connection, webhook: str, now: int) -> Depth:
    """How a webhook is doing."""
    waiting, oldest, given_up = connection.execute(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), min(iif(state = 'waiting', trail.at, NULL)),"
        " count(*) FILTER (WHERE state = 'given-up') FROM delivery JOIN trail USING (seq)"
        # Most are delivered: /metrics must not look up the rows of all that ever were.
        " WHERE webhook = ? AND state IN ('waiting', 'given-up')",
        (webhook,),
    ).fetchone()
    return Depth(waiting, oldest, given_up, failures(connection, webhook), held(connection, webhook, now))


def next_due(connection: sqlite3.Connection, webhook: str, now: int, busy: Collection[str]) -> int | None:
    """When there is something to claim, in milliseconds (0: now); None if nothing waits."""
    waiting = f"webhook = ?2 AND state = 'waiting' AND {_IN_TURN} AND id NOT IN {_MINE}"
    values = (now, webhook, json.dumps(list(busy)))
    # Of many that are due the first is found by its index; all of them are looked at only while none is.
    query = f"SELECT 0 FROM delivery WHERE {waiting} AND due <= ?1 AND leased_until <= ?1 LIMIT 1"  # noqa: S608 - ours
    soonest = "min(max(iif(changed_at > ?1, 0, due), iif(leased_at > ?1, 0, leased_until)))"
    all_of_them = f"SELECT {soonest} FROM delivery WHERE {waiting}"  # noqa: S608 - ours
    (due,) = connection.execute(query, values).fetchone() or connection.execute(all_of_them, values).fetchone()
    if due is None:
        return None
    stop = held(connection, webhook, now)
    if stop and stop.until is None:
        return None
    return max(due, stop.until or 0) if stop else int(due)


def claim(
    connection: sqlite3.Connection, webhook: str, holder: str, room: int, busy: Collection[str], now: int
) -> list[Claim]:
    """Lease what is due, the earliest first, but no more than there is room for, and none of those that are `busy`.

    Nothing overtakes what is under way of the same report, or the site could hear of a withdrawal before the report.
    Whatever was scheduled or leased in the future was so before the clock was set back: it is due now.
    """
    if held(connection, webhook, now):
        return []
    if failures(connection, webhook) >= FAILURES_TO_OPEN:
        room = 0 if _is_probed(connection, webhook, now) else 1
    rows = connection.execute(
        "UPDATE delivery SET holder = ?4, leased_at = ?1, leased_until = ?1 + ?5 WHERE id IN ("  # noqa: S608 - ours
        f" SELECT id FROM delivery WHERE webhook = ?2 AND state = 'waiting' AND {_IN_TURN}"
        " AND (due <= ?1 OR changed_at > ?1)"
        f" AND (leased_until <= ?1 OR leased_at > ?1) AND id NOT IN {_MINE}"
        " ORDER BY due LIMIT ?6) RETURNING id, seq, report_id, webhook, attempts + 1, holder",
        (now, webhook, json.dumps(list(busy)), holder, LEASE_SECONDS * 1000, room),
    )
    return [Claim(*row) for row in rows.fetchall()]


def renew(connection: sqlite3.Connection, claim: Claim, now: int) -> bool:
    """Begin the lease anew, right before it is sent; False if that is not its holder's to do any more.

    That is: withdrawn since it was claimed, or another server's after a long stop.
    """
    renewed = connection.execute(
        "UPDATE delivery SET leased_at = ?1, leased_until = ?1 + ?2"
        " WHERE id = ?3 AND holder = ?4 AND state = 'waiting'",
        (now, LEASE_SECONDS * 1000, claim.id, claim.holder),
    )
    return renewed.rowcount == 1


def release(connection: sqlite3.Connection, claim: Claim) -> None:
    """Give back what was not sent, so that what is to follow it need not wait for the lease."""
    connection.execute(
        "UPDATE delivery SET holder = NULL, leased_at = 0, leased_until = 0 WHERE id = ? AND holder = ?",
        (claim.id, claim.holder),
    )


def note(connection: sqlite3.Connection, claim: Claim, attempt: Attempt, now: int, chance: float) -> None:
    """Keep an attempt and do what follows from it.

    A 200 counts whoever holds the lease by now: what the site has is never sent again. A failure of somebody whose
    lease has run out changes nothing but the log: another one is at it.
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
    follows = verdict(claim.attempt, attempt.result, moment(now), chance)
    if not attempt.result.ours:
        _note_breaker(connection, claim.webhook, attempt.result, follows, now)
    if attempt.result.taken:
        connection.execute(
            "UPDATE delivery SET state = ?, error = '', attempts = ?, changed_at = ?, holder = NULL WHERE id = ?",
            (State.DELIVERED, claim.attempt, now, claim.id),
        )
        return
    connection.execute(
        # What was cancelled meanwhile stays so, and is under way no more.
        "UPDATE delivery SET state = iif(state = 'waiting', ?, state), error = ?, attempts = ?, due = ?,"
        " asked_to_wait = ?, changed_at = ?, holder = NULL, leased_at = 0, leased_until = 0"
        " WHERE id = ? AND holder = ?",
        (
            follows.state,
            attempt.result.words,
            # The webhook is at an end, not the delivery's patience.
            claim.attempt - 1 if follows.pause else claim.attempt,
            now + int(follows.wait_seconds * 1000),
            follows.asked,
            now,
            claim.id,
            claim.holder,
        ),
    )


def sent(connection: sqlite3.Connection, report_id: str) -> list[Sent]:
    """What is sent of a report, or was, in the order in which it was said; nothing that was cancelled."""
    rows = connection.execute(
        "SELECT seq, state, attempts, due, error FROM delivery WHERE report_id = ? AND state != ? ORDER BY seq",
        (report_id, State.CANCELLED),
    )
    return [Sent(seq, State(state), *rest) for seq, state, *rest in rows]


def cancel(connection: sqlite3.Connection, report_id: str, now: int) -> bool:
    """Send nothing more of a report; whether the site may have seen something of it."""
    seen = connection.execute(
        # Attempts count from 0 again after a replay; the log of them is not kept for ever.
        "SELECT 1 FROM delivery WHERE report_id = ? AND (state = 'delivered' OR attempts > 0 OR leased_until > 0"
        " OR EXISTS (SELECT 1 FROM attempt WHERE delivery_id = delivery.id))",
        (report_id,),
    ).fetchone()
    connection.execute(
        "UPDATE delivery SET state = ?, changed_at = ? WHERE report_id = ? AND state IN ('waiting', 'given-up')",
        (State.CANCELLED, now, report_id),
    )
    return seen is not None


def pause(connection: sqlite3.Connection, webhook: str, why: str) -> None:
    """Send nothing to a webhook until it is resumed."""
    connection.execute(
        "INSERT INTO webhook (name, paused) VALUES (?, ?) ON CONFLICT DO UPDATE SET paused = excluded.paused",
        (webhook, why),
    )


def resume(connection: sqlite3.Connection, webhook: str, now: int) -> None:
    """Send to a webhook again, what waits at once; its breaker forgets."""
    connection.execute("DELETE FROM webhook WHERE name = ?", (webhook,))
    connection.execute(
        "UPDATE delivery SET due = min(due, ?1), changed_at = ?1 WHERE webhook = ?2 AND state = 'waiting'",
        (now, webhook),
    )


def replay(connection: sqlite3.Connection, delivery_id: str, now: int) -> str | None:
    """Send a delivery again at once, with a whole schedule before it; the ID of its report, or None."""
    row = connection.execute(
        "UPDATE delivery SET state = 'waiting', attempts = 0, due = ?1, changed_at = ?1, asked_to_wait = 0, error = '',"
        " leased_at = 0, leased_until = 0, holder = NULL WHERE id = ?2 RETURNING report_id",
        (now, delivery_id),
    ).fetchone()
    return row[0] if row else None


def failures(connection: sqlite3.Connection, webhook: str) -> int:
    """How many attempts in a row failed."""
    row = connection.execute("SELECT failures FROM webhook WHERE name = ?", (webhook,)).fetchone()
    return int(row[0]) if row else 0


def _is_probed(connection: sqlite3.Connection, webhook: str, now: int) -> bool:
    # Cancelled or not: its answer is still to come.
    live = "webhook = ?1 AND holder IS NOT NULL AND leased_at <= ?2 AND leased_until > ?2"
    return connection.execute(f"SELECT 1 FROM delivery WHERE {live}", (webhook, now)).fetchone() is not None  # noqa: S608


def _note_breaker(connection: sqlite3.Connection, webhook: str, result: Result, follows: Verdict, now: int) -> None:
    before, stop = failures(connection, webhook), held(connection, webhook, now)
    if not result.taken:
        opened = int(open_seconds(before + 1) * 1000)
        # What was under way when it opened says nothing new.
        if stop is None or stop.until is None:
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
        # The site is back: what waits for it need not wait for its schedule, unless the site asked for that.
        connection.execute(
            "UPDATE delivery SET due = min(due, ?1), changed_at = ?1"
            " WHERE webhook = ?2 AND state = 'waiting' AND NOT asked_to_wait",
            (now, webhook),
        )
