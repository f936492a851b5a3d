"""One POST to the site: a deadline around all of it, a cap on the answer, no redirects; nothing else knows httpx."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

import httpx

from server import __version__
from server.settings import SigningSecrets
from server.webhooks import signature
from server.webhooks.targets import ForbiddenTargetError, GuardedTransport

DEADLINE_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Flagpost/{__version__}",
    # A compressed answer could grow to anything before its size can be counted.
    "Accept-Encoding": "identity",
    # A kept connection that the site closes just as it is used leaves open whether it took a report.
    "Connection": "close",
}


class Answer(NamedTuple):
    """What the site answered, as far as it was taken: of a long body the first MAX_ANSWER_BYTES, of an encoded none."""

    status: int
    body: bytes
    whole: bool = True
    retry_after: str = ""
    date: str = ""
    """The site's clock, as it says it."""


class WebhookError(Exception):
    """The site gave no usable answer; the text says to people what it did, `cause` says more to the operator's log."""

    def __init__(self, message: str, cause: str, words: str = "", outcome: str = "unusable") -> None:
        """`words`: what the site itself said about it; `outcome`: what it is counted as."""
        super().__init__(message)
        self.cause = cause
        self.words = words
        self.outcome = outcome


class WebhookClient:
    """Posts to one webhook of the site; a test hands in another transport."""

    def __init__(
        self,
        secrets: SigningSecrets = SigningSecrets(),  # noqa: B008 - never changed
        *,
        block_private: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._secrets = secrets
        self._deadline_seconds = deadline_seconds
        self._http = httpx.AsyncClient(
            transport=transport or GuardedTransport(block_private=block_private),
            headers=HEADERS,
            timeout=deadline_seconds,
            trust_env=False,
            follow_redirects=False,
        )

    async def post(self, url: str, body: bytes, webhook_id: str) -> Answer:
        """The answer, whatever its status; WebhookError if none came in time, or it broke off."""
        try:
            # httpx counts its timeouts per read: a site that drips could hold a call for ever.
            async with asyncio.timeout(self._deadline_seconds):
                return await self._post(url, body, webhook_id)
        except (TimeoutError, httpx.TimeoutException):
            raise WebhookError("it did not answer in time", "timed out", outcome="timeout") from None
        except ForbiddenTargetError as error:
            raise WebhookError("its address is not allowed", str(error), outcome="forbidden") from None
        except (httpx.ConnectError, httpx.InvalidURL) as error:
            raise _not_connected(str(error)) from None
        except Exception as error:
            # Not httpx's errors alone: over uvloop, a connection that was reset as soon as it was made ends in an
            # AttributeError of anyio's. Whatever it is, the attempt has failed, and must be noted as one that did.
            raise WebhookError("its answer broke off", f"{type(error).__name__}: {error}", outcome="broken") from None

    async def _post(self, url: str, body: bytes, webhook_id: str) -> Answer:
        # The connection pool would keep cookies of one answer for the next person's question.
        self._http.cookies.clear()
        headers = signature.headers(webhook_id, datetime.now(UTC), body, self._secrets)
        async with self._http.stream("POST", url, content=body, headers=headers) as response:
            fields, answer = response.headers, bytearray()
            encoded = fields.get("Content-Encoding", "identity").lower() != "identity"
            # An encoded one too, which nobody reads: it may break off.
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    break
            whole = len(answer) <= MAX_ANSWER_BYTES and not encoded
            said = b"" if encoded else bytes(answer[:MAX_ANSWER_BYTES])
            return Answer(response.status_code, said, whole, fields.get("Retry-After", ""), fields.get("Date", ""))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


def _not_connected(cause: str) -> WebhookError:
    # httpx hands on what OpenSSL says, and nothing else that would tell a failure of TLS from another.
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return WebhookError("its certificate is not accepted", cause, outcome="tls")
    if cause.startswith("[SSL"):
        return WebhookError("it speaks no TLS that can be used", cause, outcome="tls")
    return WebhookError("it cannot be reached", cause or "no connection", outcome="unreachable")
