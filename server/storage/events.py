"""What servers hear of once it is committed, see `Database.hear`.

An event tells a server that was not there all that follows from the commit. It is a named tuple of what msgspec can
write as JSON, since a database that several servers share passes it on as text.
"""

from functools import cache
from typing import NamedTuple, get_args

import msgspec

from server.rules.bans import Ban
from server.rules.messages import Person, Publication
from server.rules.reactions import ReactionChange
from server.rules.relations import Relation
from server.rules.reports import StoredReport


class StoredChange(NamedTuple):
    """A message was stored, edited or deleted, or its reactions changed."""

    publication: Publication
    reaction: ReactionChange | None = None
    edited: bool = False


class UnkeptChange(NamedTuple):
    """The same of a direct message that is not kept: servers have it in memory only."""

    publication: Publication
    reaction: ReactionChange | None = None
    edited: bool = False


MessageChange = StoredChange | UnkeptChange


class WaitingDelivered(NamedTuple):
    """Direct messages reached the person they waited for: from now on, servers have them in memory only."""

    publications: tuple[Publication, ...]


class DirectCleared(NamedTuple):
    """All direct messages that a person sent or received were deleted."""

    identity: str


class RelationsChanged(NamedTuple):
    """People muted or blocked others, or no longer do."""

    begun: tuple[Relation, ...] = ()
    ended: tuple[Relation, ...] = ()


class Banned(NamedTuple):
    """A person was banned."""

    ban: Ban


class BanLifted(NamedTuple):
    """The ban of a name was lifted."""

    name: str


class PersonJoined(NamedTuple):
    """A person logged in, and is the newest holder of their name; `at` is in milliseconds."""

    person: Person
    at: int
    returns: bool
    """They can log in again as the same person, so the name is reserved for them."""
    member: bool
    """They are a member of the site."""


class PersonLeft(NamedTuple):
    """A person is no longer in the room; `at` is in milliseconds."""

    person: Person
    at: int


class ReportOpened(NamedTuple):
    """A report was submitted, or opened again by an addition; its reporter is answered."""

    report: StoredReport
    about: Person
    server: str = ""
    """The server that stored it; empty for a command of the administrator."""


class ReportChanged(NamedTuple):
    """The status of a report or the site's note changed."""

    report: StoredReport
    server: str = ""
    answered: bool = False
    """The reporter has changed it, and gets an answer."""


class ReportDeleted(NamedTuple):
    """A report was deleted, because its time was over."""

    report_id: str


Event = (
    StoredChange
    | UnkeptChange
    | WaitingDelivered
    | DirectCleared
    | RelationsChanged
    | Banned
    | BanLifted
    | PersonJoined
    | PersonLeft
    | ReportOpened
    | ReportChanged
    | ReportDeleted
)

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Each kind of event by its name."""


def body_of(event: Event) -> str:
    """Return an event as JSON, without its kind."""
    return msgspec.json.encode(event).decode()


def event_of(kind: str, body: str) -> Event:
    """Return the event of this kind that `body_of` returned. Raises KeyError or msgspec.DecodeError."""
    return _decoder(kind).decode(body)


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(KINDS[kind])
