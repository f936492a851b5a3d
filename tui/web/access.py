"""Rules of access to the page, as pure functions of a request's headers."""

import hmac
from collections.abc import Sequence

from msgspec import Struct

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - only recognised here
HTTP_PORT = 80

FOREIGN_HOST = "This page is not served under that host name. Open the URL that the terminal printed."
FOREIGN_PAGE = "Other pages cannot connect to this one. Open the URL that the terminal printed."
NO_TOKEN = "The token is missing or wrong. Copy the URL that the terminal printed into the address bar."  # noqa: S105


class PageAccess(Struct, frozen=True):
    """The address that the page is served at, and the token that opens it."""

    host: str
    port: int
    machine: str
    """The host name of this machine."""
    token: str

    def __repr__(self) -> str:
        # Crash reports must not contain the token.
        return "PageAccess"

    @property
    def is_local(self) -> bool:
        """Return whether only this machine can reach the address."""
        return self.host in LOOPBACK

    @property
    def cookie(self) -> str:
        """Return the cookie's name, which contains the port: browsers send the cookies of a host to all its ports."""
        return f"flagpost-{self.port}"

    @property
    def url(self) -> str:
        """Return the page's URL without its token."""
        host = self.machine if self.host in WILDCARDS else self.host
        return f"http://{_bracketed(host)}:{self.port}/"

    def foreign(self, hosts: Sequence[str], origins: Sequence[str], reached: str) -> str | None:
        """Return why a request with these headers, to this address of the machine, is refused; None if it is accepted.

        Any web page can open a websocket to this machine, and can make its own domain name resolve to this machine.
        """
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts(reached):
            return FOREIGN_HOST
        if any(origin != f"http://{hosts[0].lower()}" for origin in origins):
            return FOREIGN_PAGE
        return None

    def admits(self, token: str) -> bool:
        """Return whether a token is the right one, in constant time."""
        return hmac.compare_digest(token.encode(errors="surrogatepass"), self.token.encode())

    def _hosts(self, reached: str) -> set[str]:
        """Return the allowed Host headers: the given host, or the address that the connection reached."""
        names = {self.host, reached}
        if self.is_local or self.host in WILDCARDS:
            names |= LOOPBACK
        if self.host in WILDCARDS:
            names.add(self.machine)
        hosts = {f"{_bracketed(name)}:{self.port}".lower() for name in names - {""}}
        if self.port == HTTP_PORT:
            hosts |= {host.removesuffix(f":{HTTP_PORT}") for host in hosts}
        return hosts


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
