"""Checks beyond the types of settings: addresses, URLs, networks, and keys that depend on each other."""

import unicodedata
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from server.protocol.address import DEFAULT_ADDRESS, Address
from server.protocol.characters import is_blank
from server.rules import addresses, hosts
from server.rules.patterns import PatternError, compile_pattern
from server.settings.limits import RoomLimits
from server.settings.model import KEY_VARIABLE, MAX_WELCOMING, Settings, SettingsError
from server.settings.secret import ApiKeys
from server.settings.site_tables import MessageFilter
from server.settings.webhook_tables import QUEUED_WEBHOOK, WEBHOOK_NAMES, WebhookURL

MIN_FRAME_BYTES = 500
"""Enough for a login with its proof."""


def check(settings: Settings) -> None:
    """Check all values; raise SettingsError for the first key whose value cannot be used."""
    _check_listening(settings)
    _check_site(settings)
    _check_texts(settings)
    _check_limits(settings.limits)
    _check_members(settings)
    _check_filters(settings.message_filters)
    _check_webhooks(settings)


def _check_listening(settings: Settings) -> None:
    _check_addresses(settings.addresses)
    if settings.metrics.address:
        _check_addresses([settings.metrics.address], "Metrics.Address")
    if bool(settings.tls.cert_file) != bool(settings.tls.key_file):
        raise SettingsError("TLS: CertFile and KeyFile belong together; set both or neither")


def _check_site(settings: Settings) -> None:
    """Check the keys, WebsiteURL, AllowedOrigins and AllowedHosts."""
    _check_keys(settings.admin_api_key)
    if settings.website_url:
        _check_url("WebsiteURL", settings.website_url)
    _check_no_repeats("AllowedOrigins", settings.allowed_origins)
    _check_no_repeats("AllowedHosts", [host.lower() for host in settings.allowed_hosts])
    for number, host in enumerate(settings.allowed_hosts):
        if not hosts.is_name(host):
            raise SettingsError(
                f'AllowedHosts[{number}]: "{host}" is not a host name; write it like "chat.example", without a port'
            )


def _check_limits(limits: RoomLimits) -> None:
    if 0 < limits.frame_bytes < MIN_FRAME_BYTES:
        raise SettingsError(
            f"Limits.FrameBytes: with less than {MIN_FRAME_BYTES} nobody could log in; set at least that, or 0 for no"
            " limit"
        )
    _check_networks("Limits.ExemptAddresses", limits.exempt_addresses)
    _check_networks("Limits.TrustedProxies", limits.trusted_proxies)


def _check_members(settings: Settings) -> None:
    """Check that people with a token can sign in, and that one channel is open to everyone."""
    if settings.jwt.enabled and not settings.jwt.secret_key.reveal().strip():
        raise SettingsError("JWT.SecretKey: empty; set it to the secret with which the site signs its tokens")
    if settings.jwt.enabled and settings.jwt.landing_page_url:
        _check_url("JWT.LandingPageURL", settings.jwt.landing_page_url)
    if all(channel.vip for channel in settings.public_channels):
        raise SettingsError(
            "PublicChannels: all channels are for VIPs, so nobody else could write anywhere; set VIP = false for one"
        )


def _check_filters(filters: Sequence[MessageFilter]) -> None:
    for number, each in enumerate(filters):
        for at, phrase in enumerate(each.keyword_phrases if each.enabled else ()):
            try:
                compile_pattern(phrase)
            except PatternError as error:
                where = f"MessageFilters[{number}].KeywordPhrases[{at}]"
                raise SettingsError(
                    f"{where}: this RE2 expression cannot be used: {error}; correct or remove it"
                ) from None


def _check_keys(keys: ApiKeys) -> None:
    # The error must not contain a key.
    if any(not key.reveal().strip() for key in keys.all):
        raise SettingsError(f"AdminAPIKey: blank; set it, or {KEY_VARIABLE}, to a long secret, or remove it")
    if len(set(keys.all)) < len(keys.all):
        raise SettingsError("AdminAPIKey: a key occurs twice; remove one")


def normalised_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """Return origins in the form that browsers send. Raises SettingsError."""
    return tuple(_origin(f"AllowedOrigins[{number}]", origin) for number, origin in enumerate(origins))


