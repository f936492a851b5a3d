"""Everyone in the room, and the fan-out to the sessions on this server: a frame is encoded once for all of them."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Sequence
from typing import TypeVar

from server.ops.metrics import Traffic
from server.protocol import names
from server.protocol.frames import Edited, Frame, Presence, Reacted, Takeback
from server.room.elsewhere import Elsewhere
from server.room.presence_feed import PresenceFeed
from server.room.present import Present
from server.room.session import Session, framed
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.relations import RelationIndex
from server.rules.visibility import GONE, JOINED
from server.storage.events import EntryChanged, MessageChange

Listed = TypeVar("Listed", Session, Elsewhere)


class Hub:
    """The logged-in sessions on this server and on the others, by name key."""

    def __init__(self, relations: RelationIndex, traffic: Traffic) -> None:
        self.traffic = traffic
        self._relations = relations
        relations.on_visibility_change = self._on_visibility_change
        self.sessions: dict[str, Session] = {}
        self.others: dict[str, Elsewhere] = {}
        self._by_identity: defaultdict[str, list[Session]] = defaultdict(list)
        self._others_by_identity: defaultdict[str, list[Elsewhere]] = defaultdict(list)
        self._feed = PresenceFeed(relations, self.sessions, self.everyone)
        self.send_who_list = self._feed.send_who_list
        self.change_view = self._feed.change_view
        self._vip_channels: Container[str] = ()

    def configure(self, vip_channels: Container[str], *, vip_secret: bool) -> None:
        """Set which channels only VIPs and operators can read, and whether only they see who is a VIP."""
        self._vip_channels = vip_channels
        if self._feed.configure(vip_secret=vip_secret):
            for each in self.everyone():
                self._broadcast_entry(each, was_hidden=each.is_hidden)

    def join(self, session: Session, person: Person) -> None:
        """Add a session. It receives no presence changes until the caller calls `send_who_list`.

        Nobody is notified if it replaces a session of the same person under the same name.
        """
        key = names.key(person.name)
        self._replace(key, session, person)
        self.sessions[key] = session
        self._by_identity[person.identity].append(session)
        self._feed.add_reader(session)

    def leave(self, session: Session, why: str = GONE) -> Person | None:
        """Remove a session.

        If its user thereby left the room, notify the others and return the user; otherwise return None.
        """
        self._feed.remove_reader(session)
        person = session.person
        if person is None or self.sessions.get(names.key(person.name)) is not session:
            return None
        self._remove(session)
        self._feed.broadcast(person.identity, Presence(person.name, why), was_hidden=session.is_hidden)
        return person

    def enter(self, other: Elsewhere) -> Session | None:
        """Add a person on another server. Return the session on this server that had their name, or None."""
        person = other.logged_in_person
        key = names.key(person.name)
        before = self.sessions.get(key)
        self._replace(key, other, person)
        self.others[key] = other
        self._others_by_identity[person.identity].append(other)
        return before

    def exit(self, other: Elsewhere, why: str = GONE) -> None:
        """Remove a person on another server, and show that they left."""
        person = other.logged_in_person
        self._remove(other)
        self._feed.broadcast(person.identity, Presence(person.name, why), was_hidden=other.is_hidden)

    def show_change(self, session: Session, *, was_hidden: bool = False) -> None:
        """Show everyone a person's current entry in the who list; `was_hidden` is from before the change."""
        if self.find(session.logged_in_person.name) is session:
            self._broadcast_entry(session, was_hidden=was_hidden)

    def change(self, changed: EntryChanged) -> None:
        """Apply a change of a person on another server."""
        if other := self.elsewhere(changed.person, changed.node, changed.session):
            other.change(changed)
            self._broadcast_entry(other, was_hidden=changed.was_hidden)

    def everyone(self) -> Iterator[Present]:
        """Yield everyone in the room."""
        yield from self.sessions.values()
        yield from self.others.values()

    def find(self, name: str) -> Session | Elsewhere | None:
        """Return the session of the person with this name; None if nobody in the room has it."""
        key = names.key(name)
        return self.sessions.get(key) or self.others.get(key)

    def elsewhere(self, person: Person, node: str, number: int) -> Elsewhere | None:
        """Return a person's session on another server; None if it no longer exists."""
        other = self.others.get(names.key(person.name))
        return other if other and (other.node, other.number) == (node, number) else None

    def names(self) -> list[str]:
        """Return the names of everyone who is not hidden."""
        return [each.logged_in_person.name for each in self.everyone() if not each.is_hidden]

    def max_unsent(self) -> int:
        """Return the largest number of bytes that any client has left unread."""
        return max((session.unsent for session in self.sessions.values()), default=0)

    def sessions_of(self, identity: str) -> list[Session]:
        """Return all sessions of a person, whatever their names."""
        return [*self._by_identity.get(identity, ())]

    def others_of(self, identity: str) -> list[Elsewhere]:
        """Return a person's sessions on other servers."""
        return [*self._others_by_identity.get(identity, ())]

    def present(self, identity: str) -> list[Session | Elsewhere]:
        """Return a person's sessions on all servers."""
        return [*self.sessions_of(identity), *self.others_of(identity)]

    def is_here(self, identity: str) -> bool:
        """Return whether a person is in the room."""
        return identity in self._by_identity or identity in self._others_by_identity

    def nodes_of(self, identity: str) -> int:
        """Return the number of servers that a person on this server is connected to."""
        return 1 + len({each.node for each in self._others_by_identity.get(identity, ())})

    def is_operator(self, identity: str) -> bool:
        """Return whether a person is in the room as an operator."""
        return any(each.rank is Rank.OPERATOR for each in self.present(identity))

    def operators(self) -> set[str]:
        """Return the identities of the operators in the room."""
        return {each.logged_in_person.identity for each in self.everyone() if each.rank is Rank.OPERATOR}

    def deliver(self, news: Sequence[MessageChange]) -> None:
        """Deliver messages and changes to everyone who may read them, except those who muted or blocked the author.

        Consecutive messages that everyone reads become one write for each session.
        """
        wires: list[bytes] = []
        for one in news:
            author, excluded = one.publication.author, self._excluded(one)
            closed = one.publication.peer is None and one.publication.channel in self._vip_channels
            if one.publication.peer is None and not excluded and not closed:
                wires.append(framed(_frame(one, author)))
                continue
            self._deliver_to_all(wires)
            if one.publication.peer is None:
                self._deliver_to_all_but(framed(_frame(one, author)), excluded, Rank.VIP if closed else Rank.PERSON)
            else:
                self._deliver_to_pair(one, one.publication.peer, excluded)
        self._deliver_to_all(wires)

    def _on_visibility_change(self, one: str, other: str) -> None:
        """Show two people to each other as gone or present after a block changed."""
        apart = other in self._relations.blocked_with(one)
        for reader, seen in ((one, other), (other, one)):
            self._feed.show_visibility(self.sessions_of(reader), self.present(seen), apart=apart)

    def _excluded(self, news: MessageChange) -> Collection[str]:
        """Return the identities that must not receive this: they muted or blocked the author or the reactor."""
        author = news.publication.author.identity
        acting = news.reaction.person.identity if news.reaction else author
        excluded = self._relations.muted_by(author)
        return excluded if acting == author else {*excluded, *self._relations.muted_by(acting)}

    def _deliver_to_all(self, wires: list[bytes]) -> None:
        if wires:
            self.traffic.deliveries += len(wires) * len(self.sessions)
            wire = b"".join(wires)
            wires.clear()
            for session in self.sessions.values():
                session.deliver(wire)

    def _deliver_to_all_but(self, wire: bytes, but: Collection[str], least: Rank) -> None:
        for session in self.sessions.values():
            if session.rank >= least and session.logged_in_person.identity not in but:
                self.traffic.deliveries += 1
                session.deliver(wire)

    def _deliver_to_pair(self, news: MessageChange, peer: Person, excluded: Collection[str]) -> None:
        # By identity, because names may have changed hands since the message was sent.
        for identity in {news.publication.author.identity, peer.identity}.difference(excluded):
            for recipient in self.sessions_of(identity):
                self.traffic.deliveries += 1
                recipient.deliver(framed(_frame(news, recipient.logged_in_person)))

    def _broadcast_entry(self, present: Present, *, was_hidden: bool) -> None:
        person = present.logged_in_person
        entry = present.who_entry(person)
        self._feed.set(present, entry)
        self._feed.broadcast(person.identity, Presence(person.name, "", entry), was_hidden=was_hidden)

    def _replace(self, key: str, present: Present, person: Person) -> None:
        """List a session under a name, in place of the previous one.

        If the previous one belonged to another person, show that they left.
        """
        before, entry = self.sessions.get(key) or self.others.get(key), present.who_entry(person)
        is_same = before is not None and before.logged_in_person.identity == person.identity
        if before:
            self._remove(before)
        if before and not is_same:
            gone = before.logged_in_person
            self._feed.broadcast(gone.identity, Presence(gone.name, GONE), was_hidden=before.is_hidden)
        if not is_same:
            self._feed.broadcast(person.identity, Presence(person.name, JOINED, entry))
        self._feed.set(present, entry)

    def _remove(self, present: Session | Elsewhere) -> None:
        person = present.logged_in_person
        key = names.key(person.name)
        self._feed.remove(present)
        if isinstance(present, Session):
            del self.sessions[key]
            _drop(self._by_identity, person.identity, present)
        else:
            del self.others[key]
            _drop(self._others_by_identity, person.identity, present)


def _drop(index: dict[str, list[Listed]], identity: str, present: Listed) -> None:
    """Remove a session from an index by identity."""
    index[identity].remove(present)
    if not index[identity]:
        del index[identity]


def _frame(news: MessageChange, person: Person) -> Frame:
    if news.reaction:
        by = news.reaction
        return Reacted(news.publication.msg_id, by.person.name, by.emoji, by.remove)
    if news.edited:
        return Edited(news.publication.msg_id, news.publication.text)
    if news.publication.taken_back:
        return Takeback(news.publication.msg_id)
    return news.publication.frame_for(person)
