"""Restricts where webhooks connect: a host is resolved once, and connections use only an address that was checked."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol, runtime_checkable

import httpx

from server.protocol.errors import FlagpostError

Resolve = Callable[[str], Awaitable[list[str]]]
"""Resolves a host to its addresses, the best one first. Raises OSError."""

METADATA = {
    ip_address(address)
    for address in (
        "169.254.169.254",  # Amazon, Google, Azure, Oracle, DigitalOcean, Hetzner, ...
        "fd00:ec2::254",  # Amazon
        "169.254.170.2",  # Amazon: containers
        "169.254.170.23",  # Amazon: Kubernetes
        "fd00:ec2::23",  # Amazon: Kubernetes
        "fd20:ce::254",  # Google
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "169.254.0.23",  # Tencent
        "169.254.42.42",  # Scaleway
        "fd00:42::42",  # Scaleway
        "fe80::a9fe:a9fe",  # OpenStack
    )
}
"""Addresses from which machines in a cloud get their credentials."""

KINDS = [
    (ip_network(network), kind)
    for network, kind in (
        # IANA's registries of special-purpose addresses.
        ("0.0.0.0/8", "an unspecified"),
        ("10.0.0.0/8", "a private"),
        ("100.64.0.0/10", "a carrier's (CGNAT)"),
        ("127.0.0.0/8", "a loopback"),
        ("169.254.0.0/16", "a link-local"),
        ("172.16.0.0/12", "a private"),
        ("192.0.0.0/24", "a reserved"),
        ("192.0.2.0/24", "a reserved"),
        ("192.88.99.0/24", "a reserved"),
        ("192.168.0.0/16", "a private"),
        ("198.18.0.0/15", "a reserved"),
        ("198.51.100.0/24", "a reserved"),
        ("203.0.113.0/24", "a reserved"),
        ("224.0.0.0/4", "a multicast"),
        ("240.0.0.0/4", "a reserved"),
        ("::/128", "an unspecified"),
        ("::1/128", "a loopback"),
        ("fc00::/7", "a private"),
        ("fe80::/10", "a link-local"),
        ("fec0::/10", "a private"),
        ("ff00::/8", "a multicast"),
        ("2001::/23", "a reserved"),
        ("2001:db8::/32", "a reserved"),
        ("3fff::/20", "a reserved"),
        # All except 2000::/3, which has the addresses of the internet.
        ("::/3", "a reserved"),
        ("4000::/2", "a reserved"),
        ("8000::/1", "a reserved"),
    )
]
"""Networks that are not public; the first match counts."""

TRANSLATED = (
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped: the kernel connects by IPv4
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("2002::/16"),  # 6to4
)
"""Networks whose addresses are as public as the IPv4 address in them."""

CARRIES_IPV4_LAST = (
    *TRANSLATED[:2],
    IPv6Network("64:ff9b:1::/48"),  # NAT64 with a local prefix
    IPv6Network("::ffff:0:0:0/96"),  # SIIT
    IPv6Network("::/96"),  # IPv4-compatible
)
"""Networks whose addresses end with an IPv4 address."""


class ForbiddenTargetError(FlagpostError, httpx.TransportError):
    """A webhook's host has no allowed address; the text names the rule."""


def forbidden(address: str, *, block_private: bool) -> str | None:
    """Return why webhooks may not connect to an IP address, with or without a zone. Checks IPv4 inside IPv6 as well."""
    outer = ip_address(address.partition("%")[0])
    inner = _ipv4_within(outer) if isinstance(outer, IPv6Address) else None
    if METADATA & {outer, inner}:
        return f"{address} is a cloud's metadata address, which is never allowed"
    if not block_private:
        return None
    judged = inner if inner and any(outer in network for network in TRANSLATED) else outer
    kind = next((kind for network, kind in KINDS if judged in network), None)
    return f"{address} is {kind} address, and BlockPrivate is on" if kind else None


def _ipv4_within(address: IPv6Address) -> IPv4Address | None:
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in CARRIES_IPV4_LAST):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


async def resolve(host: str) -> list[str]:
    """Resolve a host to its addresses, in the system's order of preference. Raises OSError.

    Each call has its own thread: in the loop's small pool, a name whose name servers do not answer would delay all
    other calls, and the exit of the process.
    """
    found: Future[list[str]] = Future()
    # The future cannot be cancelled from now on; a result that nobody awaits is dropped.
    found.set_running_or_notify_cancel()
    threading.Thread(target=_look_up, args=(host, found), name="resolver", daemon=True).start()
    return await asyncio.wrap_future(found)


def _look_up(host: str, found: Future[list[str]]) -> None:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        found.set_exception(OSError(f"{host} is not a host name"))
    except OSError as error:
        found.set_exception(error)
    else:
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in entries)))


def connecting(tls: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """Return a transport without keep-alive.

    A connection kept alive would serve all names with the same address, although TLS verified only one of them.
    """
    return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves a host, checks the addresses, and connects to a checked one, so that it is not resolved again.

    TLS still verifies the name, which is passed as `sni_hostname` and in the Host header.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, block_private: bool, resolve: Resolve = resolve) -> None:
        """`inner` connects to the addresses that are allowed."""
        self._block_private = block_private
        self._inner = inner
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Try the allowed addresses until one connects. Raises ForbiddenTargetError, or any error of httpx."""
        allowed = await self._allowed(request.url.raw_host.decode())
        tries = [_pinned(request, address, 1 / len(allowed)) for address in allowed]
        for attempt in tries[:-1]:
            # Safe to retry, because nothing is sent before the connection is established.
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._inner.handle_async_request(attempt)
        return await self._inner.handle_async_request(tries[-1])

    async def _allowed(self, host: str) -> list[str]:
        try:
            addresses = await self._resolve(host)
        except OSError as error:
            raise httpx.ConnectError(f"its host name cannot be resolved: {error}") from error
        reasons = {address: forbidden(address, block_private=self._block_private) for address in addresses}
        allowed = [address for address, reason in reasons.items() if not reason]
        if not allowed:
            raise ForbiddenTargetError("; ".join(filter(None, reasons.values())))
        return allowed

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _pinned(request: httpx.Request, address: str, share: float) -> httpx.Request:
    """Direct a request to one address, with a share of the time to connect; TLS still verifies the host's name."""
    timeout = dict(request.extensions.get("timeout", {}))
    if timeout.get("connect") is not None:
        timeout["connect"] *= share
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={
            **request.extensions,
            "timeout": timeout,
            "sni_hostname": request.url.raw_host.decode(),
            "trace": _Handshake().follow,
        },
    )


@runtime_checkable
class _Stream(Protocol):
    async def aclose(self) -> None: ...


class _Handshake:
    """Closes a connection whose TLS handshake is cancelled; httpcore leaves it open until the site closes it."""

    _stream: object = None

    async def follow(self, event: str, info: Mapping[str, object]) -> None:
        """Handle an event of the request extension "trace"."""
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed" and isinstance(self._stream, _Stream):
            await self._stream.aclose()
