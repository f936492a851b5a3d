"""Moves a room between a SQLite file and PostgreSQL."""

from collections.abc import Iterator

from server.operator.printing import CommandError
from server.protocol.errors import FlagpostError
from server.protocol.wording import counted
from server.settings.database_url import URL_VARIABLE, is_file, is_url, parse_url
from server.storage import copying, trail
from server.storage.opening import open_store
from server.storage.sql import SqlConnection
from server.storage.store import Store
from server.storage.trail import TrailError


def check_place(place: str) -> str:
    """Return the file or URL that an argument names. Raises CommandError if it is neither, or contains a secret."""
    if is_file(place):
        return place
    if not is_url(place):
        raise CommandError("name a file, or a URL like postgresql://USER@HOST/DATABASE")
    try:
        url = parse_url(place)
    except ValueError as error:
        raise CommandError(f"the URL of the database: {error}") from None
    if url.password:
        raise CommandError(
            f"{url.text}: remove the password, because other users can see arguments; set PGPASSWORD or"
            f" {URL_VARIABLE}, or use a pgpass file"
        )
    return url.text


def migrate(source: str, target: str) -> str:
    """Copy a room to an empty database, verify the copy, and return what was done. Raises OneLineError.

    The source is not changed. If the migration fails, the target stays empty.
    """
    with open_store(source).locked() as connection, open_store(target).created() as copy:
        lines = list(_copied(open_store(source), connection, open_store(target), copy))
    return "\n".join([*lines, f"Everything is in {target} now. Set Database to it, and start the server."])


def rehearse(source: str, target: str) -> str:
    """Check what a migration requires, and return what it would copy. Raises OneLineError.

    Servers can write meanwhile.
    """
    with open_store(source).transaction() as connection:
        lines = [*map(_line, copying.contents(connection)), _trail(*_verified(connection, "source"))]
    try:
        with open_store(target).created():
            raise Rehearsed
    except Rehearsed:
        command = f"migrate {source} {target}"
        return "\n".join([*lines, f"Nothing was written. To copy all of this, stop the server and run `{command}`."])


class Rehearsed(FlagpostError):  # noqa: N818 - no fault
    """Raised to roll back the creation of a target."""


def _copied(source: Store, connection: SqlConnection, target: Store, copy: SqlConnection) -> Iterator[str]:
    verified = _verified(connection, "source")
    yield from map(_line, copying.copy(connection, copy))
    numbering = source.numbering(connection)
    target.renumber(copy, numbering)
    if target.numbering(copy) != numbering or _verified(copy, "copy") != verified:
        raise CommandError(
            "the copy differs from the source in its numbers or its trail, so nothing was written; run `doctor`"
            " on both databases"
        )
    yield _trail(*verified)


def _verified(connection: SqlConnection, which: str) -> tuple[int, str]:
    """Verify the trail; return the number of its rows and its last hash. Raises CommandError."""
    try:
        return trail.verify(connection)
    except TrailError as error:
        raise CommandError(f"the trail of the {which} was altered: {error}; compare it with a backup") from None


def _line(content: copying.Content) -> str:
    return f"{content.table}: {counted(content.rows, 'row')}"


def _trail(count: int, last: str) -> str:
    return f"The trail of {counted(count, 'row')} was not altered" + (f"; its last hash: {last}" if last else "")
