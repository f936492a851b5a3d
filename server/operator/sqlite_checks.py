"""The doctor's checks of a SQLite file and its disk."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from server.operator import report_checks
from server.operator.finding import Finding, Grade
from server.settings import Settings
from server.storage import schema
from server.storage.clock import milliseconds, utc_now
from server.storage.database_file import SPECIAL, is_special, server_on
from server.storage.sql import touch
from server.storage.sqlite_connection import SqliteConnection

MIN_FREE_BYTES = 200 * 1024 * 1024


def findings(settings: Settings) -> Iterator[Finding]:
    """Run all checks in order."""
    path = Path(settings.database)
    try:
        exists = path.exists()
    except OSError as error:
        problem = f"{path} cannot be accessed: {error.strerror}"
        yield Finding(Grade.BAD, f"database: {problem}; run this as the server's user")
        return
    if is_special(str(path)):
        yield Finding(Grade.BAD, f"database: {path}: {SPECIAL}")
    elif exists:
        yield from _mode(path)
        yield from _file(settings, path)
    else:
        yield _missing(path)
    if path.parent.is_dir():
        yield _disk(path.parent)


def _missing(path: Path) -> Finding:
    if server := server_on(str(path)):
        problem = f"{path} was deleted or moved while a server ({server}) uses it"
        return Finding(Grade.BAD, f"database: {problem}; stop the server, restore the file, and start the server")
    if os.access(path.parent, os.W_OK):
        return Finding(Grade.WARNING, f"database: {path} does not exist yet; the server creates it at its first start")
    return Finding(Grade.BAD, f"database: {path} cannot be created; choose another file in the settings")


def _file(settings: Settings, path: Path) -> Iterator[Finding]:
    try:
        with closing(schema.open_as_it_is(str(path))) as connection:
            yield from _content(settings, connection)
    except sqlite3.Error as error:
        yield Finding(Grade.BAD, f"database: {path}: {error}; {_advice(error)}")


def _disk(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    if free < MIN_FREE_BYTES:
        return Finding(Grade.BAD, f"disk: only {free // 2**20} MiB free on the disk of the database; free some space")
    return Finding(Grade.GOOD, f"disk: {free // 2**20} MiB free")


def _mode(path: Path) -> Iterator[Finding]:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        problem = f"{path} contains direct messages and reports, and other users can read it"
        yield Finding(Grade.WARNING, f"database: {problem}; run: chmod 600 {path}*")


def _advice(error: sqlite3.Error) -> str:
    code = error.sqlite_errorname.split("_")[1] if hasattr(error, "sqlite_errorname") else ""
    return {
        "BUSY": "another process has locked it for seconds: find out which one, and try again",
        "READONLY": "give the server's user write access to the file and its folder",
        "CANTOPEN": "give the server's user read and write access to the file and its folder",
    }.get(code, "fix that, restore a backup, or choose another file")


def _content(settings: Settings, connection: SqliteConnection) -> Iterator[Finding]:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        yield Finding(Grade.BAD, f"database: damaged: {answer}; restore it from a backup")
        return
    if advice := schema.misfit(connection):
        yield Finding(Grade.BAD, f"database: {advice}")
        return
    # Acquire and release the write lock, to prove that the file is writable and not locked for long.
    connection.execute("BEGIN IMMEDIATE")
    touch(connection)
    connection.execute("ROLLBACK")
    yield Finding(Grade.GOOD, f"database: intact, up to date (schema {len(schema.STEPS)}) and writable")
    with connection:
        # A consistent snapshot while the server adds rows.
        connection.execute("BEGIN")
        connection.begin(milliseconds(utc_now()))
        yield from report_checks.findings(settings, connection)
