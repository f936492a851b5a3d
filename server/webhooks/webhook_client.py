"""POSTs to the site, with an overall deadline, a size limit for the answer, and no redirects. Wraps httpx."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import NamedTuple

import httpx

from server.protocol.errors import FlagpostError
from server.protocol.version import VERSION
from server.settings import SigningSecrets, WebhookSecurity
from server.webhooks import outbound, signature
from server.webhooks.targets import ForbiddenTargetError

DEADLINE_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Flagpost/{VERSION}",
    # A compressed answer could expand without limit before its size is known.
    "Accept-Encoding": "identity",
    # If the site closes a kept-alive connection just as it is used, we cannot know whether it accepted the report.
    "Connection": "close",
}


class SiteAnswer(NamedTuple):
    """The site's answer. Of a long body only the first MAX_ANSWER_BYTES are read; an encoded body is dropped."""

    status: int
    body: bytes
    whole: bool = True
    retry_after: str = ""
    date: str = ""
    """The Date header: the site's clock."""


class WebhookError(FlagpostError):
    """The site gave no usable answer. The text is for users, with the site as "it"; `cause` is for the log."""

    def __init__(self, message: str, cause: str, words: str | None = None, outcome: str = "unusable") -> None:
        """Create an error. `words` is the site's own error message, `outcome` the label of the error for metrics."""
        super().__init__(message)
        self.cause = cause
        self.words = words
        self.outcome = outcome


class WebhookClient:
    """Posts to one webhook of the site; `transport` can be replaced by tests."""

    def __init__(
        self,
        secrets: SigningSecrets = SigningSecrets(),  # noqa: B008 - never changed
        *,
        security: WebhookSecurity = WebhookSecurity(),  # noqa: B008 - never changed
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline_seconds: float | None = None,
    ) -> None:
        """`tls` defaults to `outbound.trust(security)`. Raises SettingsError if that cannot be used.

        `deadline_seconds` defaults to DEADLINE_SECONDS.
        """
        self._secrets = secrets
        self._deadline_seconds = DEADLINE_SECONDS if deadline_seconds is None else deadline_seconds
        self._http = httpx.AsyncClient(
            transport=transport or outbound.transport(security, tls),
            headers=HEADERS,
            timeout=self._deadline_seconds,
            trust_env=False,
            follow_redirects=False,
        )

    async def post(self, url: str, body: bytes, webhook_id: str) -> SiteAnswer:
        """Post, and return the answer, whatever its status. Raises WebhookError if there is no complete answer."""
        try:
            # httpx applies its timeouts to each read, so a slow site could block a call forever.
            async with asyncio.timeout(self._deadline_seconds):
                return await self._post(url, body, webhook_id)
        except (TimeoutError, httpx.TimeoutException):
            raise WebhookError("it did not answer in time", "timed out", outcome="timeout") from None
        except ForbiddenTargetError as error:
            raise WebhookError("its address is not allowed", str(error), outcome="forbidden") from None
        except (httpx.ConnectError, httpx.InvalidURL) as error:
            raise _not_connected(str(error)) from None
        except Exception as error:
            # Not only httpx's errors: with uvloop, a connection that is reset at once ends in an AttributeError in
            # anyio. Whatever it is, the attempt has failed, and must be recorded as failed.
            raise WebhookError("its answer broke off", f"{type(error).__name__}: {error}", outcome="broken") from None

    async def _post(self, url: str, body: bytes, webhook_id: str) -> SiteAnswer:
        # Cookies from an answer about one user must not be sent with a request about another.
        self._http.cookies.clear()
        headers = signature.headers(webhook_id, datetime.now(UTC), body, self._secrets)
        async with self._http.stream("POST", url, content=body, headers=headers) as response:
            fields, answer = response.headers, bytearray()
            encoded = fields.get("Content-Encoding", "identity").lower() != "identity"
            # Encoded bodies are read although they are dropped, to detect a broken connection.
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    break
            whole = len(answer) <= MAX_ANSWER_BYTES and not encoded
            said = b"" if encoded else bytes(answer[:MAX_ANSWER_BYTES])
            return SiteAnswer(response.status_code, said, whole, fields.get("Retry-After", ""), fields.get("Date", ""))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _not_connected(cause: str) -> WebhookError:
    # Only OpenSSL's text, which httpx passes on, distinguishes a TLS failure from others.
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return WebhookError("its certificate is not trusted", cause, outcome="tls")
    if cause.startswith("[SSL"):
        return WebhookError("the TLS handshake failed", cause, outcome="tls")
    return WebhookError("it cannot be reached", cause or "no connection", outcome="unreachable")
