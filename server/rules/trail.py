"""What is said about a report over time, and the chain of hashes that shows whether it was altered."""

import hashlib
from typing import NamedTuple

import msgspec

from server.rules.evidence import ContextLine, Evidence, Statement


class Reported(msgspec.Struct, frozen=True, tag_field="kind", tag="reported"):
    """The report itself."""

    evidence: Evidence
    identity: str = ""
    """The reporter's, of whom evidence has the name; none in rows of old."""


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


class _Statement(msgspec.Struct, frozen=True, tag_field="kind", tag="reported"):
    evidence: Statement


class _Addition(msgspec.Struct, frozen=True, tag_field="kind", tag="added"):
    reason: str
    comment: str


_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_statement = msgspec.json.Decoder(_Statement)
_addition = msgspec.json.Decoder(_Addition)


def encode(event: Event) -> str:
    """An event as it is stored and hashed."""
    return msgspec.json.encode(event).decode()


def decode(content: str) -> Event:
    """A stored event; msgspec.DecodeError if it is none."""
    return _decoder.decode(content)


def statement(content: str) -> Statement:
    """Of a stored report what a list needs: the messages around it may be a thousand times as long. DecodeError."""
    return _statement.decode(content).evidence


def addition(content: str) -> tuple[str, str]:
    """Reason and comment of a stored addition. DecodeError."""
    added = _addition.decode(content)
    return added.reason, added.comment


class Account(NamedTuple):
    """What the rows of a report come to."""

    seq: int
    reporter: str
    identity: str
    msg_id: int
    withdrawn: bool = False
    said: str = ""
    """The last status that the site gave it, "" if none."""
    note: str = ""


def account(before: Account | None, seq: int, event: Event) -> Account | None:
    """What the rows come to with one more; None if they do not begin with the report itself."""
    if isinstance(event, Reported):
        evidence = event.evidence
        return None if before else Account(seq, evidence.reporter, event.identity, evidence.msg_id)
    if before is None:
        return None
    if isinstance(event, Added):
        return before._replace(withdrawn=False, said="", note="")
    if isinstance(event, Withdrawn):
        return before._replace(withdrawn=True)
    return before._replace(said=event.status, note=event.note)


def chained(previous: str, seq: int, report_id: str, at: int, content: str) -> str:
    """The hash of a row over everything in it and the hash of the row before ("" for the first); SHA-256 in hex."""
    fields = msgspec.json.encode([previous, seq, report_id, at, content])
    return hashlib.sha256(fields).hexdigest()
