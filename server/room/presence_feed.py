"""Who list and presence changes for the sessions on this server. Each session learns only of people it may see."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from server.protocol.codes import CloseCode
from server.protocol.frames import Presence, WhoEntry
from server.room.presence_wires import PresenceChange, PresenceWires
from server.room.present import Present
from server.room.session import BUFFER_OVERFLOW, DRAINED_BYTES, MAX_BUFFERED_BYTES, Session
from server.room.who_pages import WhoLists, WhoPages
from server.rules.ranks import Rank
from server.rules.relations import RelationIndex
from server.rules.visibility import GONE, View, view_of

PRESENCE_SHARE = 0.1
"""Maximum share of CPU time spent on broadcasting presence changes. A single change is sent at once; when everyone
reconnects together, changes are batched, which avoids a number of writes that is quadratic in the number of users."""

WHO_BYTES = 32 * 1024
"""Bytes of the who list that are sent at once. A newcomer must read nearly all of them before more are sent."""

WHO_SHARE = 0.05
"""Maximum share of CPU time spent on sending the whole who list to clients that expect it after every change."""
LIST_RETRY_SECONDS = 0.5
"""Time after which the who list is sent to a client that had too much unread data before."""


class PresenceFeed:
    """The who list in each view, and the changes that have not been sent yet."""

    def __init__(
        self,
        relations: RelationIndex,
        sessions: Mapping[str, Session],
        everyone: Callable[[], Iterable[Present]],
    ) -> None:
        """`sessions` are those that receive changes; `everyone` returns all people in the list."""
        self._relations = relations
        self._sessions = sessions
        self._everyone = everyone
        self._who = WhoLists()
        self._changes: list[PresenceChange] = []
        self._newcomers: set[Session] = set()
        """Sessions that wait for their who list, which will include all changes until then."""
        self._known: dict[Session, int] = {}
        """For each session, the number of queued changes that its who list already includes."""
        self._held: dict[Session, list[bytes]] = {}
        """Presence changes for sessions that are receiving their who list."""
        self._flush_timer: asyncio.TimerHandle | None = None
        self._quiet_until = 0.0
        self._listening: set[Session] = set()
        """Sessions that receive the whole who list after every change."""
        self._outdated: set[Session] = set()
        """Sessions in `_listening` whose last list lacks a change."""
        self._lists_timer: asyncio.TimerHandle | None = None
        self._lists_quiet_until = 0.0
        self._vip_secret = False
        self._views = _views(vips_are_secret=False)

    def configure(self, *, vip_secret: bool) -> bool:
        """Set whether only VIPs and operators see who is a VIP. Return whether this changed."""
        if self._vip_secret == vip_secret:
            return False
        self._vip_secret, self._views = vip_secret, _views(vips_are_secret=vip_secret)
        return True

    def set(self, present: Present, entry: WhoEntry) -> None:
        """Add a person to the who list, or replace their entry."""
        self._who.set(present, entry)

    def remove(self, present: Present) -> None:
        """Remove a person from the who list."""
        self._who.remove(present)

    def add_reader(self, session: Session) -> None:
        """Add a session. It receives nothing until `send_who_list`, whose list includes all changes until then."""
        self._newcomers.add(session)
        if session.dialect.who_lists:
            self._listening.add(session)

    def remove_reader(self, session: Session) -> None:
        """Send nothing more to a session."""
        self._newcomers.discard(session)
        self._listening.discard(session)
        self._outdated.discard(session)
        self._known.pop(session, None)
        self._held.pop(session, None)

    async def send_who_list(self, session: Session) -> None:
        """Send a newcomer the who list as fast as the client reads it, then the changes that were held meanwhile."""
        self._newcomers.discard(session)
        self._known[session] = len(self._changes)
        self._held[session] = []
        size, view = 0, self._view(session)
        for page in self._list_for(session):
            session.write(page)
            size += len(page)
            if size > WHO_BYTES:
                # The bytes count as unread once they are written, at the end of this turn of the event loop.
                await asyncio.sleep(0)
                await session.drained()
                size = 0
        for wire in self._held.pop(session, ()):
            session.write_now(wire)
        if self._view(session) != view:
            self.change_view(session)

    def change_view(self, session: Session) -> None:
        """Send a session the who list in its current view, after its rank has changed.

        A session that is still receiving its first list gets this one after it.
        """
        if session not in self._newcomers and session not in self._held:
            for page in self._list_for(session):
                session.write_now(page)

    def broadcast(self, about: str, presence: Presence, *, was_hidden: bool = False) -> None:
        """Queue a change for everyone who can see the person with this identity. Changes are sent soon, in order."""
        self._changes.append(PresenceChange(about, presence, was_hidden))
        if self._flush_timer is None:
            delay = max(0.0, self._quiet_until - time.monotonic())
            self._flush_timer = asyncio.get_running_loop().call_later(delay, self._flush)

    def show_visibility(self, readers: Collection[Session], seen: Iterable[Present], *, apart: bool) -> None:
        """Show people to these readers as gone (`apart`) or present, after a block changed.

        Newcomers are skipped, because their who list will be up to date.
        """
        changes = []
        for each in seen:
            person = each.logged_in_person
            presence = Presence(person.name, GONE) if apart else Presence(person.name, "", each.who_entry(person))
            changes.append(PresenceChange("", presence, each.is_hidden))
        for reader in readers:
            wires = [change.wire(self._view(reader)) for change in changes]
            self._write(reader, b"".join(each.wire for each in wires if each.suits(reader)))
        self._outdated |= self._listening.intersection(readers) - self._newcomers
        self._schedule_lists()

    def _view(self, session: Session) -> View:
        return self._views[session.rank]

    def _list_for(self, session: Session) -> list[bytes]:
        """Return the frames of the who list that a session may see, in its dialect."""
        hidden, pages = self._relations.blocked_with(_identity(session)), self._pages_for(session)
        return [pages.whole(hidden)] if session.dialect.who_lists else pages.wires(hidden)

    def _pages_for(self, session: Session) -> WhoPages:
        """Return the who list in a session's view."""
        return self._who.seen_in(self._view(session), self._everyone)

    def _flush(self) -> None:
        """Send the queued changes, according to the blocks that apply now."""
        start = time.monotonic()
        apart_from = [self._relations.blocked_with(change.about) for change in self._changes]
        apart = {identity for each in apart_from for identity in each}
        seen: dict[View, PresenceWires] = {}
        for session in self._sessions.values():
            identity, known, view = _identity(session), self._known.get(session, 0), self._view(session)
            wires = seen.get(view) or seen.setdefault(view, PresenceWires(self._changes, view))
            if identity in apart or not session.dialect.silent_presence:
                later = zip(apart_from[known:], wires.each[known:], strict=True)
                wire = b"".join(one.wire for hidden, one in later if identity not in hidden and one.suits(session))
            elif known or not session.dialect.gathered_presence:
                wire = wires.after(known)
            else:
                wire = wires.gathered
            self._write(session, wire)
        self._outdate_lists(apart_from, seen)
        self._changes.clear()
        self._known.clear()
        self._schedule_lists()
        self._flush_timer = None
        end = time.monotonic()
        self._quiet_until = end + (end - start) / PRESENCE_SHARE

    def _outdate_lists(self, apart_from: Sequence[Collection[str]], seen: dict[View, PresenceWires]) -> None:
        """Note the sessions whose who list lacks a queued change that they can see.

        Sending an unchanged list would reveal that a person they cannot see has joined or left.
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
        """Send the whole who list to clients that expect it; to those with much unread data, send it later."""
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

    def _write(self, session: Session, wire: bytes) -> None:
        """Send presence changes to a session, except to a newcomer, whose who list will include them."""
        if not wire or session in self._newcomers:
            return
        held = self._held.get(session)
        if held is None:
            session.write_now(wire)
        elif sum(map(len, held)) + len(wire) <= MAX_BUFFERED_BYTES:
            held.append(wire)
        else:
            session.close(CloseCode.TRY_AGAIN_LATER, BUFFER_OVERFLOW, reconnect=True)


def _views(*, vips_are_secret: bool) -> dict[Rank, View]:
    return {rank: view_of(rank, vips_are_secret=vips_are_secret) for rank in Rank}


def _identity(session: Session) -> str:
    return session.person.identity if session.person else ""
