"""Checks the head of HTTP requests: the body needs a stated, bounded length, and the Host must be known."""

import re
from collections.abc import Collection
from http import HTTPStatus

from server.protocol.errors import Verdict
from server.rules import hosts

MAX_BODY_BYTES = 64 * 1024

LENGTH = re.compile(rb"^content-length:(.*)$", re.IGNORECASE | re.MULTILINE)
TRANSFER = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)
DIGITS = re.compile(rb"[0-9]{1,20}")


class RefusedRequest(Verdict):
    """A request that is answered at once with this status and message."""

    def __init__(self, status: HTTPStatus, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def check_body(head: bytes) -> None:
    """Raise RefusedRequest if the head announces a body that cannot be read.

    `head` is raw, because parsers merge repeated lengths, and a proxy may have used another one of them.
    """
    lengths = [value.strip() for value in LENGTH.findall(head)]
    chunked = TRANSFER.search(head) is not None
    if len(lengths) + chunked > 1 or not all(map(DIGITS.fullmatch, lengths)):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "Send one Content-Length with a number, and no Transfer-Encoding.")
    if chunked:
        raise RefusedRequest(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length; chunked bodies are not supported.")
    if lengths and int(lengths[0]) > MAX_BODY_BYTES:
        raise RefusedRequest(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is too large; the limit is {MAX_BODY_BYTES} bytes."
        )


def check_host(host: str, names: Collection[str]) -> None:
    """Raise RefusedRequest if the Host header is not one of the server's names."""
    if not hosts.allowed(host, names):
        raise RefusedRequest(
            HTTPStatus.MISDIRECTED_REQUEST,
            "The name in the Host header is not known here; add it to AllowedHosts in the settings.",
        )
