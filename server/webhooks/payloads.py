"""The JSON bodies of BareRTC's webhook contract, byte for byte."""

from datetime import datetime

import msgspec

from server.rules.reports import Evidence
from server.settings import Secret

# Go's encoding/json, which made the captured bodies, escapes what could be read as HTML or end a line in JavaScript.
_GO_ESCAPES = [
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
]


class _Report(msgspec.Struct, rename="pascal"):
    from_username: str
    about_username: str
    channel: str
    timestamp: datetime
    reason: str
    message: str
    comment: str


class _ReportBody(msgspec.Struct, rename="pascal"):
    action: str
    api_key: str = msgspec.field(name="APIKey")
    report: _Report


class _ProfileBody(msgspec.Struct, rename="pascal"):
    action: str
    api_key: str = msgspec.field(name="APIKey")
    username: str


class ProfileFieldAnswer(msgspec.Struct, rename="pascal"):
    """A line of a profile as the site answers it."""

    name: str
    value: str


class ProfileData(
    msgspec.Struct, rename={"ok": "OK", "error": "Error", "headline": "Headline", "fields": "ProfileFields"}
):
    """The inner part of the site's answer about a person; OK is BareRTC's, and Error decides."""

    ok: bool = True
    error: str = ""
    headline: str = ""
    fields: list[ProfileFieldAnswer] | None = None


class ProfileAnswer(msgspec.Struct, rename="pascal"):
    """The site's whole answer about a person."""

    status_code: int
    data: ProfileData = msgspec.field(default_factory=ProfileData)


def report_body(key: Secret, evidence: Evidence) -> bytes:
    """The body of a report: the seven keys of the contract; Timestamp in RFC 3339."""
    report = _Report(
        evidence.reporter,
        evidence.about,
        evidence.channel,
        evidence.at,
        evidence.reason,
        evidence.message,
        evidence.comment,
    )
    return _encode(_ReportBody("report", key.reveal(), report))


def profile_body(key: Secret, username: str) -> bytes:
    """The body of a question about a person."""
    return _encode(_ProfileBody("profile", key.reveal(), username))


def _encode(body: msgspec.Struct) -> bytes:
    encoded = msgspec.json.encode(body)
    # These characters only occur inside strings, so bytes can be replaced without a parser.
    for character, escape in _GO_ESCAPES:
        encoded = encoded.replace(character, escape)
    return encoded
