"""Blocks that the site set for its members."""

import json
from collections.abc import Collection, Sequence

from server.rules.messages import Person
from server.rules.relations import Relation
from server.storage import mutes_and_blocks
from server.storage.sql import SqlConnection


def replace(identity: str, others: Sequence[Person], connection: SqlConnection) -> None:
    """Replace the list of a member, and block those in it."""
    before = {other for (other,) in connection.execute("SELECT other FROM site_block WHERE identity = ?", (identity,))}
    ended = [*before.difference(other.identity for other in others)]
    connection.execute("DELETE FROM site_block WHERE identity = ?", (identity,))
    connection.executemany(
        "INSERT INTO site_block (identity, other, other_name) VALUES (?, ?, ?)"
        " ON CONFLICT (identity, other) DO UPDATE SET other_name = excluded.other_name",
        [(identity, other.identity, other.name) for other in others],
    )
    mutes_and_blocks.end(_blocks(identity, ended, connection), connection)
    mutes_and_blocks.begin([Relation(identity, *other[::-1], blocked=True) for other in others], connection)


def apply(identity: str, spared: Collection[str], connection: SqlConnection) -> None:
    """Block everyone in the list of a member again, except those in `spared`."""
    rows = connection.execute("SELECT other, other_name FROM site_block WHERE identity = ?", (identity,)).fetchall()
    wanted = [Relation(identity, other, name, blocked=True) for other, name in rows if other not in spared]
    mutes_and_blocks.begin(wanted, connection)


def _blocks(identity: str, others: Sequence[str], connection: SqlConnection) -> list[Relation]:
    """Return the member's blocks of these people."""
    query = (
        "SELECT identity, other, other_name, blocked, after FROM hidden"
        " WHERE identity = ? AND blocked = 1 AND other IN (SELECT value FROM json_each(?))"
    )
    return [*map(mutes_and_blocks.relation, connection.execute(query, (identity, json.dumps(others))))]
