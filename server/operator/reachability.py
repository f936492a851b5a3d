"""Checks whether a webhook's site is reachable: name, port and certificate. Sends no request to the site."""

import asyncio
import ipaddress
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple, cast
from urllib.parse import unquote_to_bytes

import httpx

from server.operator.certificate import days_until_end
from server.protocol.errors import FlagpostError
from server.settings import WebhookSecurity
from server.webhooks import outbound
from server.webhooks.targets import forbidden

TIMEOUT_SECONDS = 5.0
UNKNOWN_AUTHORITY = {18, 19, 20, 21}
"""OpenSSL's codes for a certificate, or its authority, that is not signed by a trusted authority."""


class Unreachable(FlagpostError):  # noqa: N818 - a finding, not an error
    """The site is not reachable; the text says why, and what to do."""


class Reached(NamedTuple):
    """A reachable site; `address` accepted the connection, `certificate_days` is None without TLS."""

    host: str
    port: int
    milliseconds: int
    certificate_days: int | None
    addresses: Sequence[str] = ()
    refused: Sequence[str] = ()
    address: str = ""
    proxy: str = ""
    """The proxy, if the connection uses one; then there are no addresses."""

    @property
    def loopback(self) -> bool:
        """Return whether all addresses are on this machine."""
        return bool(self.addresses) and all(map(_is_local, self.addresses))


async def reach(url: str, tls: ssl.SSLContext, security: WebhookSecurity) -> Reached:
    """Resolve, connect and do the TLS handshake like a webhook, then disconnect. Raises Unreachable."""
    # Parse the URL like the HTTP client.
    site, began = httpx.URL(url), monotonic()
    host, port = site.raw_host.decode(), site.port or (443 if site.scheme == "https" else 80)
    context = tls if site.scheme == "https" else None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            if security.proxy:
                if reason := outbound.forbidden_through_proxy(host, block_private=security.block_private):
                    raise _not_allowed(host, reason)
                proxy = httpx.URL(security.proxy.reveal())
                days = await _through(proxy, tls, host, port, context)
                return Reached(host, port, _since(began), days, proxy=outbound.shown(proxy))
            addresses = await _resolve(host, port)
            reasons = {each: forbidden(each, block_private=security.block_private) for each in addresses}
            allowed = [each for each in addresses if not reasons[each]]
            refused = [reason for reason in reasons.values() if reason]
            if not allowed:
                raise _not_allowed(host, refused[0])
            address, days = await _connect(host, allowed, port, context)
    except TimeoutError:
        why = f"{host} port {port} did not answer within {TIMEOUT_SECONDS:.0f} s"
        raise Unreachable(f"{why}; check that the site is up, and that no firewall blocks it") from None
    return Reached(host, port, _since(began), days, addresses, refused, address)


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)


def _not_allowed(host: str, reason: str) -> Unreachable:
    advice = (
        "change URL, or set BlockPrivate = false in [WebhookSecurity]" if "BlockPrivate" in reason else "change URL"
    )
    return Unreachable(f"{host} is not allowed: {reason}; {advice}")


async def _through(
    proxy: httpx.URL, trusted: ssl.SSLContext, host: str, port: int, tls: ssl.SSLContext | None
) -> int | None:
    """Connect to a proxy, and for https through it to the site; return the days until the site's certificate expires.

    Return None for http, where only a request would show whether the proxy reaches the site.
    """
    where = outbound.shown(proxy)
    try:
        reader, writer = await asyncio.open_connection(
            proxy.raw_host.decode(),
            proxy.port or (443 if proxy.scheme == "https" else 80),
            ssl=trusted if proxy.scheme == "https" else None,
        )
    except OSError as error:
        raise Unreachable(f"the proxy {where} cannot be reached: {_why(error)}; check Proxy") from None
    try:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if tls is None:
            return None
        writer.write(_connect_request(target, proxy.userinfo))
        if problem := _refused((await reader.readuntil(b"\r\n\r\n")).split()[1:2]):
            raise Unreachable(f"the proxy {where} does not connect to {target}: {problem}; check Proxy and URL")
        with _tls_failures(host, f"{target} through the proxy"):
            await writer.start_tls(tls, server_hostname=host)
        return _days(writer)
    except (OSError, EOFError, asyncio.LimitOverrunError):
        raise Unreachable(f"the proxy {where} closed the connection; check Proxy and URL") from None
    finally:
        writer.close()


def _connect_request(target: str, userinfo: bytes) -> bytes:
    login = b":".join(unquote_to_bytes(part) for part in userinfo.partition(b":")[::2])
    credentials = f"Proxy-Authorization: Basic {b64encode(login).decode()}\r\n" if userinfo else ""
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n".encode()


def _refused(status: list[bytes]) -> str | None:
    """Return the answer to a CONNECT request, in words, if it is a refusal; None if it is not."""
    if status == [b"200"]:
        return None
    return f"it answered {status[0].decode(errors='replace') if status else 'nothing'}"


def _days(writer: asyncio.StreamWriter) -> int | None:
    """Return the days until the peer's certificate expires; None without TLS."""
    certificate = cast("dict[str, object] | None", writer.get_extra_info("peercert"))
    return days_until_end(certificate) if certificate else None


@contextmanager
def _tls_failures(host: str, where: str) -> Iterator[None]:
    """Turn errors of a TLS handshake into findings."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        advice = "renew it or complete its chain"
        if error.verify_code in UNKNOWN_AUTHORITY:
            advice += "; if your own authority signed it, set CAFile in [WebhookSecurity]"
        raise Unreachable(f"the certificate of {host} is not trusted: {error.verify_message}; {advice}") from None
    except ssl.SSLError as error:
        raise Unreachable(
            f"the TLS handshake with {where} failed: {error.reason}; check that it is an https port"
        ) from None


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = str(error.strerror) if isinstance(error, OSError) else "not a host name"
        raise Unreachable(f"{host} cannot be resolved: {why}; check the URL and this machine's DNS") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_local(address: str) -> bool:
    """Return whether connecting to an address stays on this machine."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (inner or found).is_loopback or (inner or found).is_unspecified


async def _connect(host: str, addresses: list[str], port: int, tls: ssl.SSLContext | None) -> tuple[str, int | None]:
    """Return the first address that accepts a connection, and the days until its certificate expires."""
    failure = Unreachable(f"{host} has no address; check the URL and this machine's DNS")
    for address in addresses:
        try:
            with _tls_failures(host, f"{address} port {port}"):
                _, writer = await asyncio.open_connection(address, port, ssl=tls, server_hostname=host if tls else None)
        except Unreachable as error:
            failure = error
        except OSError as error:
            failure = Unreachable(
                f"{address} port {port} cannot be reached: {_why(error)}; check the URL, and that the site is up"
            )
        else:
            days = _days(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return address, days
    raise failure


def _why(error: OSError) -> str:
    # asyncio's text would only repeat the address.
    return os.strerror(error.errno) if error.errno else str(error)
