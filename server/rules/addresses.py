"""Client addresses: found behind trusted proxies, and grouped for limits."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

UNREADABLE = "unreadable"
"""Replaces the address of a client whose trusted proxy wrote something that is not an address."""
ADDRESSES = 1_024
"""Number of parsed addresses to cache, because a connection's address is parsed several times."""
LONGEST = 45
"""Maximum length of an address: IPv6 with all of its zeros, and IPv4 at its end."""
HOME_BITS = 64
"""Prefix length that counts as one IPv6 address: a customer gets at least this much (RFC 6177)."""

_WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]+)\](:\d{1,5})?|(?P<v4>[0-9.]+):\d{1,5}")

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(texts: Iterable[str]) -> Networks:
    """Parse addresses and networks like "192.0.2.0/24". Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """Return the address that a connection comes from; empty if the peer has none, UNREADABLE if a proxy hides it.

    `forwarded` are the X-Forwarded-For headers in order. Each proxy appends the address of its own peer, so addresses
    are read from the right, as long as the proxy that wrote them is trusted.
    """
    found = _read(peer)
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    while found and hops and within(found, trusted):
        found = _read_hop(hops.pop())
        if found is None:
            return UNREADABLE
    return str(found) if found else ""


def is_undeclared_proxy(peer: str, forwarded: Sequence[str], trusted: Networks) -> bool:
    """Return whether a peer on this machine or a private network forwards for others, but is not trusted."""
    found = _read(peer)
    return bool(found and forwarded and found.is_private and not within(found, trusted))


def is_loopback(address: str) -> bool:
    """Return whether an address is one of this machine's own."""
    found = _read(address)
    return found is not None and found.is_loopback


def within(address: str | IPv4Address | IPv6Address, networks: Networks) -> bool:
    """Return whether an address belongs to one of the networks."""
    found = ip_address(address)
    return any(found in network for network in networks)


def counted(address: str) -> str:
    """Return the key under which an address is counted: an IPv4 address, or an IPv6 network of 64 bits."""
    found = ip_address(address)
    return str(ip_network((found, HOME_BITS), strict=False)) if found.version == 6 else address


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; drop its zone, and unwrap IPv4 mapped to IPv6."""
    bare = text.partition("%")[0]
    return _parsed(bare) if len(bare) <= LONGEST else None


@lru_cache(maxsize=ADDRESSES)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if found.version == 6 else found


def _read_hop(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address as proxies write it: possibly in quotes or brackets, and with a port."""
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    bare = text[1:-1].strip() if quoted else text
    match = _WITH_PORT.fullmatch(bare)
    return _read(match["v6"] or match["v4"] if match else bare)
