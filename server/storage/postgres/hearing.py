"""Delivers the events of all servers of a room to the listeners on this one: in the order of the commits, each once."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from server.storage.events import Event
from server.storage.journal import Journal
from server.storage.pending import PendingWrite

Batch = Sequence[PendingWrite[object]]


class Position(NamedTuple):
    """A position in the events of a room: the number of the last event, and its time, to detect a replaced history."""

    number: int
    at: int


class Commit(NamedTuple):
    """A commit of this server, with the numbers of the last event `before` it and `after` it, and the time `now`."""

    before: int
    after: int
    now: int
    events: Sequence[Event]


class NewsRow(NamedTuple):
    """A stored event; `event` is None if this version does not know its kind."""

    number: int
    at: int
    event: Event | None


class Hearing:
    """Passes events to listeners, on the loop: its own from the writer thread, those of other servers from the tail."""

    def __init__(self, loop: asyncio.AbstractEventLoop, position: Position) -> None:
        self.journal = Journal()
        self._loop = loop
        self._lock = threading.Lock()
        self._position = position
        """The position up to which events were passed to the loop."""
        self._known = position.number
        """The number of the last event that is known to be committed."""
        self._heard = position.number
        """The number of the last event that listeners have received. Used only on the loop."""
        self._parked = deque[tuple[int, Batch]]()
        """Stored writes whose events have not reached the listeners yet, each with the number of its last event."""

    @property
    def position(self) -> Position:
        """The position up to which this server has read."""
        with self._lock:
            return self._position

    @property
    def behind(self) -> int:
        """The number of events to read, as far as this server knows."""
        with self._lock:
            return self._known - self._position.number

    def know(self, number: int) -> None:
        """Note that other servers have committed events up to this number."""
        with self._lock:
            self._known = max(self._known, number)

    def add_own(self, commit: Commit, batch: Batch) -> None:
        """Pass on a commit of this server, or leave it to the tail if events of other servers precede it."""
        with self._lock:
            self._known = max(self._known, commit.after)
            if self._position.number == commit.before:
                if commit.events:
                    self._position = Position(commit.after, commit.now)
                self._loop.call_soon_threadsafe(self._hear, commit.events, commit.after, batch)
            else:
                self._loop.call_soon_threadsafe(self._park, commit.after, batch)

    def add_read(self, rows: Sequence[NewsRow]) -> None:
        """Pass on events that the tail has read."""
        with self._lock:
            # The writer may have passed on some of them already.
            fresh = [row for row in rows if row.number > self._position.number]
            if fresh:
                self._position = Position(fresh[-1].number, fresh[-1].at)
                self._known = max(self._known, fresh[-1].number)
                events = [row.event for row in fresh if row.event is not None]
                self._loop.call_soon_threadsafe(self._hear, events, fresh[-1].number)

    def _hear(self, events: Sequence[Event], number: int, batch: Batch = ()) -> None:
        self.journal.pass_on(events)
        self._heard = number
        while self._parked and self._parked[0][0] <= number:
            _complete(self._parked.popleft()[1])
        _complete(batch)

    def _park(self, number: int, batch: Batch) -> None:
        if number <= self._heard:
            _complete(batch)
        else:
            self._parked.append((number, batch))


def _complete(batch: Batch) -> None:
    for write in batch:
        write.done()
