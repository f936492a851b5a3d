"""One POST to the site: a deadline around all of it, a cap on the answer, no redirects; nothing else knows httpx."""

import asyncio
from typing import NamedTuple

import httpx

from server import __version__

DEADLINE_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Flagpost/{__version__}",
    # A compressed answer could grow to anything before its size can be counted.
    "Accept-Encoding": "identity",
}


class Answer(NamedTuple):
    """What the site answered: HTTP status and body, if all of it could be taken."""

    status: int
    body: bytes | None


class WebhookError(Exception):
    """The site gave no usable answer; the text says to people what it did, `cause` says more to the operator's log."""

    def __init__(self, message: str, cause: str, words: str = "") -> None:
        """`words`: what the site itself said about it."""
        super().__init__(message)
        self.cause = cause
        self.words = words


class WebhookClient:
    """Posts to the site; a test hands in another transport."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._http = httpx.AsyncClient(
            transport=transport,
            headers=HEADERS,
            timeout=deadline_seconds,
            trust_env=False,
            follow_redirects=False,
        )

    async def post(self, url: str, body: bytes) -> Answer:
        """The answer, whatever its status; WebhookError if none came in time, or it broke off."""
        try:
            # httpx counts its timeouts per read: a site that drips could hold a call for ever.
            async with asyncio.timeout(self._deadline_seconds):
                return await self._post(url, body)
        except (TimeoutError, httpx.TimeoutException):
            raise WebhookError("it did not answer in time", "timed out") from None
        except httpx.ConnectError as error:
            raise WebhookError("it cannot be reached", str(error) or "no connection") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise WebhookError("its answer broke off", f"{type(error).__name__}: {error}") from None

    async def _post(self, url: str, body: bytes) -> Answer:
        # The connection pool would keep cookies of one answer for the next person's question.
        self._http.cookies.clear()
        async with self._http.stream("POST", url, content=body) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                return Answer(response.status_code, None)
            answer = bytearray()
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    return Answer(response.status_code, None)
            return Answer(response.status_code, bytes(answer))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()
