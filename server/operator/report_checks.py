"""The doctor's checks of the trail and of the queues of deliveries."""

from collections.abc import Iterator

from server.operator.finding import Finding, Grade
from server.operator.printing import short, when
from server.protocol.wording import counted
from server.settings import Settings
from server.storage import outbox, overview, trail
from server.storage.sql import SqlConnection
from server.storage.trail import TrailError


def findings(settings: Settings, connection: SqlConnection) -> Iterator[Finding]:
    try:
        count, _ = trail.verify(connection)
        yield Finding(Grade.GOOD, f"trail: {counted(count, 'row')}, none altered")
    except TrailError as error:
        yield Finding(Grade.BAD, f"trail: {error}; compare it with a backup")
    on = [hook.queue for hook in settings.webhook_urls if hook.enabled]
    for name in on:
        yield from _queue(connection, name)
    for name, count in overview.unconfigured(connection, on):
        yield Finding(Grade.BAD, f"outbox: {count} waiting for webhook {name}, which is disabled; enable it")


def _queue(connection: SqlConnection, name: str) -> Iterator[Finding]:
    found = outbox.depth(connection, name)
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
        advice = "list them with `webhook deliveries --failed`, resend one with `webhook replay ID`"
        yield Finding(Grade.WARNING, f"outbox: {found.given_up} given up; {advice}")
