"""Checks a server's setup, and suggests fixes."""

import asyncio
import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from server.operator import certificate, reachability, sqlite_checks
from server.operator.finding import Finding, Grade
from server.operator.reachability import Unreachable
from server.protocol.wording import counted
from server.settings import DEFAULT_FILE, TLS, WEBHOOK_NAMES, KeyNote, Settings, SettingsError, Use, WebhookURL, load
from server.settings.database_url import is_url
from server.settings.model import MIN_KEY_CHARS
from server.storage.opening import DRIVER
from server.webhooks import outbound

MIN_CERTIFICATE_DAYS = 14


def findings(path: Path | None, tls: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Run all checks in order; `tls` has the trusted authorities, by default those of webhooks."""
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
        yield Finding(Grade.WARNING, f"AdminAPIKey: shorter than {MIN_KEY_CHARS} characters; choose a long random key")
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


def _database(settings: Settings) -> Iterator[Finding]:
    if not is_url(settings.database):
        return sqlite_checks.findings(settings)
    try:
        # Only a room in PostgreSQL needs the driver.
        from server.operator import postgres_checks
    except ImportError:
        return iter([Finding(Grade.BAD, f"database: {DRIVER}")])
    return postgres_checks.findings(settings)


def _key(note: KeyNote) -> Finding:
    """Describe how a key of the file is used."""
    grade = Grade.GOOD if note.use in {Use.USED, Use.IGNORED} else Grade.WARNING
    said = {
        Use.USED: "used",
        Use.CHANGED: "adapted",
        Use.MISSING: "not in the file",
        Use.IGNORED: "ignored",
        Use.UNKNOWN: "ignored, because there is no such setting",
    }[note.use]
    return Finding(grade, f"{note.key}: {said}: {note.why}" if note.why else f"{note.key}: {said}")


def _no_file() -> Iterator[Finding]:
    yield Finding(Grade.WARNING, "settings: no file, so the defaults apply; name one with --settings FILE")


def _file(file: Path) -> Iterator[Finding]:
    # Ignore the environment: its secrets are not in the file.
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
    good = f"TLS: {files.cert_file} and its key are valid for another {counted(days, 'day')}"
    if days < MIN_CERTIFICATE_DAYS:
        return Finding(Grade.WARNING, f"{good}; renew it, then run `reload`")
    return Finding(Grade.GOOD, good)


def _webhook(settings: Settings, hook: WebhookURL, tls: ssl.SSLContext) -> Iterator[Finding]:
    label = f"webhook {hook.queue}"
    try:
        reached = asyncio.run(reachability.reach(hook.url, tls, settings.webhook_security))
    except Unreachable as error:
        yield Finding(Grade.BAD, f"{label}: {error}")
        return
    for refusal in reached.refused:
        yield Finding(Grade.WARNING, f"{label}: {refusal}; the other addresses are used")
    yield Finding(Grade.GOOD, f"{label}: {reached.host} {_answered(reached)} in {reached.milliseconds} ms")
    if reached.certificate_days is None:
        if not reached.loopback:
            yield Finding(Grade.WARNING, f"{label}: http sends the key and reports unencrypted; use https")
    elif reached.certificate_days < MIN_CERTIFICATE_DAYS:
        left = counted(reached.certificate_days, "day")
        yield Finding(Grade.WARNING, f"{label}: its certificate expires in {left}; renew it")
    else:
        left = counted(reached.certificate_days, "day")
        yield Finding(Grade.GOOD, f"{label}: its certificate is valid for another {left}")


def _answered(reached: reachability.Reached) -> str:
    """Describe how a site was reached; an IP address in the URL was not resolved."""
    if reached.proxy:
        return f"port {reached.port} answered through the proxy {reached.proxy}"
    if [*reached.addresses] == [reached.host]:
        return f"port {reached.port} answered"
    return f"resolves to {', '.join(reached.addresses)}; port {reached.port} of {reached.address} answered"
