"""The tables in PostgreSQL, in the current schema of the connection, and how to create or upgrade them."""

import secrets
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from server.storage.base import StorageError
from server.storage.database import StoredRoom
from server.storage.postgres.tables import TABLES

STEPS = (TABLES,)
"""The upgrade from each version to the next; an empty schema runs all of them. `{extension}`: the schema of pg_trgm."""
OLDEST = 1
"""The oldest version whose servers can keep running with these tables: raise it if a step breaks their SQL."""
NO_ROW = "the room has no row; restore the database from a backup"
ANOTHER = "name a database that only this room uses"
LOCK_TIMEOUT = "5s"
"""Time for which an upgrade waits for each table. Running servers wait meanwhile, and fail writes after 15 s."""
RUNNING = """
SELECT address FROM node WHERE beat > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 10000 ORDER BY address
"""
PLANNING = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Settings of the server's connections. Each query is planned once, and uses an index if there is one: a plan that was
made while a table was small, or not analysed yet, would read all of it later."""

Connection = psycopg.Connection[TupleRow]


class _Version(NamedTuple):
    schema: int
    oldest: int


def prepare(connection: Connection) -> StoredRoom:
    """Create the tables, or upgrade them, while other servers wait. Raises StorageError and psycopg.Error."""
    with connection.transaction():
        # Two servers that start at once: the second one finds the work done.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('flagpost ' || current_schema()))")
        version = _version(connection)
        if version and version.schema < len(STEPS):
            # Before the row, because servers that wait for the row would prevent a change of the table.
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
            connection.execute("LOCK TABLE room IN ACCESS EXCLUSIVE MODE")
        version = _version(connection, lock="FOR UPDATE")
        if version is None:
            _create(connection)
        elif problem := _misfit(version):
            raise StorageError(problem)
        elif version.schema < len(STEPS):
            _upgrade(connection, version)
        row = connection.execute("SELECT epoch, message, server.id, id_key FROM room, server").fetchone()
    if row is None:
        raise StorageError(NO_ROW)
    return StoredRoom(*row)


def misfit(connection: Connection) -> str | None:
    """Return why this version cannot use the database, and what to do; None if it can. Changes nothing."""
    version = _version(connection)
    if version is None:
        return "not a Flagpost database; start the server to create the tables"
    if version.schema < len(STEPS):
        found = f"schema {version.schema}, not {len(STEPS)}"
        return f"from an older version of Flagpost ({found}); start the server to upgrade it"
    return _misfit(version)


def _misfit(version: _Version) -> str | None:
    if version.oldest > len(STEPS):
        found = f"schema {version.schema}, not {len(STEPS)}"
        return f"from a newer version of Flagpost ({found}); use that version"
    return None


def _version(connection: Connection, lock: str = "") -> _Version | None:
    """Return the version of the tables; None without tables."""
    (found,) = connection.execute("SELECT to_regclass(quote_ident(current_schema()) || '.room')").fetchone() or (None,)
    if found is None:
        return None
    try:
        row = connection.execute(f"SELECT schema, schema_min FROM room {lock}").fetchone()  # noqa: S608 - a constant
    except psycopg.errors.UndefinedColumn:
        raise StorageError(f"its table room is not Flagpost's; {ANOTHER}") from None
    if row is None:
        raise StorageError(NO_ROW)
    return _Version(*row)


def _create(connection: Connection) -> None:
    try:
        _run(connection, STEPS)
    except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateFunction) as error:
        raise StorageError(f"it is not empty ({error.diag.message_primary}); {ANOTHER}") from None
    connection.execute(
        "INSERT INTO room (epoch, schema, schema_min) VALUES (%s, %s, %s)", (secrets.token_hex(8), len(STEPS), OLDEST)
    )
    connection.execute(
        "INSERT INTO server (id, id_key) VALUES (%s, %s)", (secrets.token_hex(16), secrets.token_hex(32))
    )


def _upgrade(connection: Connection, version: _Version) -> None:
    if version.schema < OLDEST:
        _remove_servers(connection)
    _run(connection, STEPS[version.schema :])
    connection.execute("UPDATE room SET schema = %s, schema_min = %s", (len(STEPS), OLDEST))


def _remove_servers(connection: Connection) -> None:
    """Remove servers that cannot use the upgraded tables. Raises StorageError if some are running."""
    running = connection.execute(RUNNING).fetchall()
    if found := ", ".join(str(address) for (address,) in running):
        raise StorageError(
            f"servers of an older version, on {found}, cannot use the tables of this one; stop them, wait for 10 s, and"
            " start this one again"
        )
    # A suspended server that wakes up can no longer write.
    connection.execute("DELETE FROM node")


def _run(connection: Connection, steps: tuple[str, ...]) -> None:
    extension = sql.Identifier(_extension(connection))
    for step in steps:
        connection.execute(sql.SQL(step).format(extension=extension))


def _extension(connection: Connection) -> str:
    """Return the schema of pg_trgm; install it if it is missing."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
        raise StorageError("the extension pg_trgm is missing; install PostgreSQL's contrib package") from None
    except psycopg.errors.InsufficientPrivilege:
        advice = "have the owner of the database run: CREATE EXTENSION pg_trgm SCHEMA public"
        raise StorageError(f"the extension pg_trgm is not installed; {advice}") from None
    query = "SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm'"
    (schema,) = connection.execute(query).fetchone() or ("public",)
    return str(schema)
