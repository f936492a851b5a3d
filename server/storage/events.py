"""What servers hear of once it is committed, see `Database.hear`.

An event tells a server that was not there all that follows from the commit. It is a named tuple of what msgspec can
write as JSON, since a database that several servers share passes it on as text.
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
    node: str = ""
    """The server that stored it; empty for a command of the administrator."""


class ReportChanged(NamedTuple):
    """The status of a report or the site's note changed."""

    report: StoredReport
    node: str = ""
    answered: bool = False
    """The reporter has changed it, and gets an answer."""


class ReportDeleted(NamedTuple):
    """A report was deleted, because its time was over."""

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
    """The site says who they are."""
    number: int
    """How often names have come into use."""


class EntryChanged(NamedTuple):
    """What others see of a person changed, or their rights; fields are those of PersonEntered."""

    person: Person
    node: str
    session: int
    entry: WhoEntry
    rank: Rank
    was_hidden: bool


class PersonExited(NamedTuple):
    """A session ended, and with it the person left the room; `why` is what others read."""

    person: Person
    node: str
    session: int
    why: str


class NodeOpened(NamedTuple):
    """A server joined those that share the room, or has read its settings; `settings` are digests by name."""

    node: str
    settings: dict[str, str]


class NodeGone(NamedTuple):
    """A server did not write for so long that the others removed it, and everyone there left the room."""

    node: str


class FrameSent(NamedTuple):
    """A frame, encoded, for all sessions of a person; the server that announces it has sent it to its own."""

    identity: str
    frame: str
    node: str


class RemovalRequested(NamedTuple):
    """All sessions of a person end at once, unless the server that asks has ended its own before."""

    identity: str
    name: str
    """Only the session with this name ends; empty: all of them."""
    words: str
    """What they read; nothing if it is empty."""
    announced: str
    """What others read."""
    reason: str
    """The reason of the closing frame."""


class RankChanged(NamedTuple):
    """An operator gave a person the rights of one, or took them; `op`: gave."""

    identity: str
    op: bool


class ClaimsAmended(NamedTuple):
    """The site says something else about a member who is in the room."""

    identity: str
    claims: Claims


class RoomRequest(Enum):
    """What an operator, or the site, asks of every server."""

    RELOAD = "reload"
    DISCONNECT_ALL = "disconnect all"
    SHUT_DOWN = "shut down"


class RoomRequested(NamedTuple):
    """Every server is asked for something; the one that announces it has done it already."""

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
