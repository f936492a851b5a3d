"""What is said in the room: to whom, by whom, and who may read it."""

from collections.abc import Container
from datetime import datetime
from typing import NamedTuple

from server.protocol.codes import ErrorCode
from server.protocol.frames import MAX_MESSAGE_CHARS, Message, Reaction
from server.rules.refusal import Refusal


class Person(NamedTuple):
    """A name as it was granted, and who had it: names can be taken over by others later, identities cannot."""

    name: str
    identity: str


class Draft(NamedTuple):
    """A message that is not stored yet; a direct one has a peer and no channel."""

    author: Person
    channel: str
    peer: Person | None
    text: str
    nonce: str | None


class Publication(NamedTuple):
    """A stored message: a draft with its number and time (UTC). Taken back, only reports still see its text."""

    msg_id: int
    at: datetime
    author: Person
    channel: str
    peer: Person | None
    text: str
    nonce: str | None
    taken_back: bool = False
    reactions: tuple[Reaction, ...] = ()

    def readable_by(self, person: Person, apart: Container[str] = ()) -> bool:
        """Everyone reads the channels; a direct message only its two; nobody those from whom they are apart."""
        if self.author.identity in apart:
            return False
        return self.peer is None or person.identity in {self.author.identity, self.peer.identity}

    def channel_for(self, person: Person) -> str:
        """The channel's ID, or the other one of a direct message as `@username`."""
        if self.peer is None:
            return self.channel
        return f"@{self.peer.name if person.identity == self.author.identity else self.author.name}"

    def frame_for(self, person: Person) -> Message:
        """The message as this person receives it."""
        text = "" if self.taken_back else self.text
        return Message(
            self.channel_for(person),
            self.author.name,
            text,
            self.msg_id,
            self.at,
            self.nonce,
            self.taken_back,
            [] if self.taken_back else list(self.reactions),
        )


def check_text(text: str) -> str:
    """The text of a message without the white space around it. Refusal if it says nothing or too much."""
    trimmed = text.rstrip().lstrip("\r\n")
    if not trimmed.strip():
        raise Refusal(ErrorCode.BAD_MESSAGE, "The message is empty.")
    if len(trimmed) > MAX_MESSAGE_CHARS:
        raise Refusal(
            ErrorCode.BAD_MESSAGE,
            f"A message has at most {MAX_MESSAGE_CHARS} characters; this one has {len(trimmed)}. Send it in parts.",
        )
    return trimmed


def check_takeback(publication: Publication | None, person: Person, apart: Container[str]) -> Publication:
    """The message as it is once taken back. Refusal if it is not there for this person, or somebody else's."""
    if publication is None or not publication.readable_by(person, apart):
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "There is no such message here.")
    if publication.author.identity != person.identity:
        raise Refusal(ErrorCode.NOT_YOURS, "Only its author can take a message back.")
    return publication._replace(taken_back=True)
