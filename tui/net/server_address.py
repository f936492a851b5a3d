"""Addresses of servers: as typed, as shown, and as a settings file configures them."""

import asyncio
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from server.protocol import toml
from server.protocol.address import DEFAULT_ADDRESS, SOCKET_SCHEME, WEBSOCKET_PATH, Address
from server.protocol.errors import OneLineError
from tui import files
from tui.files import FileError
from tui.text import clean_line

PROBE_SECONDS = 2.0
UNNAMED = "settings.toml"
MAX_URL_CHARS = 2000
SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
NO_SERVER = "That isn't a server address. Try one like wss://chat.example"


class AddressError(OneLineError):
    """A text that is not the address of a server."""


class Configured(NamedTuple):
    """Address at which a server with these settings listens, and whether it uses TLS."""

    address: Address
    tls: bool


def unused() -> list[str]:
    """Return a notice if the working directory has a settings file, which is ignored: anybody may have put it there."""
    if not Path(UNNAMED).exists():
        return []
    return [f"{UNNAMED} in the working directory is not used; to use it, start with --settings {UNNAMED}."]


def configured(settings: Path | None) -> Configured:
    """Return the address in a settings file, or the default. Raises FileError if the file is unusable."""
    if settings is None:
        return Configured(Address.parse(DEFAULT_ADDRESS), tls=False)
    try:
        tables = toml.parse(files.read(settings).decode("utf-8-sig"))
        listed, tls = tables.get("Address", DEFAULT_ADDRESS), tables.get("TLS", {})
        address = listed[0] if isinstance(listed, list) and listed else listed
        if not isinstance(address, str):
            raise ValueError('Address: write it in quotes, like "127.0.0.1:9000"')
        return Configured(Address.parse(address), isinstance(tls, dict) and bool(tls.get("CertFile")))
    except toml.TomlError as error:
        raise FileError(f"{settings}: {error.place}this is not TOML: {error.problem}; correct it") from None
    except UnicodeDecodeError:
        raise FileError(f"{settings}: this is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise FileError(f"{settings}: {error.strerror or error}; give another with --settings FILE") from None
    except ValueError as error:
        raise FileError(f"{settings}: {error}") from None


def normal(text: str) -> str:
    """Return a typed or pasted address as a URL, without adding a path. Raises AddressError if it is not an address.

    http:// becomes ws://, and https:// becomes wss://. An address without a scheme gets ws:// if it is this machine's,
    and wss:// otherwise.
    """
    text = clean_line(text).strip()
    if text.startswith(SOCKET_SCHEME):
        if text == SOCKET_SCHEME:
            raise AddressError(NO_SERVER)
        return text
    scheme, separator, rest = text.partition("://") if "://" in text.partition("?")[0] else ("", "", text)
    try:
        parts = urlsplit(f"//{rest.removeprefix('//')}", allow_fragments=True)._replace(fragment="")
        if not parts.hostname or parts.port == 0 or any(map(str.isspace, text)) or "\\" in text:
            raise ValueError
        if parts.netloc.count("@") > 1 or not _is_host(parts.hostname):
            raise ValueError
    except ValueError:
        raise AddressError(NO_SERVER) from None
    meant = SCHEMES.get(scheme.lower()) if separator else "ws" if is_loopback(parts.hostname) else "wss"
    if meant is None:
        raise AddressError(NO_SERVER)
    return parts._replace(scheme=meant).geturl()


def _is_host(text: str) -> bool:
    """Return whether a text can be looked up: no part of a name is empty or longer than 63 characters."""
    try:
        return ":" in text or bool(text.encode("idna"))
    except UnicodeError:
        return False


def websocket_url(text: str) -> str:
    """Return the full URL of a typed address ("chat.example:9000"). Raises AddressError if it is not an address."""
    url = normal(text)
    parts = urlsplit(url)
    return url if parts.scheme == "unix" or parts.path.strip("/") else parts._replace(path=WEBSOCKET_PATH).geturl()


def fault(server: str) -> str | None:
    """Return why a text cannot be a server's address, in one line; None if it can."""
    try:
        normal(server)
    except AddressError as error:
        return str(error)
    return None


def is_loopback(host: str | None) -> bool:
    """Return whether a host is this machine."""
    try:
        found = ip_address(host or "")
    except ValueError:
        return host is not None and (host == "localhost" or host.endswith(".localhost"))
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def is_exposed(url: str) -> bool:
    """Return whether others on the network path can read a connection to this URL."""
    parts = urlsplit(url)
    return parts.scheme == "ws" and not is_loopback(parts.hostname)


def without_userinfo(url: str) -> str:
    """Return a URL without the name and password before its host. Raises ValueError if it is not a URL."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def shown(url: str) -> str:
    """Return a URL as it may be shown: in one line, and without a password."""
    try:
        return clean_line(without_userinfo(url))
    except ValueError:
        return clean_line(url).rpartition("@")[2]


async def is_listening(address: Address) -> bool:
    """Return whether anything accepts connections at an address."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
