"""Reads fields of BareRTC's frames, whose types are not guaranteed."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from server.protocol.frames import WhoEntry

Json = Mapping[str, object]


def who_entry(found: object) -> WhoEntry | None:
    """Convert an entry of a who list; None if it is invalid."""
    try:
        return msgspec.convert(found, WhoEntry)
    except msgspec.ValidationError:
        return None


def text(found: Json, key: str) -> str:
    """Return a field that is a text; "" if it is missing or something else."""
    value = found.get(key)
    return value if isinstance(value, str) else ""


def items(found: Json, key: str) -> list[object]:
    """Return a field that is a list; [] if it is missing or something else."""
    value = found.get(key)
    return value if isinstance(value, list) else []


def moment(written: str) -> datetime | None:
    """Parse a time, which is in UTC if it names no zone; None if it is invalid."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
