"""Checks whether a webhook's site is reachable: name, port and certificate. Sends nothing."""

import asyncio
import ipaddress
import os
import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, cast

import httpx

from server.operator.certificate import days_until_end
from server.protocol.errors import FlagpostError
from server.webhooks.targets import forbidden

TIMEOUT_SECONDS = 5.0


class Unreachable(FlagpostError):  # noqa: N818 - a finding, not a fault
    """The site is not reachable; the text says why, and what to do."""


class Reached(NamedTuple):
    """A reachable site; `address` accepted the connection, `certificate_days` is None without TLS."""

    host: str
    port: int
    addresses: list[str]
    refused: list[str]
    address: str
    milliseconds: int
    certificate_days: int | None

    @property
    def loopback(self) -> bool:
        """Return whether all addresses are on this machine."""
        return all(map(_is_local, self.addresses))


async def reach(url: str, tls: ssl.SSLContext, *, block_private: bool) -> Reached:
    """Resolve, connect and do the TLS handshake like a webhook, then disconnect. Raises Unreachable."""
    # Read by the client that will use it.
    site, began = httpx.URL(url), monotonic()
    host, port = site.raw_host.decode(), site.port or (443 if site.scheme == "https" else 80)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            addresses = await _resolve(host, port)
            reasons = {each: forbidden(each, block_private=block_private) for each in addresses}
            allowed = [each for each in addresses if not reasons[each]]
            refused = [reason for reason in reasons.values() if reason]
            if not allowed:
                blocked = any("BlockPrivate" in reason for reason in refused)
                advice = "change URL, or set BlockPrivate = false in [WebhookSecurity]" if blocked else "change URL"
                raise Unreachable(f"{host} is not allowed: {refused[0]}; {advice}")
            address, days = await _connect(host, allowed, port, tls if site.scheme == "https" else None)
    except TimeoutError:
        why = f"{host} port {port} did not answer within {TIMEOUT_SECONDS:.0f} s"
        raise Unreachable(f"{why}; check that the site is up, and that no firewall blocks it") from None
    return Reached(host, port, addresses, refused, address, round((monotonic() - began) * 1000), days)


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
    failure = ""
    for address in addresses:
        try:
            _, writer = await asyncio.open_connection(address, port, ssl=tls, server_hostname=host if tls else None)
        except ssl.SSLCertVerificationError as error:
            failure = (
                f"the certificate of {host} is not trusted: {error.verify_message}; renew it or complete its chain"
            )
        except ssl.SSLError as error:
            failure = (
                f"the TLS handshake with {address} port {port} failed: {error.reason}; check that it is an https port"
            )
        except OSError as error:
            failure = f"{address} port {port} cannot be reached: {_why(error)}; check the URL, and that the site is up"
        else:
            certificate = cast("dict[str, object] | None", writer.get_extra_info("peercert"))
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return address, days_until_end(certificate) if tls and certificate else None
    raise Unreachable(failure)


def _why(error: OSError) -> str:
    # asyncio's own text only repeats the address.
    return os.strerror(error.errno) if error.errno else str(error)
