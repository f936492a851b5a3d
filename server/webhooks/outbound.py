"""Outgoing connections of webhooks: the certificate authorities that they trust, and the proxy."""

import ssl
from pathlib import Path

import httpx

from server.rules import hosts
from server.settings import SettingsError, WebhookSecurity
from server.webhooks.targets import ForbiddenTargetError, GuardedTransport, connecting, forbidden


def trust(security: WebhookSecurity) -> ssl.SSLContext:
    """Return the TLS context of webhooks. It trusts httpx's own roots, whatever the environment says, and CAFile.

    Raises SettingsError if the file cannot be used.
    """
    context = httpx.create_ssl_context(trust_env=False)
    if file := security.ca_file:
        try:
            Path(file).read_bytes()
            context.load_verify_locations(file)
        except ssl.SSLError:
            raise SettingsError(
                f"WebhookSecurity.CAFile: {file} has no certificates; name a PEM file with those of your authority"
            ) from None
        except OSError as error:
            raise SettingsError(
                f"WebhookSecurity.CAFile: reading {file} failed: {error.strerror}; name a readable PEM file"
            ) from None
        # A certificate that the administrator names is trusted even if it is not a root.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def transport(security: WebhookSecurity, tls: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    """Return the transport of a webhook; `tls` defaults to `trust(security)`, which may raise SettingsError."""
    context = tls or trust(security)
    if security.proxy:
        return ProxiedTransport(httpx.URL(security.proxy.reveal()), context, block_private=security.block_private)
    return GuardedTransport(connecting(context), block_private=security.block_private)


def forbidden_through_proxy(host: str, *, block_private: bool) -> str | None:
    """Return why a webhook may not be sent to a host through a proxy; None if it may.

    Only an address in the URL can be checked: names are resolved by the proxy, perhaps to other addresses than here.
    """
    try:
        return forbidden("127.0.0.1" if hosts.is_localhost(host) else host, block_private=block_private)
    except ValueError:
        return None


def shown(proxy: httpx.URL) -> str:
    """Return the host and port of a proxy, without its password."""
    return f"{proxy.raw_host.decode()} port {proxy.port or (443 if proxy.scheme == 'https' else 80)}"


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Sends requests through a proxy: http as they are, https in a tunnel with TLS to the site itself."""

    def __init__(self, proxy: httpx.URL, tls: ssl.SSLContext, *, block_private: bool) -> None:
        self._shown = shown(proxy)
        self._block_private = block_private
        self._inner = httpx.AsyncHTTPTransport(
            verify=tls,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            proxy=httpx.Proxy(proxy, ssl_context=tls if proxy.scheme == "https" else None),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises ForbiddenTargetError, or any error of httpx."""
        host = request.url.raw_host.decode()
        if reason := forbidden_through_proxy(host, block_private=self._block_private):
            raise ForbiddenTargetError(reason)
        try:
            return await self._inner.handle_async_request(request)
        except httpx.ProxyError as error:
            raise httpx.ConnectError(f"the proxy {self._shown} refused: {error}") from None
        except httpx.ConnectError as error:
            raise httpx.ConnectError(f"{error} (through the proxy {self._shown})") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
