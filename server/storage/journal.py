"""Passes the events of each commit to listeners, in order."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar, cast

from server.storage.events import Event

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=Event)
Heard = TypeVar("Heard")


class Journal:
    """The listeners of a database, by kind of event."""

    def __init__(self) -> None:
        self._listeners: defaultdict[type[object], list[Callable[[Sequence[Event]], None]]] = defaultdict(list)

    def hear(self, kind: type[Kind], listener: Callable[[Sequence[Kind]], None]) -> None:
        """See Database."""
        self._listeners[kind].append(cast(Callable[[Sequence[Event]], None], listener))

    def pass_on(self, events: Sequence[Event]) -> None:
        """Pass committed events to their listeners."""
        for kind, run in groupby(events, type):
            if listeners := self._listeners.get(kind):
                call_all(listeners, [*run])


def call_all(listeners: Sequence[Callable[[Sequence[Heard]], None]], events: Sequence[Heard]) -> None:
    """Pass events to all of these listeners, even if some of them fail."""
    for listener in listeners:
        _call(listener, events)


def one_by_one(listener: Callable[[Heard], None]) -> Callable[[Sequence[Heard]], None]:
    """Return a listener that passes on each event, even if some of them fail."""

    def hear(events: Sequence[Heard]) -> None:
        for event in events:
            _call(listener, event)

    return hear


def _call(listener: Callable[[Heard], None], heard: Heard) -> None:
    try:
        listener(heard)
    except Exception:
        log.exception("a listener failed")
