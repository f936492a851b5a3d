"""Direct messages that are not kept: delivered, held in memory for at most an hour, and never stored as messages."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from server.protocol import names, target
from server.protocol.frames import Reaction
from server.rules.messages import MessageDraft, Publication, Version, check_resend
from server.rules.reactions import ReactionChange
from server.storage.base import Reader
from server.storage.events import UnkeptChange

HELD_SECONDS = 3600.0
"""Time for which a message can still be reported, and is sent to a client that reconnects."""
MAX_HELD = 5_000
MAX_HELD_BYTES = 16 * 1024 * 1024


class UnkeptMessages:
    """The latest direct messages that are not kept, by number."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[int, Publication] = {}
        self._until: dict[int, float] = {}
        self._numbers: dict[tuple[str, str | None], int] = {}
        """The numbers of messages with a nonce, by the author's identity and the nonce."""
        self._bytes = 0
        self._unheard: list[UnkeptChange] = []

    def __contains__(self, msg_id: int) -> bool:
        return msg_id in self._held

    def add(self, publication: Publication) -> None:
        """Hold a message; the oldest are dropped when their time is over, or if there are too many."""
        now = self._clock()
        self._held[publication.msg_id] = publication
        self._until[publication.msg_id] = now + HELD_SECONDS
        if publication.nonce:
            self._numbers[publication.author.identity, publication.nonce] = publication.msg_id
        self._bytes += len(publication.text)
        self.expire()
        while len(self._held) > MAX_HELD or self._bytes > MAX_HELD_BYTES:
            self._drop(next(iter(self._held)))

    def expire(self) -> None:
        """Drop the messages whose time is over."""
        now = self._clock()
        while self._held and self._until[oldest := next(iter(self._held))] <= now:
            self._drop(oldest)

    def of(self, identity: str) -> list[int]:
        """Return the numbers of the messages that a person sent or received."""
        return [each.msg_id for each in self._held.values() if identity in _people(each)]

    def clear(self, identity: str) -> None:
        """Drop the messages that a person sent or received."""
        for msg_id in self.of(identity):
            self._drop(msg_id)

    def resent(self, draft: MessageDraft) -> Publication | None:
        """Return the message that a draft repeats. Raises Refusal if its author used the nonce for another message."""
        first = self._sent_with(draft.author.identity, draft.nonce)
        return check_resend(first, draft) if first else None

    def find_all(self, msg_ids: Sequence[int]) -> list[Publication]:
        """Return the messages with these numbers that are held."""
        return [self._held[msg_id] for msg_id in msg_ids if msg_id in self._held]

    def between(self, reader: Reader, after: int, before: int, *, other: str | None = None) -> list[Publication]:
        """Return a reader's messages above `after` and below `before` (0: no bound): all, or those with one person."""
        return [
            each
            for each in self._visible(reader)
            if after < each.msg_id and (not before or each.msg_id < before)
            if other is None or other in {names.key(person.name) for person in (each.author, each.peer) if person}
        ]

    def received(self, reader: Reader, after: int, before: int) -> list[Publication]:
        """Return the messages to a reader."""
        return [
            each
            for each in self.between(reader, after, before)
            if each.peer and each.peer.identity == reader.person.identity
        ]

    def texts_by(self, reader: Reader, author: str, channel: str) -> list[tuple[int, str]]:
        """Return the numbers and texts of the messages that an author sent to the reader, the latest first."""
        if not target.is_conversation(channel):
            return []
        key = names.key(author)
        found = [each for each in self.received(reader, 0, 0) if names.key(each.author.name) == key]
        return [(each.msg_id, each.text) for each in reversed(found)]

    def begin(self, change: UnkeptChange) -> None:
        """Note a change that this server announces; `latest` includes it even before its event arrives."""
        self._unheard.append(change)

    def give_up(self, change: UnkeptChange) -> None:
        """Forget a change that was begun: its event has arrived, or could not be announced."""
        if change in self._unheard:
            self._unheard.remove(change)

    def latest(self, msg_id: int) -> Publication:
        """Return a message with the changes that this server has begun."""
        publication = self._held[msg_id]
        for each in self._unheard:
            if each.publication.msg_id == msg_id:
                publication = _after(each, publication) or publication
        return publication

    def apply(self, change: UnkeptChange) -> bool:
        """Hold a new message, or change one; return False if an earlier change excludes this one."""
        self.give_up(change)
        before = self._held.get(change.publication.msg_id)
        if _is_new(change):
            if self._repeats(change.publication):
                return False
            self.add(change.publication)
            return True
        if before is None:
            # The message is from before this server started: pass the change on, although the message is not held.
            return True
        after = _after(change, before)
        if after:
            self._replace(after)
        return after is not None

    def _repeats(self, publication: Publication) -> bool:
        """Return whether this is a message that its author also sent to another server, which announced it first."""
        first = self._sent_with(publication.author.identity, publication.nonce)
        if first is None or first.peer != publication.peer:
            return False
        return first.text == publication.text or first.edited_at is not None or first.taken_back

    def _sent_with(self, identity: str, nonce: str | None) -> Publication | None:
        """Return the message that an author sent with a nonce, or None."""
        return self._held.get(self._numbers.get((identity, nonce), 0))

    def _visible(self, reader: Reader) -> Iterator[Publication]:
        self.expire()
        for each in self._held.values():
            if reader.person.identity in _people(each) and each.author.identity not in reader.hidden:
                yield each

    def _replace(self, publication: Publication) -> None:
        self._bytes += len(publication.text) - len(self._held[publication.msg_id].text)
        self._held[publication.msg_id] = publication

    def _drop(self, msg_id: int) -> None:
        dropped = self._held.pop(msg_id)
        self._bytes -= len(dropped.text)
        del self._until[msg_id]
        self._numbers.pop((dropped.author.identity, dropped.nonce), None)


def _people(publication: Publication) -> tuple[str, str]:
    return publication.author.identity, publication.peer.identity if publication.peer else ""


def _is_new(change: UnkeptChange) -> bool:
    return change.reaction is None and not change.edited and not change.publication.taken_back


def _after(change: UnkeptChange, before: Publication) -> Publication | None:
    """Return a message after a change; None if the message can no longer be changed.

    Only the changed part is applied, because servers can announce changes of one message at the same time.
    """
    if not change.reaction and not change.edited:
        return replace(before, taken_back=True)
    if before.taken_back:
        return None
    if change.reaction:
        return replace(before, reactions=tuple(_with_reaction(before.reactions, change.reaction)))
    return with_text(before, change.publication.text, change.publication.edited_at)


def with_text(before: Publication, text: str, at: datetime | None) -> Publication:
    """Return a message with this text, edited at this time; unchanged if it has the text already."""
    if before.text == text:
        return before
    versions = (*before.versions, Version(before.edited_at or before.at, before.text))
    return replace(before, text=text, edited_at=at, versions=versions)


def _with_reaction(reactions: Sequence[Reaction], change: ReactionChange) -> Iterator[Reaction]:
    name, found = change.person.name, False
    for each in reactions:
        if each.emoji != change.emoji:
            yield each
            continue
        found = True
        others = [username for username in each.usernames if username != name]
        usernames = others if change.remove else [*others, name]
        if usernames:
            yield replace(each, usernames=usernames)
    if not found and not change.remove:
        yield Reaction(change.emoji, [name])
