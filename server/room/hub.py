"""Sessions of this node. What everyone receives is encoded once, and the bytes are written to each session."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Container, Sequence

from server.ops.metrics import Traffic
from server.protocol import names
from server.protocol.codes import CloseCode
from server.protocol.frames import Edited, Frame, Presence, Reacted, Takeback
from server.room.presence_wires import PresenceChange, PresenceWires
from server.room.session import BUFFER_OVERFLOW, DRAINED_BYTES, MAX_BUFFERED_BYTES, Session, framed
from server.room.who_pages import WhoLists, WhoPages
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.relations import RelationIndex
from server.rules.visibility import GONE, JOINED, View, view_of
from server.storage.events import StoredChange

PRESENCE_SHARE = 0.1
"""Maximum share of CPU time spent on broadcasting presence changes. A single change is sent at once; when everyone
reconnects together, changes are batched, which avoids a number of writes that is quadratic in the number of users."""

WHO_BYTES = 32 * 1024
"""Bytes of the who list after which a newcomer must have read nearly all of it before more is sent."""

WHO_SHARE = 0.05
"""Maximum share of CPU time spent on sending the whole who list to clients that expect it after every change."""
LIST_RETRY_SECONDS = 0.5
"""Time until a client that was still reading is sent the who list."""


class Hub:
    """The logged-in sessions, by name key."""

    def __init__(self, relations: RelationIndex, traffic: Traffic) -> None:
        self.traffic = traffic
        self._relations = relations
        relations.on_visibility_change = self._on_visibility_change
        self.sessions: dict[str, Session] = {}
        self._by_identity: defaultdict[str, list[Session]] = defaultdict(list)
        self._who = WhoLists()
        self._changes: list[PresenceChange] = []
        self._newcomers: set[Session] = set()
        """Sessions without a who list, which will have all changes until it is made."""
        self._known: dict[Session, int] = {}
        """How many of the queued changes the who list of a session has already."""
        self._held: dict[Session, list[bytes]] = {}
        """Presence changes for sessions that are receiving their who list."""
        self._flush_timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._listening: set[Session] = set()
        """Sessions that receive the whole who list after every change."""
        self._outdated: set[Session] = set()
        """Those of them whose list lacks a change."""
        self._lists_timer: asyncio.TimerHandle | None = None
        self._lists_quiet_until = 0.0
        self._vip_channels: Container[str] = ()
        self._vip_secret = False
        self._views = _views(vips_are_secret=False)

    def configure(self, vip_channels: Container[str], *, vip_secret: bool) -> None:
        """Set which channels only VIPs and operators can read, and whether only they see who is a VIP."""
        self._vip_channels = vip_channels
        if self._vip_secret != vip_secret:
            self._vip_secret, self._views = vip_secret, _views(vips_are_secret=vip_secret)
            for session in self.sessions.values():
                self.show_change(session, was_hidden=session.is_hidden)

    def join(self, session: Session, person: Person) -> None:
        """Add a session, which then waits for `send_who_list`.

        Others receive nothing if it replaces a session of the same name.
        """
        key, entry = names.key(person.name), session.who_entry(person)
        if key not in self.sessions:
            self._broadcast(session, Presence(person.name, JOINED, entry))
        self._forget(self.sessions.get(key))
        self.sessions[key] = session
        self._by_identity[person.identity].append(session)
        self._who.set(session, entry)
        self._newcomers.add(session)
        if session.dialect.who_lists:
            self._listening.add(session)

    async def send_who_list(self, session: Session) -> None:
        """Send a newcomer the who list, as fast as it is read, and then what changed meanwhile."""
        self._newcomers.discard(session)
        self._known[session] = len(self._changes)
        self._held[session] = []
        size = 0
        hidden = self._relations.blocked_with(_identity(session))
        pages = self._pages_for(session)
        for page in [pages.whole(hidden)] if session.dialect.who_lists else pages.wires(hidden):
            session.write(page)
            size += len(page)
            if size > WHO_BYTES:
                # The bytes count as unread once they are written, at the end of this turn of the event loop.
                await asyncio.sleep(0)
                await session.drained()
                size = 0
        for wire in self._held.pop(session, ()):
            session.write_now(wire)

    def leave(self, session: Session, why: str = GONE) -> Person | None:
        """Remove a session. If its user thereby left the room, notify the others and return the user."""
        self._newcomers.discard(session)
        self._listening.discard(session)
        self._outdated.discard(session)
        self._known.pop(session, None)
        self._held.pop(session, None)
        person = session.person
        if person is None or self.sessions.get(names.key(person.name)) is not session:
            return None
        self._forget(self.sessions.pop(names.key(person.name)))
        self._broadcast(session, Presence(person.name, why), was_hidden=session.is_hidden)
        return person

    def show_change(self, session: Session, *, was_hidden: bool = False) -> None:
        """Show everyone the entry of a person as it is now, and whether they are hidden."""
        person = session.logged_in_person
        entry = session.who_entry(person)
        if self.find(person.name) is session:
            self._who.set(session, entry)
            self._broadcast(session, Presence(person.name, "", entry), was_hidden=was_hidden)

    def change_view(self, session: Session) -> None:
        """Send a session the who list as it sees it now, after its rank has changed."""
        if session not in self._newcomers and session not in self._held:
            hidden, pages = self._relations.blocked_with(_identity(session)), self._pages_for(session)
            for page in [pages.whole(hidden)] if session.dialect.who_lists else pages.wires(hidden):
                session.write_now(page)

    def _broadcast(self, session: Session, presence: Presence, *, was_hidden: bool = False) -> None:
        """Queue a presence change for everyone who can see the person; sent soon, and in order."""
        self._changes.append(PresenceChange(_identity(session), presence, was_hidden))
        self._schedule_flush()

    def _view(self, session: Session) -> View:
        return self._views[session.rank]

    def _pages_for(self, session: Session) -> WhoPages:
        """Return the who list as a session sees it."""
        return self._who.seen_in(self._view(session), self.sessions.values())

    def find(self, name: str) -> Session | None:
        """Return the session logged in under a name, if any."""
        return self.sessions.get(names.key(name))

    def names(self) -> list[str]:
        """Return the names of everyone who is not hidden."""
        return [each.person.name for each in self.sessions.values() if each.person and not each.is_hidden]

    def max_unsent(self) -> int:
        """Return the largest number of bytes that any client has left unread."""
        return max((session.unsent for session in self.sessions.values()), default=0)

    def sessions_of(self, identity: str) -> list[Session]:
        """Return all sessions of a person, whatever their names."""
        return [*self._by_identity.get(identity, ())]

    def is_operator(self, identity: str) -> bool:
        """Return whether a person is here as an operator."""
        return any(session.rank is Rank.OPERATOR for session in self._by_identity.get(identity, ()))

    def operators(self) -> set[str]:
        """Return the identities of the operators who are here."""
        return {_identity(session) for session in self.sessions.values() if session.rank is Rank.OPERATOR}

    def deliver(self, news: Sequence[StoredChange]) -> None:
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
        """Show two people each other as gone or present after a block changed. Newcomers see it in their who list."""
        apart = other in self._relations.blocked_with(one)
        here = self.sessions_of(one), self.sessions_of(other)
        for readers, seen in (here, here[::-1]):
            changes = [
                PresenceChange("", Presence(person.name, GONE if apart else "", entry), each.is_hidden)
                for each in seen
                if (person := each.person)
                for entry in [None if apart else each.who_entry(person)]
            ]
            for reader in readers:
                wires = [change.wire(self._view(reader)) for change in changes]
                self._write_presence(reader, b"".join(each.wire for each in wires if each.suits(reader)))
            self._outdated |= self._listening.intersection(readers) - self._newcomers
        self._schedule_lists()

    def _excluded(self, news: StoredChange) -> Collection[str]:
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
            if session.rank >= least and _identity(session) not in but:
                self.traffic.deliveries += 1
                session.deliver(wire)

    def _deliver_to_pair(self, news: StoredChange, peer: Person, excluded: Collection[str]) -> None:
        # By identity: the name may be another person's by now, and theirs another one.
        for identity in {news.publication.author.identity, peer.identity}.difference(excluded):
            for recipient in self.sessions_of(identity):
                self.traffic.deliveries += 1
                recipient.deliver(framed(_frame(news, recipient.logged_in_person)))

    def _forget(self, session: Session | None) -> None:
        """Remove a session from the index by identity."""
        if session and session.person:
            self._who.remove(session)
            here = self._by_identity[session.person.identity]
            here.remove(session)
            if not here:
                del self._by_identity[session.person.identity]

    def _schedule_flush(self) -> None:
        if self._flush_timer is None:
            delay = max(0.0, self._quiet_until - time.monotonic())
            self._flush_timer = asyncio.get_running_loop().call_later(delay, self._flush)

    def _flush(self) -> None:
        """Send the queued changes, by the blocks that apply now."""
        start = time.monotonic()
        apart_from = [self._relations.blocked_with(change.about) for change in self._changes]
        apart = {identity for each in apart_from for identity in each}
        seen: dict[View, PresenceWires] = {}
        for session in self.sessions.values():
            identity, known, view = _identity(session), self._known.get(session, 0), self._view(session)
            wires = seen.get(view) or seen.setdefault(view, PresenceWires(self._changes, view))
            if identity in apart or not session.dialect.silent_presence:
                later = zip(apart_from[known:], wires.each[known:], strict=True)
                wire = b"".join(one.wire for hidden, one in later if identity not in hidden and one.suits(session))
            elif known or not session.dialect.gathered_presence:
                wire = wires.after(known)
            else:
                wire = wires.gathered
            self._write_presence(session, wire)
        self._outdate_lists(apart_from, seen)
        self._changes.clear()
        self._known.clear()
        self._schedule_lists()
        self._flush_timer = None
        end = time.monotonic()
        self._quiet_until = end + (end - start) / PRESENCE_SHARE

    def _outdate_lists(self, apart_from: Sequence[Collection[str]], seen: dict[View, PresenceWires]) -> None:
        """Note whose who list lacks one of the queued changes.

        A list in which nothing has changed would reveal that somebody unseen came or left.
        """
        for session in self._listening - self._newcomers:
            identity, known, view = _identity(session), self._known.get(session, 0), self._view(session)
            wires = seen.get(view) or seen.setdefault(view, PresenceWires(self._changes, view))
            later = zip(apart_from[known:], wires.each[known:], strict=True)
            if any(one.wire and identity not in hidden for hidden, one in later):
                self._outdated.add(session)

    def _schedule_lists(self) -> None:
        if self._lists_timer is None and self._outdated:
            delay = max(0.0, self._lists_quiet_until - time.monotonic())
            self._lists_timer = asyncio.get_running_loop().call_later(delay, self._send_lists)

    def _send_lists(self) -> None:
        """Send the whole who list to those who expect it, except to clients that have not read what they have."""
        start = time.monotonic()
        self._lists_timer = None
        shared: dict[View, bytes] = {}
        behind = {each for each in self._outdated if each in self._held or each.unsent > DRAINED_BYTES}
        for session in self._outdated - behind:
            hidden, view = self._relations.blocked_with(_identity(session)), self._view(session)
            if not hidden and view not in shared:
                shared[view] = self._pages_for(session).whole()
            session.write_now(self._pages_for(session).whole(hidden) if hidden else shared[view])
        self._outdated = behind
        end = time.monotonic()
        self._lists_quiet_until = end + max((end - start) / WHO_SHARE, LIST_RETRY_SECONDS if behind else 0.0)
        self._schedule_lists()

    def _write_presence(self, session: Session, wire: bytes) -> None:
        """Send presence changes to a session; nothing to a newcomer, whose who list will have them."""
        if not wire or session in self._newcomers:
            return
        held = self._held.get(session)
        if held is None:
            session.write_now(wire)
        elif sum(map(len, held)) + len(wire) <= MAX_BUFFERED_BYTES:
            held.append(wire)
        else:
            session.close(CloseCode.TRY_AGAIN_LATER, BUFFER_OVERFLOW, reconnect=True)


def _frame(news: StoredChange, person: Person) -> Frame:
    if news.reaction:
        by = news.reaction
        return Reacted(news.publication.msg_id, by.person.name, by.emoji, by.remove)
    if news.edited:
        return Edited(news.publication.msg_id, news.publication.text)
    if news.publication.taken_back:
        return Takeback(news.publication.msg_id)
    return news.publication.frame_for(person)


def _views(*, vips_are_secret: bool) -> dict[Rank, View]:
    return {rank: view_of(rank, vips_are_secret=vips_are_secret) for rank in Rank}


def _identity(session: Session) -> str:
    return session.person.identity if session.person else ""
