"""The commands about webhooks and their deliveries."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from time import monotonic
from urllib.parse import urlsplit

from server.operator.printing import CommandError, short, span, table, when
from server.protocol.characters import in_one_line
from server.protocol.codes import ReportState
from server.rules import retries
from server.rules.evidence import Evidence
from server.rules.retries import DeliveryState, http_date
from server.rules.trail import Reported, Withdrawn, decode
from server.settings import QUEUED_WEBHOOK, Settings, SettingsError, WebhookURL
from server.storage import leases, outbox, overview, report_rows, reports, trail, webhook_state
from server.storage.overview import Delivery, RecordedAttempt
from server.storage.sql import SqlConnection
from server.webhooks.html import to_html
from server.webhooks.payloads import profile_body, report_body
from server.webhooks.profiles import read
from server.webhooks.webhook_client import SiteAnswer, WebhookClient, WebhookError

PAUSED_BY_ADMINISTRATOR = "requested by an administrator"
MAX_NAMED = 3
NOTABLE_CLOCK_MILLISECONDS = 60_000


def listed(settings: Settings, connection: SqlConnection) -> str:
    """List the webhooks with their state; URLs are shortened, because they may contain a password."""
    rows = []
    for hook in settings.webhook_urls:
        host, signed = in_one_line(urlsplit(hook.url).hostname or "-"), "yes" if hook.secret else "no"
        name = f"{hook.id} ({hook.name})" if hook.id else hook.name
        known = [name, "yes" if hook.enabled else "no", host, signed, "yes" if hook.evidence else "no"]
        # The state of the profile webhook is only in the server's memory; see /metrics.
        rows.append([*known, *(_queue(connection, hook.queue) if hook.name == QUEUED_WEBHOOK else "-----")])
    head = ["NAME", "ENABLED", "HOST", "SIGNED", "EVIDENCE", "STATE", "WAITING", "OLDEST", "GIVEN UP", "LAST ATTEMPT"]
    return table(head, rows) if rows else "The settings have no webhooks."


def _queue(connection: SqlConnection, name: str) -> list[str]:
    now = connection.now
    found, last = outbox.depth(connection, name), overview.last_attempt(connection, name)
    return [
        _state(found),
        str(found.waiting),
        span(now - found.oldest) if found.oldest is not None else "-",
        str(found.given_up),
        f"{_outcome(last)}, {span(now - last.at)} ago" if last else "-",
    ]


def _state(found: outbox.Depth) -> str:
    failed = f"{found.failures} failed in a row"
    if found.suspension is None:
        return failed if found.failures else "ok"
    if found.suspension.until is None:
        return f"paused: {short(found.suspension.why)}"
    return f"{failed}, next probe at {when(found.suspension.until)}"


def deliveries(connection: SqlConnection, *, failed: bool, limit: int) -> str:
    """List the latest deliveries, or only failed ones, each with its last attempt."""
    found = overview.deliveries(connection, limit, failed=failed)
    if not found:
        return "No failed deliveries." if failed else "No deliveries yet."
    return table(
        ["ID", "REPORT", "WEBHOOK", "STATE", "ATTEMPTS", "NEXT", "LAST"],
        [
            [
                each.id,
                each.report_id,
                each.webhook,
                each.state,
                str(each.attempts),
                next_attempt(connection, each),
                _outcome(each.last) if each.last else "-",
            ]
            for each in found
        ],
    )


def next_attempt(connection: SqlConnection, delivery: Delivery) -> str:
    """Format the time of the next attempt of a delivery; "-" if it is not waiting."""
    if delivery.state is not DeliveryState.WAITING:
        return "-"
    state = webhook_state.read(connection, delivery.webhook)
    at = leases.next_attempt(state, delivery.due, asked_to_wait=delivery.asked_to_wait, now=connection.now)
    return "when resumed" if at is None else when(at)


def _outcome(attempted: RecordedAttempt) -> str:
    return short(attempted.error) or f"status {attempted.status}"


def replay(settings: Settings, connection: SqlConnection, delivery_id: str) -> str:
    """Resend a delivery. Raises CommandError if it does not exist, or the site may no longer receive it."""
    delivery = overview.delivery(connection, delivery_id)
    if delivery is None:
        latest = ", ".join(each.id for each in overview.deliveries(connection, MAX_NAMED))
        others = f"the latest are: {latest}; run `webhook deliveries` for more" if latest else "there are none yet"
        raise CommandError(f"there is no delivery {short(delivery_id)}; {others}")
    if why := _withheld(connection, delivery):
        raise CommandError(f"report {delivery.report_id} {why}, so this delivery is not sent again")
    reports.replay(delivery.id, connection)
    return f"{delivery.id} (report {delivery.report_id}) {_prospect(settings, connection, delivery)}"


def _withheld(connection: SqlConnection, delivery: Delivery) -> str | None:
    """Return why the site may no longer receive this delivery; None if it may."""
    report = report_rows.find(delivery.report_id, connection)
    withdrawn = report is not None and report.status is ReportState.WITHDRAWN
    rows = trail.rows(connection, delivery.report_id)
    withdraws = any(row.seq == delivery.seq and isinstance(decode(row.content), Withdrawn) for row in rows)
    if withdraws and not withdrawn:
        return "is no longer withdrawn"
    gone = delivery.state is DeliveryState.CANCELLED or (withdrawn and not withdraws)
    return "was withdrawn by its reporter" if gone else None


def _prospect(settings: Settings, connection: SqlConnection, delivery: Delivery) -> str:
    name = delivery.webhook
    if name not in [hook.queue for hook in settings.webhooks(QUEUED_WEBHOOK)]:
        return f"waits until webhook {name} is enabled in the settings"
    if webhook_state.suspension(connection, name):
        return f"waits, because webhook {name} is paused or failing; run `webhook resume {name}` to send it"
    return "is being resent; run `webhook deliveries` for the result"


def pause(settings: Settings, connection: SqlConnection, name: str) -> str:
    """Pause a webhook. Raises CommandError."""
    hook = _queued(settings, name)
    webhook_state.pause(connection, hook.queue, PAUSED_BY_ADMINISTRATOR)
    return f"{hook.queue} is paused; reports are stored until you run `webhook resume {hook.queue}`"


def resume(settings: Settings, connection: SqlConnection, name: str) -> str:
    """Resume a webhook. Raises CommandError."""
    hook = _queued(settings, name)
    webhook_state.resume(connection, hook.queue)
    if not hook.enabled:
        return f"{hook.queue} is resumed, but disabled in the settings; enable it to send the waiting deliveries"
    return f"{hook.queue} is resumed; waiting deliveries are being sent"


def _queued(settings: Settings, name: str) -> WebhookURL:
    hook = known(settings, name)
    if hook.name != QUEUED_WEBHOOK:
        raise CommandError(f"webhook {hook.queue} has no queue to pause; set Enabled = false in the settings instead")
    return hook


def known(settings: Settings, name: str) -> WebhookURL:
    """Return the webhook with this ID, or name if it has none, enabled or not. Raises CommandError."""
    for hook in settings.webhook_urls:
        if hook.queue == name:
            return hook
    there = ", ".join(hook.queue for hook in settings.webhook_urls) or "none"
    raise CommandError(f"there is no webhook {short(name)} in the settings; use one of: {there}")


def test(settings: Settings, name: str) -> tuple[str, bool]:
    """Send a test call; return a description of the answer, and whether it is good. Raises CommandError."""
    hook = known(settings, name)
    if not hook.url:
        raise CommandError(f"webhook {hook.queue} has no URL in the settings; set it first")
    return asyncio.run(_test(settings, hook))


async def _test(settings: Settings, hook: WebhookURL) -> tuple[str, bool]:
    client = _client(settings, hook)
    began = monotonic()
    try:
        answer = await client.post(hook.url, _sample(settings, hook), f"msg_test{secrets.token_hex(8)}")
    except WebhookError as error:
        why = f"{error}: {in_one_line(error.cause)}; run `doctor` for details"
        return f"{hook.queue}: no answer after {_since(began)}: {why}", False
    finally:
        await client.close()
    said = short(settings.admin_api_key.redact(answer.body.decode(errors="replace")))
    problem, odd = _judged(hook, answer)
    clock = _clock_problem(answer.date, datetime.now(UTC))
    return (
        f"{hook.queue}: status {answer.status} after {_since(began)}; {problem or odd or 'OK'}."
        f"{f' {clock}' if clock else ''} Answer: {said or '(empty)'}",
        problem is None,
    )


def _client(settings: Settings, hook: WebhookURL) -> WebhookClient:
    try:
        return WebhookClient(hook.secret, security=settings.webhook_security)
    except SettingsError as error:
        raise CommandError(str(error)) from None


def _judged(hook: WebhookURL, answer: SiteAnswer) -> tuple[str | None, str | None]:
    """Return why an answer is not usable, and what is odd about a usable one; None for each that does not apply."""
    signed = bool(hook.secret)
    if not retries.is_success(answer.status, signed=signed):
        only = "only a status from 200 to 299 means success" if signed else "only status 200 means success"
        return retries.status_hint(answer.status, signed=signed) or only, None
    if hook.name == QUEUED_WEBHOOK:
        return None, None
    try:
        odd = read(answer, signed=signed).odd
    except WebhookError as error:
        return f"{error}: {in_one_line(error.cause)}", None
    return None, f"OK, but parts of the answer cannot be read: {odd}" if odd else None


def _clock_problem(date: str, now: datetime) -> str | None:
    """Return a warning if the site's clock is wrong, or None. Sites refuse signatures that are some minutes off."""
    at = http_date(date)
    apart = round(abs(at - now) / timedelta(milliseconds=1)) if at else 0
    if not at or apart < NOTABLE_CLOCK_MILLISECONDS:
        return None
    side = "behind" if at < now else "ahead of"
    return f"Its clock is {span(apart)} {side} this machine's: correct the wrong one, or the site refuses signatures."


def _since(began: float) -> str:
    return span(round((monotonic() - began) * 1000))


def _sample(settings: Settings, hook: WebhookURL) -> bytes:
    if hook.name == "profile":
        return profile_body(settings.admin_api_key, "flagpost-test")
    evidence = Evidence(
        reporter="flagpost-test",
        about="flagpost-test",
        channel=settings.public_channels[0].id,
        msg_id=0,
        at=datetime.now(UTC),
        message="This is a test of the webhook, not a real message.",
        reason="Test",
        comment="Sent by `flagpost-server webhook test`.",
    )
    written = to_html if hook.message_format == "html" else str
    return report_body(settings.admin_api_key, hook, "rep_test", evidence, Reported(evidence), written)
