"""Profiles from the site: cached for a minute, with at most one request in flight per user."""

import logging
import secrets
from collections.abc import Callable, Iterator
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

from async_lru import alru_cache

from server.ops.metrics import Metrics
from server.protocol.frames import ProfileField
from server.rules import lenient_json, retries
from server.rules.lenient_json import LenientObject, UnreadableError
from server.settings import Secret, WebhookURL
from server.webhooks.breaker import Breaker
from server.webhooks.payloads import profile_body
from server.webhooks.webhook_client import SiteAnswer, WebhookClient, WebhookError

CACHE_SECONDS = 60.0
MAX_CACHED = 1000
MAX_FIELDS = 64
NO_REASON = "The site has no profile of this person, and gave no reason."

log = logging.getLogger(__name__)


class ProfileText(NamedTuple):
    """A profile from the site; if there is none, `error` says why."""

    headline: str
    fields: list[ProfileField]
    error: str
    odd: str = ""
    """The parts of the answer that could not be parsed, for the log."""

    def redacted(self, key: Secret) -> "ProfileText":
        """Return a copy without the key: the site might echo it, and users see the texts."""
        fields = [ProfileField(key.redact(field.name), key.redact(field.value)) for field in self.fields]
        return ProfileText(key.redact(self.headline), fields, key.redact(self.error), self.odd)


class Profiles:
    """Requests profiles from one webhook."""

    def __init__(
        self,
        client: WebhookClient,
        hook: WebhookURL,
        key: Secret,
        metrics: Metrics,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`clock` returns monotonic seconds."""
        self._breaker = Breaker(clock)
        self._client = client
        self._hook = hook
        self._logged = ""
        self._key = key
        self._metrics = metrics
        # Failures raise and are not cached; concurrent requests for a user share one call.
        self._cached = alru_cache(maxsize=MAX_CACHED, ttl=CACHE_SECONDS)(self._request)

    async def about(self, username: str) -> ProfileText:
        """Return a user's profile. If the site fails, `error` says why."""
        self._metrics.count_profile_lookup(hit=self._cached.cache_contains(username))
        try:
            return await self._cached(username)
        except WebhookError as error:
            log.warning("a profile could not be loaded", extra={"error": error.cause})
            words = self._key.redact(error.words) if error.words else f"The site did not send a profile: {error}."
            return ProfileText("", [], words)

    def measure(self) -> None:
        """Update the metrics of the webhook."""
        self._metrics.set_breaker_open("profile", is_open=self._breaker.is_open)

    async def drain(self) -> None:
        """Wait for requests in flight. The caller makes no more requests."""
        await self._cached.cache_close(wait=True)
        # Otherwise the breaker would be shown as open while the webhook is disabled; a successor sets its own value.
        self._metrics.set_breaker_open("profile", is_open=False)

    async def _request(self, username: str) -> ProfileText:
        if not self._breaker.allows():
            raise WebhookError("it has not been answering", "the last attempts failed")
        failed: bool | None = None
        try:
            answer = await self._post(username)
            # Any other status is an answer about this user.
            failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        except WebhookError:
            failed = True
            raise
        finally:
            self._breaker.record(failed=failed)
        text = read(answer, signed=bool(self._hook.secret)).redacted(self._key)
        if text.odd and text.odd != self._logged:
            # Logged only if it differs from the last one: most answers of a site have the same faults.
            self._logged = text.odd
            log.warning("parts of a profile could not be read", extra={"unreadable": text.odd})
        return text

    async def _post(self, username: str) -> SiteAnswer:
        body, webhook_id, began = profile_body(self._key, username), f"msg_{secrets.token_hex(12)}", monotonic()
        try:
            answer = await self._client.post(self._hook.url, body, webhook_id)
        except WebhookError as error:
            self._metrics.observe_attempt("profile", error.outcome, monotonic() - began)
            raise
        self._metrics.observe_attempt("profile", str(answer.status), monotonic() - began)
        return answer


def read(answer: SiteAnswer, *, signed: bool) -> ProfileText:
    """Parse an answer, which can be an error of the site. Raises WebhookError if it is not usable."""
    try:
        parsed = lenient_json.parse(answer.body if answer.whole else b"")
        data = parsed.child("Data")
        if data is None and "Data" in parsed:
            raise UnreadableError(str(parsed.odd))
    except UnreadableError as error:
        _check_status(answer.status, signed=signed)
        raise WebhookError("its answer cannot be read", str(error)) from None
    data = data or LenientObject((), parsed.odd)
    headline, fields, ok = data.text("Headline") or "", [*_fields(data)][:MAX_FIELDS], data.flag("OK")
    words, status = _error(data), parsed.whole("StatusCode")
    _check_status(answer.status, words, signed=signed)
    # In Go, a missing StatusCode is 0.
    if status:
        _check_status(status, words, signed=signed)
    # A missing OK is false, as in Go, but does not hide a profile.
    if not words and (ok is False or (ok is None and not headline and not fields)):
        words = NO_REASON
    if words:
        return ProfileText("", [], words, str(parsed.odd))
    return ProfileText(headline, fields, "", str(parsed.odd))


def _error(data: LenientObject) -> str | None:
    """Return the site's error message, or None."""
    words = (data.text("Error") or "").strip()
    return None if words in {"", "false", "0"} else NO_REASON if words == "true" else words


def _fields(data: LenientObject) -> Iterator[ProfileField]:
    for row in data.children("ProfileFields"):
        name, value = row.text("Name"), row.text("Value")
        if name is not None and value is not None and (name or value):
            yield ProfileField(name, value)


def _check_status(status: int, words: str | None = None, *, signed: bool) -> None:
    if not retries.is_success(status, signed=signed):
        cause = retries.status_text(status, signed=signed)
        raise WebhookError(f"it answered with status {status}", cause, words)
