"""Checks a server's setup, and suggests fixes."""

import asyncio
import os
import shutil
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from server.operator import certificate, reachability
from server.operator.printing import short, shown, when
from server.operator.reachability import Unreachable
from server.settings import DEFAULT_FILE, TLS, WEBHOOK_NAMES, KeyNote, Settings, SettingsError, Use, WebhookURL, load
from server.storage import outbox, overview, schema, trail
from server.storage.clock import milliseconds, utc_now
from server.storage.database_file import server_on
from server.storage.sqlite_connection import SqliteConnection
from server.storage.trail import TrailError
from server.webhooks import outbound

MIN_KEY_CHARS = 16
MIN_FREE_BYTES = 200 * 1024 * 1024
MIN_CERTIFICATE_DAYS = 14


class Grade(Enum):
    """The severity of a finding."""

    GOOD = "✓"
    WARNING = "!"
    BAD = "✗"


class Finding(NamedTuple):
    """One line of output."""

    grade: Grade
    text: str

    def __str__(self) -> str:
        return f"{self.grade.value} {shown(self.text)}"


def findings(path: Path | None, tls: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Run all checks in order; `tls` has the trusted roots, by default those of webhooks."""
    try:
        loaded = load(path)
    except SettingsError as error:
        yield Finding(Grade.BAD, f"settings: {error}")
        return
    settings = loaded.settings
    file = path or DEFAULT_FILE
    yield from _file(file) if file.exists() else _no_file()
    yield from map(_key, loaded.notes)
    if any(len(key.reveal()) < MIN_KEY_CHARS for key in settings.admin_api_key.all):
        yield Finding(Grade.WARNING, f"AdminAPIKey: shorter than {MIN_KEY_CHARS} characters; choose a long random one")
    if settings.tls.on:
        yield _certificate(settings.tls)
    yield from _database(settings)
    try:
        trusted = tls or outbound.trust(settings.webhook_security)
    except SettingsError as error:
        yield Finding(Grade.BAD, str(error))
        return
    for name in WEBHOOK_NAMES:
        hooks = settings.webhooks(name)
        if not hooks:
            yield Finding(Grade.GOOD, f"webhook {name}: disabled, so clients do not offer the action")
        for hook in hooks:
            yield from _webhook(settings, hook, trusted)


def _key(note: KeyNote) -> Finding:
    """Describe how a key of the file is used."""
    grade = Grade.GOOD if note.use in {Use.USED, Use.IGNORED} else Grade.WARNING
    said = {
        Use.USED: "used",
        Use.CHANGED: "used, but better set otherwise",
        Use.MISSING: "not in the file",
        Use.IGNORED: "ignored",
        Use.UNKNOWN: "ignored, because there is no such setting",
    }[note.use]
    return Finding(grade, f"{note.key}: {said}: {note.why}" if note.why else f"{note.key}: {said}")


def _no_file() -> Iterator[Finding]:
    yield Finding(Grade.WARNING, "settings: no file, so the defaults apply; name one with --settings FILE")


def _file(file: Path) -> Iterator[Finding]:
    # Secrets in the environment are not in the file.
    try:
        settings = load(file, {}).settings
        secret = any(
            [
                settings.admin_api_key,
                settings.jwt.secret_key,
                settings.webhook_security.proxy,
                *(hook.secret for hook in settings.webhook_urls),
            ]
        )
    except SettingsError:
        secret = True
    if secret and os.name == "posix" and file.stat().st_mode & stat.S_IROTH:
        yield Finding(
            Grade.WARNING, f"settings: {file} contains secrets and is readable by everyone; run: chmod o-r {file}"
        )
    else:
        yield Finding(Grade.GOOD, f"settings: {file} is valid")


def _certificate(files: TLS) -> Finding:
    try:
        days = certificate.days_left(files)
    except SettingsError as error:
        return Finding(Grade.BAD, str(error))
    good = f"TLS: {files.cert_file} and its key are valid, for another {days} days"
    if days < MIN_CERTIFICATE_DAYS:
        return Finding(Grade.WARNING, f"{good}; renew it, then run `reload`")
    return Finding(Grade.GOOD, good)


def _database(settings: Settings) -> Iterator[Finding]:
    path = Path(settings.database)
    try:
        there = path.exists()
    except OSError as error:
        yield Finding(
            Grade.BAD, f"database: {path} cannot be accessed: {error.strerror}; run this as the server's user"
        )
        return
    if not there:
        if server := server_on(str(path)):
            problem = f"{path} was deleted or moved while a server ({server}) uses it"
            yield Finding(Grade.BAD, f"database: {problem}; stop the server, restore the file, and start the server")
        elif os.access(path.parent, os.W_OK):
            yield Finding(
                Grade.WARNING, f"database: {path} does not exist yet; the server creates it at its first start"
            )
        else:
            yield Finding(Grade.BAD, f"database: {path} cannot be created; choose another file in the settings")
            return
    else:
        yield from _mode(path)
        try:
            with closing(schema.open_as_it_is(str(path))) as connection:
                yield from _content(settings, connection)
        except sqlite3.Error as error:
            yield Finding(Grade.BAD, f"database: {path}: {error}; {_advice(error)}")
    free = shutil.disk_usage(path.parent).free
    if free < MIN_FREE_BYTES:
        yield Finding(Grade.BAD, f"disk: only {free // 2**20} MiB free on the disk of the database; free some space")
    else:
        yield Finding(Grade.GOOD, f"disk: {free // 2**20} MiB free")


def _mode(path: Path) -> Iterator[Finding]:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        problem = f"{path} has direct messages and reports, and other users can read it"
        yield Finding(Grade.WARNING, f"database: {problem}; run: chmod 600 {path}*")


def _advice(error: sqlite3.Error) -> str:
    code = error.sqlite_errorname.split("_")[1] if hasattr(error, "sqlite_errorname") else ""
    return {
        "BUSY": "another process has locked it for seconds: find out which one, and try again",
        "READONLY": "give the server's user write access to the file and its directory",
        "CANTOPEN": "give the server's user read and write access to the file and its directory",
    }.get(code, "fix that, restore a backup, or choose another file")


def _content(settings: Settings, connection: SqliteConnection) -> Iterator[Finding]:
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        yield Finding(Grade.BAD, f"database: damaged: {answer}; restore it from a backup")
        return
    if advice := schema.misfit(connection):
        yield Finding(Grade.BAD, f"database: {advice}")
        return
    # Acquire and release the write lock: it proves that the file is writable, and not locked for long.
    connection.execute("BEGIN IMMEDIATE")
    schema.touch(connection)
    connection.execute("ROLLBACK")
    yield Finding(Grade.GOOD, f"database: intact, up to date (schema {len(schema.STEPS)}) and writable")
    with connection:
        # A consistent snapshot while the server adds rows.
        connection.execute("BEGIN")
        yield from _reports(settings, connection)


def _reports(settings: Settings, connection: SqliteConnection) -> Iterator[Finding]:
    try:
        count, _ = trail.verify(connection)
        yield Finding(Grade.GOOD, f"trail: {count} rows, none altered")
    except TrailError as error:
        yield Finding(Grade.BAD, f"trail: {error}; compare it with a backup")
    on = [hook.queue for hook in settings.webhook_urls if hook.enabled]
    for name in on:
        yield from _queue(connection, name)
    for name, count in overview.unheard(connection, on):
        yield Finding(Grade.BAD, f"outbox: {count} waiting for webhook {name}, which is disabled; enable it")


def _queue(connection: SqliteConnection, name: str) -> Iterator[Finding]:
    found = outbox.depth(connection, name, milliseconds(utc_now()))
    if found.suspension:
        why = f"paused: {found.suspension.why}"
        advice = f"once the site is back, run `webhook resume {name}`"
        if found.suspension.until is not None:
            why = f"probed at {when(found.suspension.until)}, because attempts failed"
            advice = f"to probe it now, run `webhook resume {name}`"
        yield Finding(Grade.WARNING, f"outbox: webhook {name} is {why}; {found.waiting} waiting; {advice}")
    elif found.failures:
        attempts = f"last {found.failures} attempts" if found.failures > 1 else "last attempt"
        last = overview.last_attempt(connection, name)
        reason = f": {short(last.error, 200)}" if last and last.error else ""
        why = f"the {attempts} to call webhook {name} failed{reason}; {found.waiting} waiting"
        yield Finding(Grade.WARNING, f"outbox: {why}; run `webhook deliveries --failed` for all")
    if found.given_up:
        advice = "list them with `webhook deliveries --failed`, repeat one with `webhook replay ID`"
        yield Finding(Grade.WARNING, f"outbox: {found.given_up} given up; {advice}")


def _webhook(settings: Settings, hook: WebhookURL, tls: ssl.SSLContext) -> Iterator[Finding]:
    label = f"webhook {hook.queue}"
    try:
        reached = asyncio.run(reachability.reach(hook.url, tls, settings.webhook_security))
    except Unreachable as error:
        yield Finding(Grade.BAD, f"{label}: {error}")
        return
    for refusal in reached.refused:
        yield Finding(Grade.WARNING, f"{label}: {refusal}; the other addresses are used")
    how = f"resolves to {', '.join(reached.addresses)}; port {reached.port} of {reached.address} answered"
    if reached.proxy:
        how = f"port {reached.port} answered through the proxy {reached.proxy}"
    yield Finding(Grade.GOOD, f"{label}: {reached.host} {how} in {reached.milliseconds} ms")
    if reached.certificate_days is None:
        if not reached.loopback:
            yield Finding(Grade.WARNING, f"{label}: http sends key and reports unencrypted; use https")
    elif reached.certificate_days < MIN_CERTIFICATE_DAYS:
        yield Finding(Grade.WARNING, f"{label}: its certificate expires in {reached.certificate_days} days; renew it")
    else:
        yield Finding(Grade.GOOD, f"{label}: its certificate is valid for another {reached.certificate_days} days")
