"""What is said about a report over time, and the chain of hashes that shows whether it was altered."""

import hashlib

import msgspec

from server.rules.reports import ContextLine, Evidence


class Reported(msgspec.Struct, frozen=True, tag_field="kind", tag="reported"):
    """The report itself."""

    evidence: Evidence


class Added(msgspec.Struct, frozen=True, tag_field="kind", tag="added"):
    """The reporter has more to say about it: what takes the place of the same fields of the evidence."""

    reason: str
    comment: str
    context: tuple[ContextLine, ...] = ()


class Withdrawn(msgspec.Struct, frozen=True, tag_field="kind", tag="withdrawn"):
    """The reporter took it back."""


class SiteSaid(msgspec.Struct, frozen=True, tag_field="kind", tag="site-said"):
    """The site called back about it."""

    status: str
    note: str


Event = Reported | Added | Withdrawn | SiteSaid

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> str:
    """An event as it is stored and hashed."""
    return msgspec.json.encode(event).decode()


def decode(content: str) -> Event:
    """A stored event; msgspec.DecodeError if it is none."""
    return _decoder.decode(content)


def chained(previous: str, seq: int, report_id: str, at: int, content: str) -> str:
    """The hash of a row over everything in it and the hash of the row before ("" for the first); SHA-256 in hex."""
    fields = msgspec.json.encode([previous, seq, report_id, at, content])
    return hashlib.sha256(fields).hexdigest()
