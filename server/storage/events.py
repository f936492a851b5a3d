"""Events, which servers receive once they are committed, see `Database.hear`.

An event has everything that another server needs to apply the change. It is a named tuple of values that msgspec can
encode, because a database that several servers share stores it as JSON.
"""

from enum import Enum
from functools import cache
from typing import NamedTuple, get_args

import msgspec

from server.protocol.frames import WhoEntry
from server.rules.bans import Ban
from server.rules.messages import Person, Publication
from server.rules.ranks import Rank
from server.rules.reactions import ReactionChange
from server.rules.relations import Relation
from server.rules.reports import StoredReport
from server.rules.tokens import Claims


class StoredChange(NamedTuple):
    """A message was stored, edited or deleted, or its reactions changed."""

    publication: Publication
    reaction: ReactionChange | None = None
    edited: bool = False


class UnkeptChange(NamedTuple):
    """A StoredChange of a direct message that is not kept: servers have it only in memory."""

    publication: Publication
    reaction: ReactionChange | None = None
    edited: bool = False


MessageChange = StoredChange | UnkeptChange


class WaitingDelivered(NamedTuple):
    """Direct messages reached the person they waited for: from now on, servers have them only in memory."""

    publications: tuple[Publication, ...]


class DirectCleared(NamedTuple):
    """All direct messages that a person sent or received were deleted."""

    identity: str


class RelationsChanged(NamedTuple):
    """Mutes and blocks began or ended."""

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
    """A report was submitted, or reopened by an addition; the reporter receives an answer."""

    report: StoredReport
    about: Person
    node: str = ""
    """The server that stored it; empty for a command of the administrator."""


class ReportChanged(NamedTuple):
    """The status of a report or the site's note changed."""

    report: StoredReport
    node: str = ""
    answered: bool = False
    """The reporter changed it, and receives an answer."""


class ReportDeleted(NamedTuple):
    """A report was deleted, because ReportDays have passed."""

    report_id: str


class PersonEntered(NamedTuple):
    """A person entered the room on a server, or a new login of theirs took their name over from another session."""

    person: Person
    node: str
    session: int
    """Number of the session on its server."""
    entry: WhoEntry
    rank: Rank
    member: bool
    """They are a member of the site."""
    number: int
    """Number of times that names have come into use in the room, see `storage.presence`."""


class EntryChanged(NamedTuple):
    """The rights of a person, or what others see of them, changed; the fields are those of PersonEntered."""

    person: Person
    node: str
    session: int
    entry: WhoEntry
    rank: Rank
    was_hidden: bool


class PersonExited(NamedTuple):
    """A session ended, so the person left the room; `why` is the message to everyone else."""

    person: Person
    node: str
    session: int
    why: str


class NodeOpened(NamedTuple):
    """A server joined those that share the room, or reloaded its settings; `settings` are digests by name."""

    node: str
    settings: dict[str, str]


class NodeGone(NamedTuple):
    """A server was silent for so long that the other servers removed it; everyone on it left the room."""

    node: str


class FrameSent(NamedTuple):
    """An encoded frame for all sessions of a person. The announcing server has already sent it to its own sessions."""

    identity: str
    frame: str
    node: str


class RemovalRequested(NamedTuple):
    """A request to end all sessions of a person. The announcing server may already have ended its own sessions."""

    identity: str
    name: str
    """End only the session with this name; empty: all of them."""
    words: str
    """The message to the person; empty: none."""
    announced: str
    """The message to everyone else."""
    reason: str
    """The reason in the close frame."""


class RankChanged(NamedTuple):
    """An operator granted a person the rights of an operator (`op`), or revoked them."""

    identity: str
    op: bool


class ClaimsAmended(NamedTuple):
    """The site changed its claims about a member who is in the room."""

    identity: str
    claims: Claims


class RoomRequest(Enum):
    """A request by an operator, the site or the administrator."""

    RELOAD = "reload"
    DISCONNECT_ALL = "disconnect all"
    SHUT_DOWN = "shut down"


class RoomRequested(NamedTuple):
    """A request to all servers. The announcing server has already acted on it."""

    request: RoomRequest
    node: str


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
    | PersonEntered
    | EntryChanged
    | PersonExited
    | NodeOpened
    | NodeGone
    | FrameSent
    | RemovalRequested
    | RankChanged
    | ClaimsAmended
    | RoomRequested
)

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""The kinds of events by name."""


def body_of(event: Event) -> str:
    """Return an event as JSON, without its kind."""
    return msgspec.json.encode(event).decode()


def event_of(kind: str, body: str) -> Event:
    """Return the event of this kind that `body_of` returned. Raises KeyError or msgspec.DecodeError."""
    return _decoder(kind).decode(body)


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(KINDS[kind])
