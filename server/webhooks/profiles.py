"""Profiles from the site: cached for a minute, with at most one request in flight per user."""

import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

import msgspec
from async_lru import alru_cache

from server.ops.metrics import Metrics
from server.protocol.frames import ProfileField
from server.settings import Secret
from server.webhooks.breaker import Breaker
from server.webhooks.payloads import ProfileAnswer, profile_body
from server.webhooks.webhook_client import SiteAnswer, WebhookClient, WebhookError

CACHE_SECONDS = 60.0
MAX_CACHED = 1000
MAX_FIELDS = 64

log = logging.getLogger(__name__)


class ProfileText(NamedTuple):
    """What the site says about a user, or in `error` why there is no profile."""

    headline: str
    fields: list[ProfileField]
    error: str


class Profiles:
    """Requests profiles from one webhook."""

    def __init__(
        self, client: WebhookClient, url: str, key: Secret, metrics: Metrics, clock: Callable[[], float] = monotonic
    ) -> None:
        """Create it for a webhook; `clock` returns monotonic seconds."""
        self._breaker = Breaker(clock)
        self._client = client
        self._url = url
        self._key = key
        self._metrics = metrics
        # Failures raise and are not cached; concurrent requests for a user share one call.
        self._cached = alru_cache(maxsize=MAX_CACHED, ttl=CACHE_SECONDS)(self._request)

    async def about(self, username: str) -> ProfileText:
        """Return a user's profile; never raises because of the site."""
        self._metrics.count_profile_lookup(hit=self._cached.cache_contains(username))
        try:
            return await self._cached(username)
        except WebhookError as error:
            log.warning("a profile could not be loaded", extra={"error": error.cause})
            return ProfileText("", [], error.words or f"The site did not send a profile: {error}.")

    def measure(self) -> None:
        """Update the metrics of the webhook."""
        self._metrics.set_breaker_open("profile", is_open=self._breaker.is_open)

    async def drain(self) -> None:
        """Wait for requests in flight; there must be no more requests after this."""
        await self._cached.cache_close(wait=True)
        # Otherwise the breaker would be shown as open while the webhook is disabled; a successor sets its own value.
        self._metrics.set_breaker_open("profile", is_open=False)

    async def _request(self, username: str) -> ProfileText:
        if not self._breaker.allows():
            raise WebhookError("it has not been answering", "the last attempts failed")
        failed = True
        try:
            answer = await self._post(username)
            # Any other status is an answer about this user.
            failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        finally:
            self._breaker.record(failed=failed)
        # Users see the answer, and the site might echo the key.
        body = self._key.redact(answer.body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        return read(answer._replace(body=body))

    async def _post(self, username: str) -> SiteAnswer:
        body, webhook_id, began = profile_body(self._key, username), f"msg_{secrets.token_hex(12)}", monotonic()
        try:
            answer = await self._client.post(self._url, body, webhook_id)
        except WebhookError as error:
            self._metrics.observe_attempt("profile", error.outcome, monotonic() - began)
            raise
        self._metrics.observe_attempt("profile", str(answer.status), monotonic() - began)
        return answer


def read(answer: SiteAnswer) -> ProfileText:
    """Parse an answer, which can be an error of the site. Raises WebhookError if it is not usable."""
    try:
        profile = msgspec.json.decode(answer.body if answer.whole else b"", type=ProfileAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _check_status(answer.status)
        raise WebhookError("its answer cannot be read", f"{type(error).__name__}: {error}") from None
    _check_status(answer.status, profile.data.error)
    _check_status(profile.status_code, profile.data.error)
    if profile.data.error:
        return ProfileText("", [], profile.data.error)
    fields = [ProfileField(field.name, field.value) for field in (profile.data.fields or [])[:MAX_FIELDS]]
    return ProfileText(profile.data.headline, fields, "")


def _check_status(status: int, words: str = "") -> None:
    if status != HTTPStatus.OK:
        raise WebhookError(f"it answered with status {status}", f"status {status}", words)
