"""The sign-in link with which a site sends its members to the chat: where it is read from, and its token."""

import getpass
import re
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tui import files
from tui.net.server_address import AddressError, normal
from tui.options import TOKEN_VARIABLE, SiteToken
from tui.text import clean_line

MAX_LINK_CHARS = 10_000
NO_LINK = "That isn't a sign-in link. Copy the whole link, or the token in it, from your site."
IN_ARGUMENTS = (
    "others on this machine can read a sign-in link on the command line; start with --sign-in instead, and paste the"
    " link at the prompt"
)
PROMPT = "Sign-in link: "
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


def is_link(text: str) -> bool:
    """Return whether a text is meant as a sign-in link."""
    return "jwt=" in text


def read(text: str) -> SiteToken:
    """Return the token in a sign-in link, or a token alone, and the server of the link. Raises AddressError."""
    text = clean_line(text).strip()
    server, token = "", text
    if is_link(text):
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            token = parse_qs(parts.query)["jwt"][0]
            server = normal(parts._replace(query="", fragment="", path=parts.path.rstrip("/")).geturl())
        except (ValueError, KeyError):
            raise AddressError(NO_LINK) from None
    if not _TOKEN.fullmatch(token):
        raise AddressError(NO_LINK)
    return SiteToken(token, server)


def find(file: Path | None, environ: MutableMapping[str, str], *, asks: bool) -> SiteToken:
    """Return the token from a file, a prompt or the environment; remove it from the environment.

    Raises AddressError, OSError, or EOFError if nothing was typed at the prompt.
    """
    inherited = environ.pop(TOKEN_VARIABLE, "")
    if file:
        return read(files.read(file).decode(errors="replace"))
    if asks:
        with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):
            return read(getpass.getpass(PROMPT))
    return read(inherited) if inherited.strip() else SiteToken()
