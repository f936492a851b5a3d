"""Checks beyond the types of settings: addresses, URLs, networks, and keys that depend on each other."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from server.protocol.address import DEFAULT_ADDRESS, Address
from server.rules import addresses, hosts
from server.settings.model import KEY_VARIABLE, WEBHOOK_NAMES, Settings, SettingsError, WebhookURL


def check(settings: Settings) -> None:
    """Check all values; raise SettingsError for the first key whose value is not usable."""
    _check_addresses(settings.addresses)
    key = settings.admin_api_key.reveal()
    if key and not key.strip():
        raise SettingsError(f"AdminAPIKey: only white space; set it, or {KEY_VARIABLE}, to a long secret, or remove it")
    _check_unique("PublicChannels", "ID", [channel.id for channel in settings.public_channels])
    _check_unique("WebhookURLs", "Name", [hook.name for hook in settings.webhook_urls])
    if settings.website_url:
        _check_url("WebsiteURL", settings.website_url)
    for number, origin in enumerate(settings.allowed_origins):
        _check_url(f"AllowedOrigins[{number}]", origin)
        if urlsplit(origin).path:
            raise SettingsError(
                f'AllowedOrigins[{number}]: an origin has no path; write it like "https://chat.example"'
            )
    for number, host in enumerate(settings.allowed_hosts):
        if not hosts.is_name(host):
            raise SettingsError(
                f'AllowedHosts[{number}]: "{host}" is not a host name; write it like "chat.example", without a port'
            )
    if bool(settings.tls.cert_file) != bool(settings.tls.key_file):
        raise SettingsError("TLS: CertFile and KeyFile belong together; set both or neither")
    _check_networks("Limits.ExemptAddresses", settings.limits.exempt_addresses)
    _check_networks("Limits.TrustedProxies", settings.limits.trusted_proxies)
    for number, hook in enumerate(settings.webhook_urls):
        _check_webhook(f"WebhookURLs[{number}]", hook, has_key=bool(settings.admin_api_key))


def _check_addresses(texts: Sequence[str]) -> None:
    if not texts:
        raise SettingsError(f'Address: empty; name at least one, like "{DEFAULT_ADDRESS}"')
    for number, text in enumerate(texts):
        where = f"Address[{number}]" if len(texts) > 1 else "Address"
        try:
            Address.parse(text)
        except ValueError as error:
            raise SettingsError(f"{where}: {error}") from None
        if text in texts[:number]:
            raise SettingsError(f'{where}: "{text}" occurs twice; remove one')


def _check_webhook(where: str, hook: WebhookURL, *, has_key: bool) -> None:
    if hook.name not in WEBHOOK_NAMES:
        raise SettingsError(f'{where}.Name: there is no webhook "{hook.name}"; use one of {", ".join(WEBHOOK_NAMES)}')
    if hook.enabled or hook.url:
        _check_url(f"{where}.URL", hook.url)
    if hook.enabled and not has_key:
        raise SettingsError(
            f'AdminAPIKey: empty, but webhook "{hook.name}" is enabled; set it, or {KEY_VARIABLE}, to a long secret'
        )


def _check_unique(table: str, key: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise SettingsError(f'{table}[{number}].{key}: "{value}" occurs twice; remove or rename one')


def _check_networks(where: str, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        try:
            addresses.networks([text])
        except ValueError:
            raise SettingsError(
                f'{where}[{number}]: "{text}" is not an address or network; write it like "192.0.2.1" or "10.0.0.0/8"'
            ) from None


def _check_url(where: str, url: str) -> None:
    """Accept only http(s)://host... The error does not repeat the URL, which may contain a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise SettingsError(
            f'{where}: this is not an http:// or https:// URL; write it like "https://site.example/webhooks"'
        )