def readable_origins(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return origins in the form that browsers send. As with BareRTC, other texts are accepted, and match nothing."""
    return tuple(filter(None, map(_origin_or_text, hosts)))


def _origin_or_text(text: str) -> str:
    try:
        return _origin("CORSHosts", text.rstrip("/"))
    except SettingsError:
        return text


def _origin(where: str, text: str) -> str:
    url = _check_url(where, text)
    if urlsplit(text).path or url.query or url.fragment or url.userinfo or text[-1] in "?#":
        raise SettingsError(f'{where}: an origin has no path; write it like "https://chat.example"')
    host = url.raw_host.decode()
    if ":" in host:
        host = f"[{ip_address(host.partition('%')[0])}]"
    port = "" if url.port in {None, {"http": 80, "https": 443}[url.scheme]} else f":{url.port}"
    return f"{url.scheme}://{host}{port}"


def _check_addresses(texts: Sequence[str], key: str = "Address") -> None:
    if not texts:
        raise SettingsError(f'Address: empty; name at least one, like "{DEFAULT_ADDRESS}"')
    for number, text in enumerate(texts):
        where = f"{key}[{number}]" if len(texts) > 1 else key
        try:
            Address.parse(text)
        except ValueError as error:
            raise SettingsError(f"{where}: {error}") from None
        if text in texts[:number]:
            raise SettingsError(f'{where}: "{text}" occurs twice; remove one')


def _check_queues(hooks: Sequence[WebhookURL]) -> None:
    for number, hook in enumerate(hooks):
        if hook.id in set(WEBHOOK_NAMES) - {hook.name}:
            raise SettingsError(f'WebhookURLs[{number}].ID: "{hook.id}" is the name of another webhook; use another ID')
        if hook.queue in [other.queue for other in hooks[:number]]:
            key = "ID" if hook.id else "Name"
            advice = "remove one" if hook.name != QUEUED_WEBHOOK else "remove one, or give it another ID"
            raise SettingsError(f'WebhookURLs[{number}].{key}: "{hook.queue}" occurs twice; {advice}')
        if (
            hook.enabled
            and hook.name != QUEUED_WEBHOOK
            and hook.name in [each.name for each in hooks[:number] if each.enabled]
        ):
            raise SettingsError(
                f'WebhookURLs[{number}].Name: only one webhook "{hook.name}" can be enabled; reports can have several'
            )


def _check_webhooks(settings: Settings) -> None:
    _check_queues(settings.webhook_urls)
    if proxy := settings.webhook_security.proxy.reveal():
        url = _check_url("WebhookSecurity.Proxy", proxy)
        if url.raw_path != b"/":
            raise SettingsError('WebhookSecurity.Proxy: a proxy has no path; write it like "http://proxy.example:3128"')
    for number, hook in enumerate(settings.webhook_urls):
        _check_webhook(f"WebhookURLs[{number}]", hook, has_key=bool(settings.admin_api_key))


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


def _check_no_repeats(where: str, values: Sequence[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise SettingsError(f'{where}[{number}]: "{value}" occurs twice; remove one')


def _check_texts(settings: Settings) -> None:
    """Check the texts that users see."""
    _check_unique("PublicChannels", "ID", [channel.id for channel in settings.public_channels])
    # Reasons that look the same cannot be told apart in the form.
    _check_no_repeats("ReportReasons", [" ".join(reason.split()).casefold() for reason in settings.report_reasons])
    welcoming = sum(len(text) for channel in settings.public_channels for text in channel.welcome_messages)
    if welcoming > MAX_WELCOMING:
        raise SettingsError(
            f"PublicChannels: the WelcomeMessages of all channels have {welcoming} characters; shorten them to"
            f" {MAX_WELCOMING} in total, because everyone who logs in receives them"
        )
    lines = {"Title": settings.title}
    lines |= {f"ReportReasons[{number}]": text for number, text in enumerate(settings.report_reasons)}
    for number, channel in enumerate(settings.public_channels):
        lines[f"PublicChannels[{number}].Name"] = channel.name
        lines[f"PublicChannels[{number}].ID"] = channel.id
        if not channel.id.isprintable():
            raise SettingsError(f"PublicChannels[{number}].ID: contains an invisible character; remove it")
        for at, text in enumerate(channel.welcome_messages):
            if is_blank(text):
                raise SettingsError(
                    f"PublicChannels[{number}].WelcomeMessages[{at}]: blank; write something, or remove it"
                )
    for where, text in lines.items():
        if is_blank(text):
            raise SettingsError(f"{where}: blank; write something, or remove it")
    for where, text in (lines | _paths(settings)).items():
        if not text.isprintable() and any(unicodedata.category(char) == "Cc" for char in text):
            raise SettingsError(f"{where}: contains a line break or another control character; write it in one line")


def _paths(settings: Settings) -> dict[str, str]:
    """Return the file names in the settings, by key."""
    return {
        "Database": settings.database,
        "Logging.Directory": settings.logging.directory,
        "TLS.CertFile": settings.tls.cert_file,
        "TLS.KeyFile": settings.tls.key_file,
        "WebhookSecurity.CAFile": settings.webhook_security.ca_file,
    }


def _check_networks(where: str, texts: Sequence[str]) -> None:
    _check_no_repeats(where, texts)
    for number, text in enumerate(texts):
        try:
            addresses.networks([text])
        except ValueError:
            raise SettingsError(
                f'{where}[{number}]: "{text}" is not an address or network; write it like "192.0.2.1" or "10.0.0.0/8"'
            ) from None


def _check_url(where: str, url: str) -> httpx.URL:
    """Parse an http(s) URL as the HTTP client does. Raises SettingsError without the URL, which may have a password."""
    try:
        parts, parsed = urlsplit(url), httpx.URL(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise SettingsError(
            f"{where}: this is not an http:// or https:// URL with a host name or an address; write it like"
            ' "https://site.example"'
        )
    if not hosts.is_target(parsed.raw_host.decode()):
        raise SettingsError(
            f'{where}: its host is neither a host name nor an IP address in the usual notation, like "site.example" or'
            ' "192.0.2.1"'
        )
    return parsed
