"""Which HTTP requests are handled at all, by their heads: bodies have a stated, bounded length, and Host is known."""

import re
from collections.abc import Collection
from http import HTTPStatus

from server.rules import hosts

MAX_BODY_BYTES = 64 * 1024

LENGTH = re.compile(rb"^content-length:(.*)$", re.IGNORECASE | re.MULTILINE)
TRANSFER = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)
DIGITS = re.compile(rb"[0-9]{1,20}")


class RefusedRequest(Exception):  # noqa: N818 - a verdict, not a fault
    """A request that is answered with this status and line before anything else is done for it."""

    def __init__(self, status: HTTPStatus, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def check_body(head: bytes) -> None:
    """Raise RefusedRequest if the head announces a body that is not read.

    `head` is as it was sent, because parsers join equal lengths, and a proxy may have read another one.
    """
    lengths = [value.strip() for value in LENGTH.findall(head)]
    chunked = TRANSFER.search(head) is not None
    if len(lengths) + chunked > 1 or not all(map(DIGITS.fullmatch, lengths)):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "Content-Length is one number; send it once, and without chunks.")
    if chunked:
        raise RefusedRequest(HTTPStatus.LENGTH_REQUIRED, "A body needs a Content-Length; send it without chunks.")
    if lengths and int(lengths[0]) > MAX_BODY_BYTES:
        raise RefusedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {MAX_BODY_BYTES} bytes.")


def check_host(host: str, names: Collection[str]) -> None:
    """Raise RefusedRequest if the request calls the server by a name that is not among its names."""
    if not hosts.allowed(host, names):
        raise RefusedRequest(
            HTTPStatus.MISDIRECTED_REQUEST,
            "This server does not know the name in the Host header; add it to AllowedHosts in its settings.",
        )
