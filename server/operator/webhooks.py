"""What an operator sees and does of webhooks and deliveries."""

import asyncio
import json
import secrets
import sqlite3
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

from server.engine import outbox, reports
from server.engine.clock import milliseconds, utc_now
from server.operator.printing import short, span, table, when
from server.rules.deliveries import State
from server.rules.reports import Evidence
from server.rules.trail import Reported
from server.settings import Settings, WebhookURL
from server.webhooks.client import WebhookClient, WebhookError
from server.webhooks.payloads import profile_body, report_body

PAUSED_BY_OPERATOR = "paused by the operator"


class UnknownError(Exception):
    """What a command named is not there; the text says what is."""


def listed(settings: Settings, connection: sqlite3.Connection) -> str:
    """All webhooks of the settings and how each is doing; no URL is shown whole, for it may hold a password."""
    now = milliseconds(utc_now())
    rows = []
    for hook in settings.webhook_urls:
        found = outbox.depth(connection, hook.name, now)
        rows.append(
            [
                hook.name,
                "on" if hook.enabled else "off",
                urlsplit(hook.url).hostname or "-",
                "yes" if hook.secret else "no",
                "yes" if hook.evidence else "no",
                _state(found),
                str(found.waiting),
                span(now - found.oldest) if found.oldest is not None else "-",
                str(found.given_up),
            ]
        )
    return table(["NAME", "", "HOST", "SIGNED", "EVIDENCE", "STATE", "WAITING", "OLDEST", "GIVEN UP"], rows)


def _state(found: outbox.Depth) -> str:
    if found.held is None:
        return "ok" if not found.failures else f"{found.failures} failed in a row"
    if found.held.until is None:
        return f"paused: {short(found.held.why)}"
    return f"left alone until {when(found.held.until)}"


def deliveries(connection: sqlite3.Connection, *, failed: bool, limit: int) -> str:
    """The latest deliveries, or those of them that failed, and what came of the last attempt of each."""
    states = (State.WAITING, State.GIVEN_UP) if failed else tuple(State)
    rows = connection.execute(
        "SELECT delivery.id, delivery.report_id, webhook, state, attempts, due, attempt.status, attempt.error"
        " FROM delivery LEFT JOIN attempt ON attempt.id ="
        " (SELECT max(id) FROM attempt WHERE delivery_id = delivery.id)"
        " WHERE state IN (SELECT value FROM json_each(?)) AND (NOT ? OR attempts > 0)"
        " ORDER BY delivery.seq DESC LIMIT ?",
        (json.dumps(states), failed, limit),
    ).fetchall()
    if not rows:
        return "No delivery has failed." if failed else "There is no delivery yet."
    return table(
        ["ID", "REPORT", "WEBHOOK", "STATE", "ATTEMPTS", "NEXT", "LAST"],
        [
            [
                key,
                report,
                hook,
                state,
                str(attempts),
                when(due if state == State.WAITING else None),
                _last(status, error),
            ]
            for key, report, hook, state, attempts, due, status, error in rows
        ],
    )


def _last(status: int | None, error: str | None) -> str:
    return short(error or (str(status) if status else "-"))


def replay(connection: sqlite3.Connection, delivery_id: str) -> str:
    """Send a delivery again; UnknownError."""
    row = connection.execute("SELECT webhook FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
    report_id = reports.replay(delivery_id, row[0], utc_now, connection) if row else None
    if report_id is None:
        raise UnknownError(f"there is no delivery {short(delivery_id)}; `webhook deliveries` lists them")
    return f"{delivery_id} (report {report_id}) is sent again now; `webhook deliveries` shows what comes of it"


def pause(settings: Settings, connection: sqlite3.Connection, name: str) -> str:
    """Send nothing to a webhook; UnknownError."""
    hook = known(settings, name)
    outbox.pause(connection, hook.name, PAUSED_BY_OPERATOR)
    return f"{hook.name} is paused: reports are kept until `webhook resume {hook.name}`"


def resume(settings: Settings, connection: sqlite3.Connection, name: str) -> str:
    """Send to a webhook again; UnknownError."""
    hook = known(settings, name)
    outbox.resume(connection, hook.name, milliseconds(utc_now()))
    return f"{hook.name} is on again: what waited is sent now"


def known(settings: Settings, name: str) -> WebhookURL:
    """The webhook of a name, on or off; UnknownError."""
    for hook in settings.webhook_urls:
        if hook.name == name:
            return hook
    there = ", ".join(hook.name for hook in settings.webhook_urls) or "none"
    raise UnknownError(f"there is no webhook {short(name)} in the settings; there are: {there}")


def test(settings: Settings, name: str) -> tuple[str, bool]:
    """Send a harmless sample; what came of it, and whether that is as it should be. UnknownError."""
    hook = known(settings, name)
    return asyncio.run(_test(settings, hook))


async def _test(settings: Settings, hook: WebhookURL) -> tuple[str, bool]:
    client = WebhookClient(hook.secret, block_private=settings.webhook_security.block_private)
    began = monotonic()
    try:
        answer = await client.post(hook.url, _sample(settings, hook), f"msg_test{secrets.token_hex(8)}")
    except WebhookError as error:
        return f"{hook.name}: {error.cause}", False
    finally:
        await client.close()
    took = span(round((monotonic() - began) * 1000))
    said = short(answer.body[:1024].decode(errors="replace"))
    good = answer.status == HTTPStatus.OK
    verdict = "that is good" if good else "only status 200 counts as delivered"
    return f"{hook.name}: status {answer.status} after {took}; {verdict}. The answer: {said or '(empty)'}", good


def _sample(settings: Settings, hook: WebhookURL) -> bytes:
    if hook.name == "profile":
        return profile_body(settings.admin_api_key, "flagpost-test")
    evidence = Evidence(
        "flagpost-test", "flagpost-test", settings.public_channels[0].id, 0, datetime.now(UTC),
        "This is a test of the webhook; nobody said this.", "Test", "Sent by `python -m server webhook test`.",
    )  # fmt: skip
    return report_body(settings.admin_api_key, hook, "rep_test", evidence, Reported(evidence))
