"""Where a webhook may connect to, decided by the address that its host resolves to."""

import asyncio
import ipaddress
import socket
import ssl
from ipaddress import IPv4Address, IPv6Address

import httpx

METADATA = {
    ipaddress.ip_address(each) for each in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
}
"""Where clouds tell a machine its secrets; no website is there."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenTargetError(httpx.ConnectError):
    """The host resolves to nowhere that may be called; the text says by which rule, for the operator."""


def forbidden(address: str, *, block_private: bool) -> str:
    """Why an address, as a resolver gives it, may not be called; empty if it may."""
    ip = _plain(ipaddress.ip_address(address.partition("%")[0]))
    if ip in METADATA:
        return f"{address} is a metadata address of clouds"
    if block_private and not ip.is_global:
        return f"{address} is not a public address, and BlockPrivate is on"
    if block_private and ip.is_multicast:
        return f"{address} is a multicast address, and BlockPrivate is on"
    return ""


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address within an IPv6 one that leads there."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour or ip
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip


def tls_context() -> ssl.SSLContext:
    """Whom webhooks trust: the roots that httpx comes with, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves a host itself and connects to an address that was checked, so that nothing can be resolved anew between.

    TLS still verifies the name, which travels as `sni_hostname` and in Host.
    """

    def __init__(self, *, block_private: bool) -> None:
        self._block_private = block_private
        self._inner = httpx.AsyncHTTPTransport(verify=tls_context(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx; ForbiddenTargetError if no address may be called. The allowed ones are tried in turn."""
        name, failure = request.url.host, httpx.ConnectError("no address")
        for address in await self._allowed(name, request.url.port or (443 if request.url.scheme == "https" else 80)):
            request.url = request.url.copy_with(host=address)
            request.extensions = {**request.extensions, "sni_hostname": name}
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as error:
                failure = error
        raise failure

    async def _allowed(self, host: str, port: int) -> list[str]:
        addresses = await self.resolve(host, port)
        reasons = {address: forbidden(address, block_private=self._block_private) for address in addresses}
        allowed = [address for address in addresses if not reasons[address]]
        if not allowed:
            raise ForbiddenTargetError(next(iter(reasons.values()), "no address"))
        return allowed

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host; httpx.ConnectError if there are none."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} cannot be resolved: {error}") from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._inner.aclose()
