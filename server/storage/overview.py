"""Deliveries and their attempts, as the administrator sees them."""

import json
from typing import NamedTuple

from server.rules.retries import DeliveryState
from server.storage.sql import SqlConnection


class RecordedAttempt(NamedTuple):
    """An attempt to send a delivery; `at` is in milliseconds, `status` None without a complete answer from the site."""

    at: int
    milliseconds: int
    status: int | None
    answer: str
    error: str


class Delivery(NamedTuple):
    """A delivery of a trail row, and its last attempt; `due` is in milliseconds."""

    id: str
    report_id: str
    seq: int
    webhook: str
    state: DeliveryState
    attempts: int
    due: int
    asked_to_wait: bool
    last: RecordedAttempt | None


_ATTEMPT = "attempt.at, milliseconds, attempt.status, answer, attempt.error"
_DELIVERY = (
    f"SELECT delivery.id, delivery.report_id, seq, webhook, state, attempts, due, asked_to_wait, {_ATTEMPT}"  # noqa: S608
    " FROM delivery LEFT JOIN attempt ON attempt.id = (SELECT max(id) FROM attempt WHERE delivery_id = delivery.id)"
)

_Row = tuple[str, str, int, str, str, int, int, int, int | None, int | None, int | None, str | None, str | None]


def deliveries(connection: SqlConnection, limit: int, *, failed: bool = False) -> list[Delivery]:
    """Return the latest deliveries, the newest first; with `failed` only failed ones that are still undelivered."""
    wanted = (DeliveryState.WAITING, DeliveryState.GIVEN_UP) if failed else tuple(DeliveryState)
    rows = connection.execute(
        f"{_DELIVERY} WHERE state IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
        # A 410, which pauses the webhook, is not counted as an attempt; the log of attempts is kept for a limited time.
        " AND (? = 0 OR attempts > 0 OR attempt.id IS NOT NULL) ORDER BY seq DESC LIMIT ?",
        (json.dumps(wanted), int(failed), limit),
    )
    return [_delivery(row) for row in rows]


def delivery(connection: SqlConnection, delivery_id: str) -> Delivery | None:
    """Return the delivery with this ID, or None."""
    row = connection.execute(f"{_DELIVERY} WHERE delivery.id = ?", (delivery_id,)).fetchone()
    return _delivery(row) if row else None


def deliveries_of(connection: SqlConnection, report_id: str) -> list[Delivery]:
    """Return the deliveries of a report, the oldest first."""
    rows = connection.execute(f"{_DELIVERY} WHERE delivery.report_id = ? ORDER BY seq", (report_id,))
    return [_delivery(row) for row in rows]


def attempts(connection: SqlConnection, delivery_id: str) -> list[RecordedAttempt]:
    """Return the attempts of a delivery that are still in the log, the oldest first."""
    query = f"SELECT {_ATTEMPT} FROM attempt WHERE delivery_id = ? ORDER BY id"  # noqa: S608 - ours
    return [RecordedAttempt(*row) for row in connection.execute(query, (delivery_id,))]


def last_attempt(connection: SqlConnection, webhook: str) -> RecordedAttempt | None:
    """Return the last attempt to call a webhook, or None."""
    row = connection.execute(
        f"SELECT {_ATTEMPT} FROM attempt JOIN delivery ON delivery.id = delivery_id WHERE webhook = ?"  # noqa: S608
        " ORDER BY attempt.id DESC LIMIT 1",
        (webhook,),
    ).fetchone()
    return RecordedAttempt(*row) if row else None


def unconfigured(connection: SqlConnection, configured: list[str]) -> list[tuple[str, int]]:
    """Return the webhooks that are no longer configured but have waiting deliveries, with the number of these."""
    return connection.execute(
        "SELECT webhook, count(*) FROM delivery WHERE state = 'waiting'"
        " AND webhook NOT IN (SELECT value FROM json_each(?)) GROUP BY webhook ORDER BY webhook",
        (json.dumps(configured),),
    ).fetchall()


def _delivery(row: _Row) -> Delivery:
    key, report_id, seq, webhook, state, attempts, due, asked, at, milliseconds, status, answer, error = row
    last = RecordedAttempt(at, milliseconds or 0, status, answer or "", error or "") if at is not None else None
    return Delivery(
        id=key,
        report_id=report_id,
        seq=seq,
        webhook=webhook,
        state=DeliveryState(state),
        attempts=attempts,
        due=due,
        asked_to_wait=bool(asked),
        last=last,
    )
