"""Access control for HTTP requests: the site with its key, and the administrator's programs on this machine."""

import logging
from http import HTTPStatus

from starlette.requests import Request

from server.handlers.dispatch import Dispatcher
from server.rules import addresses
from server.rules.refusal import Refusal
from server.rules.requests import RefusedRequest

FORWARDING = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host", "x-forwarded-proto")
"""Headers that proxies add: a request with one of them does not come from this machine."""
WRONG_KEY = "Wrong APIKey. Send AdminAPIKey from the server's settings."

log = logging.getLogger(__name__)


class Access:
    """Checks requests against the current settings."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def check_key(self, request: Request, key: str) -> None:
        """Raise RefusedRequest if this is not a key of the site, or if the address has sent too many wrong keys."""
        limiter, (peer, forwarded) = self._dispatcher.limiter, _origin(request)
        address = limiter.client_address(peer, forwarded)
        right = self._dispatcher.live.site_keys.accepts(key)
        # A correct key is always accepted from an exempt address: otherwise one program of the site with an old key
        # would lock out the others.
        if right and not limiter.client_key(peer, forwarded):
            return
        try:
            limiter.check_wrong_keys(address)
        except Refusal as refusal:
            self._dispatcher.hub.traffic.wrong_keys += not right
            raise RefusedRequest(HTTPStatus.TOO_MANY_REQUESTS, refusal.message, refusal.retry_after) from None
        if right:
            return
        self._dispatcher.hub.traffic.wrong_keys += 1
        if limiter.count_wrong_key(address):
            log.warning("a request had a wrong API key", extra={"address": address, "path": request.url.path})
        raise RefusedRequest(HTTPStatus.FORBIDDEN, WRONG_KEY)

    def is_trusted(self, request: Request) -> bool:
        """Return whether the response may contain names and details. Raises RefusedRequest for a wrong key."""
        if key := _given_key(request):
            self.check_key(request, key)
            return True
        return _is_local(request)


def _origin(request: Request) -> tuple[str, list[str]]:
    """Return the peer's address ("" on a Unix socket) and the X-Forwarded-For headers."""
    return request.client.host if request.client else "", request.headers.getlist("x-forwarded-for")


def _given_key(request: Request) -> str:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else request.headers.get("adminapikey", "")


def _is_local(request: Request) -> bool:
    """Return whether a request comes directly from a program on this machine, without a proxy."""
    if any(name in request.headers for name in FORWARDING):
        return False
    peer, _ = _origin(request)
    return not peer or addresses.is_loopback(peer)
