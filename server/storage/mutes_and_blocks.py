"""Mutes and blocks in the database."""

from collections.abc import Sequence

from server.protocol import names
from server.rules.relations import Relation
from server.storage.events import RelationsChanged
from server.storage.sql import SqlConnection

_COLUMNS = "identity, other, other_name, blocked, after"


def load(connection: SqlConnection) -> list[Relation]:
    """Return all mutes and blocks."""
    return [relation(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM hidden")]  # noqa: S608 - a constant


def around(identity: str, connection: SqlConnection) -> list[Relation]:
    """Return all mutes and blocks by a person or against them."""
    query = f"SELECT {_COLUMNS} FROM hidden WHERE ?1 IN (identity, other)"  # noqa: S608 - a constant
    return [relation(row) for row in connection.execute(query, (identity,))]


def begin(wanted: Sequence[Relation], connection: SqlConnection) -> None:
    """Store and announce mutes and blocks."""
    if begun := tuple(_store(each, connection) for each in wanted):
        connection.announce(RelationsChanged(begun))


def end(unwanted: Sequence[Relation], connection: SqlConnection) -> None:
    """Delete mutes and blocks, and announce that they ended."""
    connection.executemany(
        "DELETE FROM hidden WHERE identity = ? AND other = ?", [(each.identity, each.other) for each in unwanted]
    )
    if unwanted:
        connection.announce(RelationsChanged(ended=tuple(unwanted)))


def end_named(identity: str, name: str, holder: str, blocked: bool, connection: SqlConnection) -> None:  # noqa: FBT001
    """End a person's mutes or blocks that were made under this name, and those of its present `holder`."""
    query = f"SELECT {_COLUMNS} FROM hidden WHERE identity = ? AND blocked = ?"  # noqa: S608 - a constant
    theirs = [relation(row) for row in connection.execute(query, (identity, int(blocked)))]
    key = names.key(name)
    end([each for each in theirs if each.other == holder or names.key(each.other_name) == key], connection)


def relation(row: tuple[str, str, str, int, int]) -> Relation:
    """Return the mute or block of a row of the table `hidden`."""
    identity, other, other_name, blocked, after = row
    return Relation(identity, other, other_name, bool(blocked), after)


def _store(wanted: Relation, connection: SqlConnection) -> Relation:
    """Store a mute or block; return it with the number of the last message before it."""
    # Blocking again must not reveal what was said since the first block.
    row = connection.execute(
        "INSERT INTO hidden (identity, other, other_name, blocked, after)"
        " VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(id), 0) FROM message))"
        " ON CONFLICT (identity, other) DO UPDATE SET other_name = ?3, blocked = ?4,"
        " after = CASE WHEN hidden.blocked = 1 THEN hidden.after ELSE excluded.after END"
        " RETURNING after",
        (*wanted[:3], int(wanted.blocked)),
    ).fetchone()
    return wanted._replace(after=row[0])
