"""Whose connection one is: the address behind the proxies that are trusted, and what counts as one address."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

HOME_BITS = 64
"""Of an IPv6 address: what one customer is given at least (RFC 6177), so all of it counts as one."""

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(texts: Iterable[str]) -> Networks:
    """Addresses and networks like "192.0.2.0/24"; ValueError if one is neither."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """The address that a connection comes from; empty if the peer has none.

    `forwarded` are the X-Forwarded-For headers in their order. Each proxy adds the address that it was called from at
    the right; so from there on addresses are believed for as long as the one who wrote them is trusted.
    """
    found = _read(peer)
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    while found and hops and within(found, trusted):
        # What a trusted proxy has not written as an address says nothing; then the proxy itself counts.
        before = _read(hops.pop())
        if before is None:
            break
        found = before
    return str(found) if found else ""


def within(address: str | IPv4Address | IPv6Address, networks: Networks) -> bool:
    """Whether an address belongs to one of them."""
    found = ip_address(address)
    return any(found in network for network in networks)


def counted(address: str) -> str:
    """What stands for an address where connections are counted: itself, or its network of 64 bits."""
    found = ip_address(address)
    return str(ip_network((found, HOME_BITS), strict=False)) if found.version == 6 else address


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address without zone, in its IPv4 form if it has one."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if found.version == 6 else found
