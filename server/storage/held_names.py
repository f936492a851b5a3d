"""Recently held names, in the database."""

from server.rules.messages import Person
from server.rules.reservations import MAX_RESERVED
from server.storage.sql import SqlConnection


def joined(person: Person, connection: SqlConnection) -> None:
    """Record that a person holds a name."""
    connection.execute(
        "INSERT INTO held_name (identity, name) VALUES (?, ?)"
        " ON CONFLICT (identity, name) DO UPDATE SET held_at = NULL",
        (person.identity, person.name),
    )


def left(person: Person, connection: SqlConnection) -> None:
    """Record when a person last held a name."""
    values = (connection.now, *person[::-1])
    connection.execute("UPDATE held_name SET held_at = ? WHERE identity = ? AND name = ?", values)


def load(connection: SqlConnection) -> list[tuple[Person, int]]:
    """Return people, and when each last held their name, the latest last.

    Names that were in use at a crash count as held until now.
    """
    connection.execute("UPDATE held_name SET held_at = ? WHERE held_at IS NULL", (connection.now,))
    rows = connection.execute(
        "SELECT name, identity, held_at FROM (SELECT * FROM held_name ORDER BY held_at DESC LIMIT ?) AS latest"
        " ORDER BY held_at",
        (MAX_RESERVED,),
    )
    return [(Person(name, identity), held_at) for name, identity, held_at in rows]


def sweep(connection: SqlConnection, before: int, limit: int) -> int:
    """Delete names that nobody has held since `before`; return how many."""
    return connection.execute(
        "DELETE FROM held_name WHERE (identity, name) IN"
        " (SELECT identity, name FROM held_name WHERE held_at < ? LIMIT ?)",
        (before, limit),
    ).rowcount


def add_member(person: Person, connection: SqlConnection) -> None:
    """Record a member of the site, for whom the name is reserved."""
    connection.execute(
        "INSERT INTO member (identity, name, seen_at) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (identity) DO UPDATE SET name = ?2, seen_at = ?3",
        (*person[::-1], connection.now),
    )


def load_members(connection: SqlConnection) -> list[Person]:
    """Return the members of the site in the order of their last visits."""
    rows = connection.execute(
        "SELECT name, identity FROM (SELECT * FROM member ORDER BY seen_at DESC LIMIT ?) AS latest ORDER BY seen_at",
        (MAX_RESERVED,),
    )
    return [Person(*row) for row in rows]
