"""Gathers reports of one message, so that a flood of reports reaches the site in a few requests.

The first report of a message is delivered at once. Later ones wait for each other; one delivery, the carrier, carries
the others, whose state follows its own.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from server.rules.evidence import Companion, Companions
from server.rules.retries import gathering_seconds
from server.rules.trail import statement
from server.storage.leases import Claim
from server.storage.sql import SqlConnection

MAX_COMPANIONS = 50
"""Maximum number of carried reports whose content is delivered; all are counted, and `reports show` shows each."""
MAX_GATHERED = 200
"""Maximum number of reports that a delivery carries: they change in one transaction, for which other writes wait."""

_OF_MESSAGE = (
    " FROM delivery JOIN report ON report.id = delivery.report_id AND report.seq = delivery.seq"
    " WHERE msg_id = ? AND webhook = ? AND delivery.state != 'cancelled' AND gathered_in IS NULL"
)


def due(connection: SqlConnection, msg_id: int, webhook: str) -> int:
    """Return when a new report of this message is due, in milliseconds: now, or together with other reports."""
    (posts,) = connection.execute(f"SELECT count(*){_OF_MESSAGE}", (msg_id, webhook)).fetchone()
    if not posts:
        return connection.now
    latest = connection.now + int(gathering_seconds(posts) * 1000)
    # A later time dates from before the clock was set back.
    query = f"SELECT min(due){_OF_MESSAGE} AND attempts = 0 AND due > ? AND due <= ?"
    (gathering,) = connection.execute(query, (msg_id, webhook, connection.now, latest)).fetchone()
    return latest if gathering is None else int(gathering)


def gather(connection: SqlConnection, claims: Sequence[Claim]) -> list[Claim]:
    """Let each first attempt carry the waiting reports of its message; return the claims that are not carried."""
    carried: set[str] = set()
    for claim in sorted(claims, key=lambda each: each.seq):
        if claim.id not in carried and claim.attempt == 1:
            carried |= _carry(connection, claim, [each.id for each in claims])
    return [claim for claim in claims if claim.id not in carried]


def _carry(connection: SqlConnection, carrier: Claim, claimed: Sequence[str]) -> set[str]:
    row = connection.execute(
        "SELECT msg_id FROM report WHERE id = ? AND seq = ?", (carrier.report_id, carrier.seq)
    ).fetchone()
    if row is None:
        return set()
    taken = connection.execute(
        "UPDATE delivery SET gathered_in = ?, holder = NULL, leased_at = 0, leased_until = 0 WHERE id IN ("  # noqa: S608 - ours
        f" SELECT delivery.id{_OF_MESSAGE} AND delivery.state = 'waiting' AND attempts = 0 AND delivery.id != ?"
        " AND (leased_until <= ? OR delivery.id IN (SELECT value FROM json_each(?))) ORDER BY delivery.seq LIMIT ?)"
        " RETURNING id",
        (
            *(carrier.id, row[0], carrier.webhook, carrier.id, connection.now),
            *(msgspec.json.encode(claimed).decode(), MAX_GATHERED),
        ),
    )
    return {row[0] for row in taken.fetchall()}


def companions(connection: SqlConnection, carrier: Claim) -> Companions:
    """Return the reports that a delivery carries, and how many people had reported the message by then."""
    rows = connection.execute(
        "SELECT report.id, reporter_identity, content FROM delivery JOIN trail USING (seq)"
        " JOIN report ON report.id = delivery.report_id"
        " WHERE gathered_in = ? AND state != 'cancelled' ORDER BY delivery.seq LIMIT ?",
        (carrier.id, MAX_COMPANIONS),
    )
    found = []
    for report_id, identity, content in rows:
        # Skip a report that was altered and cannot be read; `doctor` finds it.
        with suppress(msgspec.DecodeError):
            said = statement(content)
            found.append(Companion(report_id, said.reporter, identity, said.reason, said.comment))
    # + 0: otherwise PostgreSQL would scan all deliveries, from the latest, for one of these.
    (people,) = connection.execute(
        "SELECT count(*) FROM report WHERE status != 'withdrawn' AND msg_id = (SELECT msg_id FROM report WHERE id = ?1)"
        " AND seq <= (SELECT coalesce(max(seq + 0), ?2) FROM delivery WHERE gathered_in = ?3)",
        (carrier.report_id, carrier.seq, carrier.id),
    ).fetchone()
    return Companions(max(people, 1), tuple(found))


def carried(connection: SqlConnection, carrier: Claim) -> int:
    """Return the number of reports that a delivery carries, without withdrawn ones."""
    query = "SELECT count(*) FROM delivery WHERE gathered_in = ? AND state != 'cancelled'"
    return int(connection.execute(query, (carrier.id,)).fetchone()[0])


def follow(connection: SqlConnection, carrier_id: str) -> list[str]:
    """Copy the state of a carrier to the deliveries that it carries; return the IDs of their reports."""
    rows = connection.execute(
        "UPDATE delivery SET (state, attempts, due, asked_to_wait, error, changed_at) ="
        " (SELECT state, attempts, due, asked_to_wait, error, changed_at FROM delivery WHERE id = ?1)"
        " WHERE gathered_in = ?1 AND state = 'waiting' AND (SELECT state FROM delivery WHERE id = ?1) != 'cancelled'"
        " RETURNING report_id",
        (carrier_id,),
    )
    return [row[0] for row in rows.fetchall()]


def replay(connection: SqlConnection, carrier_id: str) -> None:
    """Let a replayed delivery carry again the reports that were given up with it."""
    connection.execute(
        "UPDATE delivery SET state = 'waiting' WHERE gathered_in = ? AND state = 'given-up'", (carrier_id,)
    )


def free(connection: SqlConnection, report_id: str) -> None:
    """Release the deliveries that a cancelled one of this report carried: the first of them carries the rest."""
    rows = connection.execute(
        "SELECT id FROM delivery WHERE state = 'waiting' AND gathered_in IN"
        " (SELECT id FROM delivery WHERE report_id = ? AND state = 'cancelled') ORDER BY seq",
        (report_id,),
    ).fetchall()
    if rows:
        connection.execute(
            "UPDATE delivery SET gathered_in = nullif(?, id) WHERE id IN (SELECT value FROM json_each(?))",
            (rows[0][0], msgspec.json.encode([carried for (carried,) in rows]).decode()),
        )


def reports_with(connection: SqlConnection, report_id: str) -> list[str]:
    """Return the IDs of this report and of those that the site received with it."""
    rows = connection.execute(
        "SELECT report_id FROM delivery WHERE gathered_in IN (SELECT id FROM delivery WHERE report_id = ?)",
        (report_id,),
    )
    return [report_id, *(row[0] for row in rows)]
