"""Looks for what keeps a server from doing its work, and says what to do about it."""

import asyncio
import shutil
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from time import monotonic
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from server.engine import schema, trail
from server.engine.trail import TrailError
from server.operator.printing import short, span
from server.settings import Settings, WebhookURL
from server.webhooks.targets import forbidden

MIN_KEY_CHARS = 16
MIN_FREE_BYTES = 200 * 1024 * 1024
MIN_CERTIFICATE_DAYS = 14
TIMEOUT_SECONDS = 5.0


class Grade(Enum):
    """How a finding is meant."""

    GOOD = "✓"
    WARNING = "!"
    BAD = "✗"


class Finding(NamedTuple):
    """One line of the doctor."""

    grade: Grade
    text: str

    def __str__(self) -> str:
        return f"{self.grade.value} {self.text}"


def findings(settings: Settings, file: Path | None) -> Iterator[Finding]:
    """Everything that was looked at, in its order."""
    yield from _settings(settings, file)
    yield from _database(settings)
    for hook in settings.webhook_urls:
        if hook.enabled:
            yield from asyncio.run(_webhook(settings, hook))
        else:
            yield Finding(Grade.WARNING, f"webhook {hook.name}: off; the client shows no key for it")
    for name in {"report", "profile"} - {hook.name for hook in settings.webhook_urls}:
        yield Finding(Grade.WARNING, f"webhook {name}: not in the settings; the client shows no key for it")


def _settings(settings: Settings, file: Path | None) -> Iterator[Finding]:
    key = settings.admin_api_key.reveal()
    if file and file.exists():
        secret = key or any(hook.secret for hook in settings.webhook_urls)
        if secret and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield Finding(Grade.WARNING, f"settings: {file} holds secrets and others can read it; chmod 600 {file}")
        else:
            yield Finding(Grade.GOOD, f"settings: {file}")
    else:
        yield Finding(Grade.WARNING, "settings: there is no file, the defaults hold; give one with --settings FILE")
    if key and len(key) < MIN_KEY_CHARS:
        yield Finding(Grade.WARNING, f"AdminAPIKey: shorter than {MIN_KEY_CHARS} characters; choose a long random one")


def _database(settings: Settings) -> Iterator[Finding]:
    path = Path(settings.database)
    if not path.exists():
        yield Finding(Grade.WARNING, f"database: {path} is not there yet; the server makes it at its first start")
        return
    try:
        with closing(schema.connect(str(path))) as connection:
            yield from _content(settings, connection)
    except sqlite3.Error as error:
        yield Finding(Grade.BAD, f"database: {path}: {error}; restore it from a backup, or choose another file")
    free = shutil.disk_usage(path.parent).free
    if free < MIN_FREE_BYTES:
        yield Finding(Grade.BAD, f"disk: {free // 2**20} MiB are free beside the database; make room")
    else:
        yield Finding(Grade.GOOD, f"disk: {free // 2**20} MiB free")


def _content(settings: Settings, connection: sqlite3.Connection) -> Iterator[Finding]:
    (answer,) = connection.execute("PRAGMA quick_check").fetchone()
    if answer != "ok":
        yield Finding(Grade.BAD, f"database: damaged: {short(answer)}; restore it from a backup")
        return
    schema.prepare(connection)
    # Takes the writer's lock and gives it back: it shows that the file can be written and is not held for long.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
    yield Finding(Grade.GOOD, "database: whole, and can be written")
    try:
        count, _ = trail.verify(connection)
        yield Finding(Grade.GOOD, f"trail: {count} rows, none altered")
    except TrailError as error:
        yield Finding(Grade.BAD, f"trail: {error}; compare it with a backup")
    names = [hook.name for hook in settings.webhook_urls if hook.enabled]
    for name, count in connection.execute(
        "SELECT webhook, count(*) FROM delivery WHERE state = 'waiting' GROUP BY webhook ORDER BY webhook"
    ):
        if name not in names:
            yield Finding(Grade.BAD, f"outbox: {count} wait for webhook {name}, which is off; switch it on")


async def _webhook(settings: Settings, hook: WebhookURL) -> list[Finding]:
    """Whether its address resolves, takes a connection, and has a good certificate; nothing is posted."""
    parts = urlsplit(hook.url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port, label, began = parts.port or (443 if secure else 80), f"webhook {hook.name}", monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
            addresses = sorted({str(entry[4][0]) for entry in found})
            refused = {
                each: forbidden(each, block_private=settings.webhook_security.block_private) for each in addresses
            }
            if all(refused.values()):
                return [Finding(Grade.BAD, f"{label}: {host} may not be called: {next(iter(refused.values()))}")]
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context() if secure else None)
    except ssl.SSLError as error:
        return [Finding(Grade.BAD, f"{label}: the certificate of {host} is not accepted: {_reason(error)}; renew it")]
    except TimeoutError:
        return [Finding(Grade.BAD, f"{label}: {host} port {port} does not answer; is the site up, a firewall open?")]
    except OSError as error:
        why = error.strerror or str(error)
        return [Finding(Grade.BAD, f"{label}: {host} port {port} cannot be reached: {why}; check URL and site")]
    certificate = cast("dict[str, object] | None", writer.get_extra_info("peercert"))
    writer.close()
    reached = Finding(Grade.GOOD, f"{label}: {host} reached in {span(round((monotonic() - began) * 1000))}")
    return [reached, *_transport(label, certificate, addresses, secure=secure)]


def _transport(
    label: str, certificate: dict[str, object] | None, addresses: list[str], *, secure: bool
) -> Iterator[Finding]:
    if secure and certificate:
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        days = (ends - datetime.now(UTC)).days
        good = days >= MIN_CERTIFICATE_DAYS
        advice = "" if good else "; renew it"
        yield Finding(Grade.GOOD if good else Grade.WARNING, f"{label}: the certificate holds {days} days{advice}")
    elif not secure and any(not forbidden(each, block_private=True) for each in addresses):
        yield Finding(Grade.WARNING, f"{label}: plain http beyond this network shows the key to everyone; use https")


def _reason(error: ssl.SSLError) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error.reason)
