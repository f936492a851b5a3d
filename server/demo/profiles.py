"""The profiles of the demo site."""

import msgspec

from server.demo.cast import CAST, Part
from server.protocol import names

PRIVATE = "This member keeps their profile private."

_PARTS = {names.key(part.name): part for part in CAST}


class ProfileFieldAnswer(msgspec.Struct, rename="pascal"):
    """A line of a profile."""

    name: str
    value: str


class ProfileData(
    msgspec.Struct, rename={"ok": "OK", "error": "Error", "headline": "Headline", "fields": "ProfileFields"}
):
    """The inner part of the answer about a user."""

    ok: bool = True
    error: str = ""
    headline: str = ""
    fields: list[ProfileFieldAnswer] | None = None


class ProfileAnswer(msgspec.Struct, rename="pascal"):
    """The complete answer about a user."""

    status_code: int
    data: ProfileData = msgspec.field(default_factory=ProfileData)


def profile(username: str) -> ProfileAnswer:
    """Return the profile of a bot, or the generic one of a guest."""
    part = _PARTS.get(names.key(username))
    if part and part.private:
        return ProfileAnswer(200, ProfileData(ok=False, error=PRIVATE, fields=[]))
    return ProfileAnswer(200, _known(part) if part else _guest(username))


def _known(part: Part) -> ProfileData:
    fields = [ProfileFieldAnswer(name, value) for name, value in part.fields]
    return ProfileData(headline=part.headline, fields=fields)


def _guest(username: str) -> ProfileData:
    return ProfileData(
        headline="A guest of the harbour 👋",
        fields=[
            ProfileFieldAnswer("Name", username),
            ProfileFieldAnswer("Role", "Visitor"),
            ProfileFieldAnswer("Berth", "Guest pontoon"),
            ProfileFieldAnswer("Stays", "As long as they like"),
        ],
    )
