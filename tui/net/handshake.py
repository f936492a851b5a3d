"""Explanations for an HTTP response in place of a websocket, in one line for the user."""

from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from websockets.http11 import Response

from tui.net import server_address
from tui.text import clean_line

MAX_SHOWN_CHARS = 200
"""Maximum length of a shown address that a server chose."""
WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}


def refused(url: str, response: Response) -> str:
    """Explain a response by its status; its body is not quoted, because anybody may have written it."""
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "the server accepts no more connections from your address at the moment"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        # Check all of them: a header may occur twice.
        for location in response.headers.get_all("Location"):
            if target := _target(url, location):
                return f"the server at {_host(url)} has moved to {target}; start with that address"
    return f"the server there is not a Flagpost server (status {status}); check the address"


def _target(url: str, location: str) -> str | None:
    """Return the address that a redirect names, fit to be shown and typed; None if it cannot be a server."""
    try:
        parts = urlsplit(urljoin(url, clean_line(location).strip()))
        scheme = WEBSOCKET_SCHEMES.get(parts.scheme, parts.scheme)
        target = server_address.without_userinfo(parts._replace(scheme=scheme, fragment="").geturl())
    except ValueError:
        return None
    if server_address.fault(target) or len(target) > server_address.MAX_URL_CHARS:
        return None
    insecure = " (which is not encrypted)" if urlsplit(url).scheme == "wss" and scheme == "ws" else ""
    return (target if len(target) <= MAX_SHOWN_CHARS else f"{target[: MAX_SHOWN_CHARS - 1]}…") + insecure


def _host(url: str) -> str:
    return urlsplit(server_address.shown(url)).netloc
