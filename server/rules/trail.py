"""The trail of a report: its events, and the hash chain that reveals changes."""

import hashlib
from typing import NamedTuple

import msgspec

from server.protocol.codes import ReportState
from server.rules.evidence import ContextLine, Evidence, Statement


class Reported(msgspec.Struct, frozen=True, tag_field="kind", tag="reported"):
    """The report was submitted."""

    evidence: Evidence
    identity: str = ""
    """The reporter's identity; empty in old rows. Their name is in the evidence."""


class Added(msgspec.Struct, frozen=True, tag_field="kind", tag="added"):
    """The reporter added to the report; these fields replace those of the evidence."""

    reason: str
    comment: str
    context: tuple[ContextLine, ...] = ()


class Withdrawn(msgspec.Struct, frozen=True, tag_field="kind", tag="withdrawn"):
    """The reporter withdrew the report."""


class SiteSaid(msgspec.Struct, frozen=True, tag_field="kind", tag="site-said"):
    """The site reported a status."""

    status: str
    note: str


class Erased(msgspec.Struct, frozen=True, tag_field="kind", tag="erased"):
    """The report and the content of its earlier rows were deleted; their hashes remain."""


Event = Reported | Added | Withdrawn | SiteSaid | Erased


class _Statement(msgspec.Struct, frozen=True, tag_field="kind", tag="reported"):
    evidence: Statement


class _Addition(msgspec.Struct, frozen=True, tag_field="kind", tag="added"):
    reason: str
    comment: str


_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_statement = msgspec.json.Decoder(_Statement)
_addition = msgspec.json.Decoder(_Addition)


def encode(event: Event) -> str:
    """Encode an event for storage and hashing."""
    return msgspec.json.encode(event).decode()


def decode(content: str) -> Event:
    """Decode a stored event. Raises msgspec.DecodeError."""
    return _decoder.decode(content)


def statement(content: str) -> Statement:
    """Decode a stored report without its context, which can be a thousand times as long. Raises DecodeError."""
    return _statement.decode(content).evidence


def addition(content: str) -> tuple[str, str]:
    """Decode the reason and comment of a stored addition. Raises DecodeError."""
    added = _addition.decode(content)
    return added.reason, added.comment


def form(content: str) -> tuple[str, str, tuple[ContextLine, ...]] | None:
    """Return the reason, comment and context of a stored report or addition; None for other events.

    Raises DecodeError.
    """
    event = decode(content)
    filled = event.evidence if isinstance(event, Reported) else event
    return (filled.reason, filled.comment, filled.context) if isinstance(filled, Evidence | Added) else None


class Account(NamedTuple):
    """The state of a report that results from its rows."""

    seq: int
    reporter: str
    identity: str
    msg_id: int
    withdrawn: bool = False
    said: str = ""
    """The last status reported by the site; "" if none."""
    note: str = ""


def account(before: Account | None, seq: int, event: Event) -> Account | None:
    """Return the state after one more event; None if that event cannot follow. The first must be the report itself."""
    if isinstance(event, Reported):
        evidence = event.evidence
        return None if before else Account(seq, evidence.reporter, event.identity, evidence.msg_id)
    if before is None or isinstance(event, Erased):
        return None
    if isinstance(event, Added):
        return before._replace(withdrawn=False, said="", note="")
    if isinstance(event, Withdrawn):
        return before._replace(withdrawn=True)
    return before._replace(said=event.status, note=event.note)


def site_said(before: Account | None, status: ReportState, note: str) -> SiteSaid | None:
    """Return the event for a status from the site; None if it changes nothing.

    A status only moves forward, because calls can arrive out of order. Without a note, the previous one remains.
    """
    said, kept = (before.said, before.note) if before else ("", "")
    if (said, status) == (ReportState.RESOLVED, ReportState.SEEN):
        return None
    event = SiteSaid(status, note or kept)
    return None if (event.status, event.note) == (said, kept) else event


def chained(previous: str, seq: int, report_id: str, at: int, content: str) -> str:
    """Return the hash of a row together with the previous hash ("" for the first row): SHA-256 in hexadecimal."""
    fields = msgspec.json.encode([previous, seq, report_id, at, content])
    return hashlib.sha256(fields).hexdigest()
