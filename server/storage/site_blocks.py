"""Whom the site has blocked for its members."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from server.rules.messages import Person
from server.rules.relations import Relation
from server.storage.sql import SqlConnection


class ChangedBlocks(NamedTuple):
    """The blocks that a list has ended, and those in it."""

    ended: Sequence[str]
    """Identities."""
    begun: Sequence[Relation]


def replace(identity: str, others: Sequence[Person], connection: SqlConnection) -> ChangedBlocks:
    """Replace the list of a member, and block those in it."""
    before = {other for (other,) in connection.execute("SELECT other FROM site_block WHERE identity = ?", (identity,))}
    ended = [*before.difference(other.identity for other in others)]
    connection.execute("DELETE FROM site_block WHERE identity = ?", (identity,))
    connection.executemany(
        "INSERT OR REPLACE INTO site_block (identity, other, other_name) VALUES (?, ?, ?)",
        [(identity, other.identity, other.name) for other in others],
    )
    connection.execute(
        "DELETE FROM hidden WHERE identity = ? AND blocked AND other IN (SELECT value FROM json_each(?))",
        (identity, json.dumps(ended)),
    )
    return ChangedBlocks(ended, [block(Relation(identity, *other[::-1], blocked=True), connection) for other in others])


def apply(identity: str, spared: Collection[str], connection: SqlConnection) -> ChangedBlocks:
    """Block everyone in the list of a member again, without those who are spared."""
    rows = connection.execute("SELECT other, other_name FROM site_block WHERE identity = ?", (identity,)).fetchall()
    wanted = [Relation(identity, other, name, blocked=True) for other, name in rows if other not in spared]
    return ChangedBlocks((), [block(each, connection) for each in wanted])


def block(relation: Relation, connection: SqlConnection) -> Relation:
    """Store a mute or block; return it with the last message before it."""
    # Blocking again must not reveal what was said since the first block.
    row = connection.execute(
        "INSERT INTO hidden (identity, other, other_name, blocked, after)"
        " VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(id), 0) FROM message))"
        " ON CONFLICT DO UPDATE SET other_name = ?3, blocked = ?4, after = iif(blocked, after, excluded.after)"
        " RETURNING after",
        relation[:4],
    ).fetchone()
    return relation._replace(after=row[0])
