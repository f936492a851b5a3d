"""The proxy that the environment names: which one is used, and what to do if it does not work."""

import os
from ipaddress import ip_address, ip_network
from ssl import SSLError
from typing import NamedTuple
from urllib.parse import urlsplit

from websockets.exceptions import InvalidProxy, InvalidProxyStatus, ProxyError
from websockets.proxy import parse_proxy

from server.protocol.errors import OneLineError
from tui.net import unreachable
from tui.net.server_address import is_loopback
from tui.text import clean_line

SCHEMES = ("wss", "https", "all")
"""The schemes whose proxy variables are read; as with curl, the first one that is set applies."""
HTTPS_PORT = 443
SOCKS = "socks5h"
"""The scheme used for "socks://": the proxy resolves the name of the server."""


class ProxyFault(OneLineError):  # noqa: N818 - named after what it is
    """An environment variable has a value that is not the address of a proxy."""


class ChosenProxy(NamedTuple):
    """A proxy, and the variable that names it."""

    url: str
    variable: str

    @property
    def shown(self) -> str:
        """Return the proxy's URL without user name and password."""
        parsed = parse_proxy(self.url)
        return f"{parsed.scheme}://{parsed.host}:{parsed.port}"


def choose(url: str) -> ChosenProxy | None:
    """Return the proxy for a server; None if there is none. Raises ProxyFault if its variable is unusable.

    Only wss:// connections use a proxy: it cannot read them.
    """
    parts = urlsplit(url)
    if parts.scheme != "wss" or is_loopback(parts.hostname):
        return None
    variable = next((found for scheme in SCHEMES if (found := _variable(f"{scheme}_proxy"))), None)
    no_proxy = os.environ.get(_variable("no_proxy") or "", "")
    if variable is None or _is_direct(parts.hostname or "", parts.port or HTTPS_PORT, no_proxy):
        return None
    return ChosenProxy(_usable(os.environ[variable].strip(), variable), variable)


def _variable(name: str) -> str | None:
    """Return a variable's name as spelled in the environment; None if it is not set. Lower case takes precedence."""
    names = [name] if name in os.environ else [each for each in os.environ if each.lower() == name]
    return next((each for each in names if os.environ[each].strip()), None)


def _is_direct(host: str, port: int, no_proxy: str) -> bool:
    """Return whether NO_PROXY names a host: by its name, its domain, its address or network, or `*`."""
    for entry in no_proxy.lower().replace(",", " ").split():
        domain = f".{entry.lstrip('*.')}"
        if entry == "*" or f".{host}".endswith(domain) or f".{host}:{port}".endswith(domain) or _contains(entry, host):
            return True
    return False


def _contains(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _usable(value: str, variable: str) -> str:
    scheme, separator, rest = value.partition("://")
    # As with curl, a proxy without a scheme speaks HTTP.
    proxy = f"{SOCKS if scheme.lower() == 'socks' else scheme.lower()}://{rest}" if separator else f"http://{value}"
    try:
        parse_proxy(proxy)
    except (InvalidProxy, ValueError):
        raise ProxyFault(f"{variable} names no proxy; write it like http://HOST:PORT, or unset it") from None
    return proxy


def explain(proxy: ChosenProxy, server: str, error: Exception) -> str | None:
    """Explain in one line an error that the proxy caused; None if it did not. `server` is the server's URL."""
    host, named = urlsplit(server).hostname, f"the proxy {proxy.shown} ({proxy.variable})"
    instead = f"correct or unset {proxy.variable}, or add {host} to NO_PROXY"
    if isinstance(error, ImportError):
        install = "pipx inject flagpost python-socks, or in a virtual environment: pip install python-socks"
        return f"{named} needs python-socks; run: {install}; or {instead}"
    if isinstance(error, InvalidProxyStatus):
        status = error.response.status_code
        if status == 407:  # Proxy Authentication Required
            return f"{named} asks for a password; write {proxy.variable}=http://NAME:PASSWORD@HOST:PORT"
        return f"{named} does not connect to {host} (status {status}); {instead}"
    if isinstance(error, ProxyError):
        return f"{named} does not answer like a proxy; {instead}"
    if isinstance(error, TimeoutError):
        return f"{named} does not connect in time; {instead}"
    if isinstance(error, SSLError):
        # With an http:// proxy, all TLS is the server's.
        insecure = f"{named} does not support TLS, or its certificate is not valid; {instead}"
        return insecure if proxy.shown.startswith("https") else None
    if isinstance(error, OSError):
        return clean_line(f"{named} cannot be reached: {unreachable.reason(error)}; {instead}")
    return None
