"""Runs the PostgreSQL of a test session until no test process uses it any more, however these end.

`python -m tests.support.postgres_keeper DIRECTORY`: each process that uses it holds a shared lock of DIRECTORY/users.
"""

import fcntl
import os
import sys
from pathlib import Path

import msgspec
import psycopg

from server.demo.postgres_process import PostgresProcess
from tests.support.postgres import PROGRAMS_VARIABLE, QUICK, SharedPostgres


def main(shared: Path) -> None:
    """Write `server.json` once the server runs; remove both once nobody uses the server."""
    programs = os.environ.get(PROGRAMS_VARIABLE)
    with (shared / "users").open() as users, PostgresProcess(Path(programs) if programs else None, *QUICK) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
        found = shared / "server.json"
        found.with_suffix(".new").write_bytes(
            msgspec.json.encode(SharedPostgres(str(server.directory), server.port, server.password))
        )
        found.with_suffix(".new").rename(found)
        fcntl.flock(users, fcntl.LOCK_EX)
        found.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
