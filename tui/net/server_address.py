"""The default server: the address in a settings file, or the standard one."""

import asyncio
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import tomli

from server.protocol.address import DEFAULT_ADDRESS, Address
from server.protocol.errors import OneLineError
from tui import files
from tui.files import FileError
from tui.text import clean_line

PROBE_SECONDS = 2.0
UNNAMED = "settings.toml"
MAX_URL_CHARS = 2000
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class AddressError(OneLineError):
    """A text that is no server's address."""


class Configured(NamedTuple):
    """Address at which a server with these settings listens, and whether it uses TLS."""

    address: Address
    tls: bool


def unused() -> list[str]:
    """Return a notice if there is a settings file in the working directory, where anybody may have put it."""
    if not Path(UNNAMED).exists():
        return []
    return [f"{UNNAMED} in this directory is not used; to use it, start with --settings {UNNAMED}."]


def configured(settings: Path | None) -> Configured:
    """Return the address in a settings file, or the default. Raises FileError if the file is unusable."""
    if settings is None:
        return Configured(Address.parse(DEFAULT_ADDRESS), tls=False)
    try:
        tables = tomli.loads(files.read(settings).decode("utf-8-sig"))
        address, tls = tables.get("Address", DEFAULT_ADDRESS), tables.get("TLS", {})
        if not isinstance(address, str):
            raise ValueError('Address: write it in quotes, like "127.0.0.1:9000"')
        return Configured(Address.parse(address), isinstance(tls, dict) and bool(tls.get("CertFile")))
    except tomli.TOMLDecodeError as error:
        raise FileError(f"{settings}: line {error.lineno}: this is not TOML: {error.msg}") from None
    except OSError as error:
        raise FileError(f"{settings}: {error.strerror or error}; give another with --settings FILE") from None
    except ValueError as error:
        raise FileError(f"{settings}: {error}") from None


def fault(server: str) -> str | None:
    """Return why a text cannot be a server's address, in one line; None if it can."""
    try:
        parts = urlsplit(server if "://" in server else f"ws://{server}")
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0 and " " not in server
    except ValueError:
        usable = False
    return None if usable else "That isn't a server address. Try wss://chat.example or chat.example:9000."


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


def proxy(url: str) -> Literal[True] | None:
    """Return True to use the proxy of the environment: only for wss://, where it cannot read what it forwards."""
    parts = urlsplit(url)
    return True if parts.scheme == "wss" and parts.hostname not in LOOPBACK else None


async def is_listening(address: Address) -> bool:
    """Return whether anything accepts a connection there."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
