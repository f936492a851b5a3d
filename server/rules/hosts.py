"""Host names accepted in HTTP requests, so that a web page cannot reach the server by DNS rebinding."""

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL = "localhost"
NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?", re.IGNORECASE)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
HOST = re.compile(r"(?P<name>[^:\[\]]+|\[[^\[\]]*\])(?::[0-9]{1,5})?")


def is_name(text: str) -> bool:
    """Return whether the text is a host name in ASCII, without a port."""
    return NAME.fullmatch(text) is not None


def is_target(host: str) -> bool:
    """Return whether a URL's host is a name in ASCII, or an IP address as it is usually written.

    Programs disagree about other hosts that end in a number, such as "0177.0.0.1" or "127.1".
    """
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        labels = host.removesuffix(".").split(".")
        return all(LABEL.fullmatch(label) for label in labels) and not NUMBER.fullmatch(labels[-1])
    return True


def is_localhost(host: str) -> bool:
    """Return whether a name always means the local machine (RFC 6761)."""
    return _plain(host).split(".")[-1] == LOCAL


def known(urls: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """Return the names of a server: the hosts in these URLs, these names, and localhost."""
    found = [LOCAL, *(_ascii(urlsplit(url).hostname or "") for url in urls), *names]
    return frozenset(_plain(name) for name in found if name)


def allowed(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header is acceptable: one of the names, or an IP address, which no page can rebind."""
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"]
    return _plain(name) in names or _is_address(name)


def _ascii(name: str) -> str:
    """Return a name as browsers send it."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    bracketed = name.startswith("[")
    try:
        return (ip_address(name.strip("[]")).version == 6) == bracketed
    except ValueError:
        return False
