"""Client addresses: found behind trusted proxies, and grouped for limits."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

HOME_BITS = 64
"""Prefix length that counts as one IPv6 address: a customer gets at least this much (RFC 6177)."""

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(texts: Iterable[str]) -> Networks:
    """Parse addresses and networks like "192.0.2.0/24". Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """Return the address that a connection comes from; empty if the peer has none.

    `forwarded` are the X-Forwarded-For headers in order. Each proxy appends the address of its own peer, so addresses
    are read from the right, as long as the proxy that wrote them is trusted.
    """
    found = _read(peer)
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    while found and hops and within(found, trusted):
        # If a trusted proxy did not write a valid address, the proxy itself counts.
        before = _read(hops.pop())
        if before is None:
            break
        found = before
    return str(found) if found else ""


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
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if found.version == 6 else found
