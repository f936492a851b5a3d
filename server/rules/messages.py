"""Messages: author, channel or recipient, and who may read them."""

from collections.abc import Container
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from server.protocol import names, target
from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_MESSAGE_CHARS, Message, Reaction
from server.rules.refusal import Refusal
from server.rules.storable import storable

NONCE_MILLISECONDS = 24 * 3600 * 1000
"""Time for which a nonce identifies one message or report of its sender."""


MAX_VERSIONS = 20
"""Maximum number of earlier texts of a message, all of which are evidence."""


class Person(NamedTuple):
    """A display name and the identity that holds it. Somebody else can get the name later, but never the identity."""

    name: str
    identity: str


class MessageAccess(NamedTuple):
    """The limits of a person's access to messages, and whether they may delete those of others."""

    blocked: Container[str] = ()
    """Identities with a block between them and the person."""
    closed: Container[str] = ()
    """Channels that the person may not read."""
    operator: bool = False


EVERYWHERE = MessageAccess()


class Keeping(Enum):
    """The retention of a message."""

    RECORDED = "recorded"
    UNTIL_DELIVERED = "until delivered"
    IN_MEMORY = "in memory"
    """It is delivered at once, and never stored as a message; between servers, it is an event for up to an hour."""


class MessageDraft(Struct, frozen=True):
    """A message that is not stored yet; a direct message has a peer and no channel."""

    author: Person
    channel: str
    peer: Person | None
    text: str
    nonce: str | None
    withheld: bool = False
    """A filter withheld it: only its author sees it."""
    keeping: Keeping = Keeping.RECORDED


class Version(NamedTuple):
    """An earlier text of a message, and when it was set (UTC)."""

    since: datetime
    text: str


class Publication(Struct, frozen=True, array_like=True):
    """A stored message, with its number and time (UTC). Once it is deleted, only reports may contain its text."""

    msg_id: int
    at: datetime
    author: Person
    channel: str
    peer: Person | None
    text: str
    nonce: str | None
    taken_back: bool = False
    reactions: tuple[Reaction, ...] = ()
    edited_at: datetime | None = None
    versions: tuple[Version, ...] = ()
    """Earlier texts, oldest first; only reports need them."""

    def readable_by(self, person: Person, access: MessageAccess = EVERYWHERE) -> bool:
        """Return whether a person with this access may read the message."""
        if self.author.identity in access.blocked:
            return False
        if self.peer is None:
            return self.channel not in access.closed
        return person.identity in {self.author.identity, self.peer.identity}

    def channel_for(self, person: Person) -> str:
        """Return the channel's ID, or for a direct message `@username` of the other person."""
        if self.peer is None:
            return self.channel
        other = self.peer if person.identity == self.author.identity else self.author
        return target.conversation(other.name)

    def frame_for(self, person: Person) -> Message:
        """Return the message as this person receives it."""
        text = "" if self.taken_back else self.text
        return Message(
            channel=self.channel_for(person),
            username=self.author.name,
            message=text,
            msg_id=self.msg_id,
            at=self.at,
            nonce=self.nonce,
            taken_back=self.taken_back,
            reactions=[] if self.taken_back else list(self.reactions),
            own=self._own_flag(person),
            edited=self.edited_at is not None and not self.taken_back,
        )

    def _own_flag(self, person: Person) -> bool | None:
        """Return whether a person is the author; None if comparing the names gives the right answer."""
        own = self.author.identity == person.identity
        if own:
            return None if self.author.name == person.name else True
        return False if names.key(self.author.name) == names.key(person.name) else None


def check_text(text: str) -> str:
    """Return the trimmed text of a message. Raises Refusal if it is empty or too long, or cannot be stored."""
    trimmed = storable(text, ErrorCode.BAD_MESSAGE).rstrip().lstrip("\r\n")
    if not trimmed.strip():
        raise Refusal(ErrorCode.BAD_MESSAGE, "The message is empty.")
    if len(trimmed) > MAX_MESSAGE_CHARS:
        raise Refusal(
            ErrorCode.BAD_MESSAGE,
            f"The message has {len(trimmed)} characters; the limit is {MAX_MESSAGE_CHARS}. Send it in parts.",
        )
    return trimmed


def check_resend(before: Publication, draft: MessageDraft) -> Publication:
    """Return an author's message if a draft with the same nonce repeats it. Raises Refusal if it is another message."""
    same_place = before.channel == draft.channel and _identity(before.peer) == _identity(draft.peer)
    # The text of a deleted message may be erased by now, and that of an edited one has changed.
    changed = before.edited_at is not None or (before.taken_back and not before.text)
    if not same_place or (before.text != draft.text and not changed):
        raise nonce_used("message")
    return before


def nonce_used(kind: str) -> Refusal:
    """Return the refusal of a nonce that its sender used for something else."""
    return Refusal(
        ErrorCode.NONCE_USED, f"You used this nonce for another {kind} within 24 hours. Send this one with a new nonce."
    )


def _identity(person: Person | None) -> str:
    return person.identity if person else ""


def check_edit(publication: Publication | None, person: Person, access: MessageAccess, text: str) -> Publication:
    """Return the message with its new text. Raises Refusal if this person may not edit it now."""
    before = _own(publication, person, access, "edit")
    if before.taken_back:
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "This message was deleted. Send a new one.")
    if len(before.versions) >= MAX_VERSIONS:
        raise Refusal(
            ErrorCode.BAD_MESSAGE,
            f"You have edited this message {MAX_VERSIONS} times, which is the limit. Send a new one.",
        )
    return replace(before, text=text)


def check_takeback(publication: Publication | None, person: Person, access: MessageAccess) -> Publication:
    """Return the message as deleted. Raises Refusal if it is not visible to this person, or not theirs."""
    if access.operator:
        return replace(readable(publication, person, access), taken_back=True)
    return replace(_own(publication, person, access, "delete"), taken_back=True)


def _own(publication: Publication | None, person: Person, access: MessageAccess, action: str) -> Publication:
    found = readable(publication, person, access)
    if found.author.identity != person.identity:
        raise Refusal(ErrorCode.NOT_YOURS, f"Only the author can {action} a message.")
    return found


def readable(publication: Publication | None, person: Person, access: MessageAccess = EVERYWHERE) -> Publication:
    """Return the message. Raises the same Refusal whether it does not exist or the person may not read it."""
    if publication is None or not publication.readable_by(person, access):
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "This message does not exist, or you cannot read it.")
    return publication
