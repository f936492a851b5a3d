"""Where a webhook may go: a name is judged by its addresses of the moment, and connected to the very one judged."""

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

Resolve = Callable[[str], Awaitable[list[str]]]
"""A host -> its addresses, the best first; OSError if it has none."""

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
"""Where machines of a cloud are told their own credentials."""

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
        # All but 2000::/3, which is where addresses of the internet are.
        ("::/3", "a reserved"),
        ("4000::/2", "a reserved"),
        ("8000::/1", "a reserved"),
    )
]
"""What is not the internet; the first that fits counts."""

TRANSLATED = (
    IPv6Network("::ffff:0:0/96"),  # mapped: the kernel speaks IPv4
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("2002::/16"),  # 6to4
)
"""As public as the IPv4 address within."""

CARRIES_IPV4_LAST = (
    *TRANSLATED[:2],
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a network's own
    IPv6Network("::ffff:0:0:0/96"),  # SIIT
    IPv6Network("::/96"),  # IPv4-compatible
)


class ForbiddenTargetError(httpx.TransportError):
    """A webhook's host has no address that webhooks may go to; the text says which rule forbids it."""


def forbidden(address: str, *, block_private: bool) -> str:
    """Why no webhook may go to an IP address (a zone may follow after %), or empty; forms of IPv4 within IPv6 count."""
    outer = ip_address(address.partition("%")[0])
    inner = _ipv4_within(outer) if isinstance(outer, IPv6Address) else None
    if METADATA & {outer, inner}:
        return f"{address} is a metadata address of a cloud, which is never allowed"
    if not block_private:
        return ""
    judged = inner if inner and any(outer in network for network in TRANSLATED) else outer
    kind = next((kind for network, kind in KINDS if judged in network), "")
    return f"{address} is {kind} address, and BlockPrivate is on" if kind else ""


def _ipv4_within(address: IPv6Address) -> IPv4Address | None:
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in CARRIES_IPV4_LAST):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


async def resolve(host: str) -> list[str]:
    """The addresses of a host, in the order in which the system would try them; OSError if it has none.

    A thread for each: in the few that a loop has, a name whose servers are silent would hold up every other, and the
    end of the process too.
    """
    found: Future[list[str]] = Future()
    # From here on nothing cancels it: what nobody waits for any more is dropped when it comes.
    found.set_running_or_notify_cancel()
    threading.Thread(target=_look_up, args=(host, found), name="resolver", daemon=True).start()
    return await asyncio.wrap_future(found)


def _look_up(host: str, found: Future[list[str]]) -> None:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        found.set_exception(OSError(f"{host} is no host name"))
    except OSError as error:
        found.set_exception(error)
    else:
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in entries)))


def tls_context() -> ssl.SSLContext:
    """Whom webhooks trust: the roots that httpx comes with, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)


def connecting(tls: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """Connects anew for each request: a kept connection is found by its address, and TLS verified it for one name."""
    return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves a host itself and connects to an address that was checked, so that nothing can be resolved anew between.

    TLS still verifies the name, which travels as `sni_hostname` and in Host.
    """

    def __init__(
        self, *, block_private: bool, inner: httpx.AsyncBaseTransport | None = None, resolve: Resolve = resolve
    ) -> None:
        self._block_private = block_private
        self._inner = inner or connecting(tls_context())
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Try the allowed addresses until one connects. ForbiddenTargetError if there is none, else as httpx raises."""
        allowed = await self._allowed(request.url.raw_host.decode())
        tries = [_pinned(request, address, 1 / len(allowed)) for address in allowed]
        for attempt in tries[:-1]:
            # Nothing of a request is sent before a connection is there, so that the next one does not repeat it.
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._inner.handle_async_request(attempt)
        return await self._inner.handle_async_request(tries[-1])

    async def _allowed(self, host: str) -> list[str]:
        try:
            addresses = await self._resolve(host)
        except OSError as error:
            raise httpx.ConnectError(f"the name of its host is not known: {error}") from error
        reasons = {address: forbidden(address, block_private=self._block_private) for address in addresses}
        allowed = [address for address, reason in reasons.items() if not reason]
        if not allowed:
            raise ForbiddenTargetError("; ".join(reasons.values()))
        return allowed

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._inner.aclose()


def _pinned(request: httpx.Request, address: str, share: float) -> httpx.Request:
    """The request to one address, which has that share of the time to connect; TLS still verifies the host's name."""
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
    """Closes a connection whose TLS handshake is cancelled: httpcore leaves it open for as long as the site does."""

    _stream: object = None

    async def follow(self, event: str, info: Mapping[str, object]) -> None:
        """Take what the request extension "trace" tells of a connection."""
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed" and isinstance(self._stream, _Stream):
            await self._stream.aclose()
