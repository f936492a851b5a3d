"""Profiles from the HTTP API of a BareRTC server."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from server.protocol.frames import Profile, ProfileField, ProfileRequest
from tui.client.barertc_html import to_text
from tui.net import proxies

SECONDS = 15.0
MAX_BYTES = 256 * 1024
NO_PROFILE = "The profile could not be loaded. Try again later."
_SCHEMES = {"ws": "http", "wss": "https"}


class _AnsweredField(msgspec.Struct, rename="pascal"):
    name: str = ""
    value: str = ""


class _Answer(msgspec.Struct, rename="pascal"):
    error: str | None = None
    headline: str | None = None
    profile_fields: list[_AnsweredField] | None = None


def fetch(url: str, frame: ProfileRequest, token: str) -> Sequence[Profile]:
    """Request a profile from the server with this websocket URL, as the member with this token. Blocks."""
    parts = urlsplit(url)
    body = msgspec.json.encode({"JWTToken": token, "Username": frame.username})
    address = f"{_SCHEMES[parts.scheme]}://{parts.netloc}/api/profile"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - see _SCHEMES
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(_proxies(url)))
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            found = answer.read(MAX_BYTES)
    except urllib.error.HTTPError as error:
        found = error.read(MAX_BYTES)
    except (OSError, ValueError):
        found = b""
    return [read(frame, found)]


def _proxies(url: str) -> dict[str, str]:
    chosen = proxies.choose(url)
    return {"https": chosen.url} if chosen else {}


def read(frame: ProfileRequest, answer: bytes) -> Profile:
    """Return the profile in an answer of the server, or why there is none."""
    try:
        found = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Profile(frame.username, [], frame.nonce, error=NO_PROFILE)
    fields = [ProfileField(to_text(each.name), to_text(each.value)) for each in found.profile_fields or ()]
    headline, error = to_text(found.headline or ""), to_text(found.error or "")
    return Profile(frame.username, fields, frame.nonce, headline, error)
