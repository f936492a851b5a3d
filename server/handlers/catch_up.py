"""Catching up: what a user receives between the login and the first live message."""

import logging
from asyncio import Future, sleep
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from server.handlers.dispatch import Dispatcher
from server.handlers.pages import fit_messages, fit_reactions
from server.handlers.places import frames_of, listed
from server.protocol import names, target
from server.protocol.codes import CloseCode
from server.protocol.frames import Echo, PlaceEntry, Since
from server.room.session import Session, framed
from server.rules.messages import Person
from server.storage.base import Joined, Page, Reader, Recent, StorageError

log = logging.getLogger(__name__)

MAX_MISSED = 500
"""Maximum number of missed messages sent to a reconnecting client; the client shows the rest as a gap."""
MAX_CHANGED = 500
"""Maximum number of each of deletions, edits and changed reactions sent to a reconnecting client: the latest ones."""
MAX_KEPT = 100
"""Maximum number of direct messages delivered to a user who was away."""
CATCH_UP_FAILED = "Loading the messages you missed failed. Reconnect to try again."
SHARED = 8
"""Number of encoded echoes to cache."""
NO_AUTHOR = Person("", "-")
"""A reader who has written none of the messages."""


class Arrival(NamedTuple):
    """An admitted login, with the data that `catch_up` uses."""

    since: Since | None
    joined: "Future[Joined]"
    before: int
    """Messages from this msgID on are delivered as they arrive."""
    wait: float
    """Seconds by which the rate limit delays the reads."""
    is_new: bool
    """The login created the identity, so nothing is stored for this person."""


async def catch_up(dispatcher: Dispatcher, session: Session, arrival: Arrival) -> None:
    """Send the who list, missed messages, the channels' welcome lines and reports, then what was buffered meanwhile."""
    try:
        joined = await _joined(arrival.joined)
        await dispatcher.hub.send_who_list(session)
        if arrival.wait:
            await sleep(arrival.wait)
        missed = await _messages_and_places(dispatcher, session, arrival, joined)
        for wire in missed.wires:
            session.write(wire)
            await session.drained()
        if missed.direct and session.person:
            dispatcher.broker.delivered_to(session.person, missed.direct)
        for channel in dispatcher.live.channels_for(session.rank):
            for line in () if arrival.since else channel.welcome_messages:
                session.notice(channel.id, line)
        reports = None if arrival.is_new else dispatcher.live.reports
        if reports and (sent := await reports.sent_by(dispatcher.reader(session))).reports:
            session.send(sent)
    except Exception:
        # Continuing after any failure would leave a gap that the client cannot see.
        session.close(CloseCode.TRY_AGAIN_LATER, CATCH_UP_FAILED, reconnect=True)
        raise
    session.release()


async def _joined(joined: "Future[Joined]") -> Joined | None:
    try:
        return await joined
    except StorageError as error:
        # The user can still read.
        log.error("storing a user failed", extra={"error": str(error)})
        return None


class _Missed(NamedTuple):
    """The `echo` and `places` frames, and the numbers of the direct messages in them."""

    wires: list[bytes]
    direct: Sequence[int] = ()


async def _messages_and_places(
    dispatcher: Dispatcher, session: Session, arrival: Arrival, joined: Joined | None
) -> _Missed:
    reader, since = dispatcher.reader(session), arrival.since
    if since and since.epoch == dispatcher.broker.epoch:
        missed = _with_direct(await _missed_messages(dispatcher, reader, since.msg_id, arrival.before))
    else:
        recent = await _recent(dispatcher, session, arrival, joined)
        kept = Page([], more=False)
        if joined and joined.last_message is not None:
            kept = await dispatcher.broker.received(reader, joined.last_message, MAX_KEPT, arrival.before)
        missed = _echo(recent, kept, reader, recovered=since is None)
        if joined and arrival.is_new:
            entries = [PlaceEntry(channel, last, joined.read_from) for channel, last in recent.last.items()]
            return _Missed([*missed.wires, *map(framed, frames_of(entries))])
    places = await listed(dispatcher, reader, arrival.before)
    return _Missed([*missed.wires, *map(framed, places)], missed.direct)


def _with_direct(echo: Echo) -> _Missed:
    return _Missed([framed(echo)], [each.msg_id for each in echo.messages if target.is_conversation(each.channel)])


async def _missed_messages(dispatcher: Dispatcher, reader: Reader, after: int, before: int) -> Echo:
    """Return the messages between `after` and `before`, and the recent changes to those up to `after`."""
    page = await dispatcher.broker.missed(reader, after, MAX_MISSED, before)
    messages, complete = fit_messages(page, reader.person)
    taken_back = await dispatcher.broker.taken_back(reader, after, MAX_CHANGED)
    reacted = await dispatcher.broker.reacted(reader, after, MAX_CHANGED)
    edited = await dispatcher.broker.edited(reader, after, MAX_CHANGED)
    return Echo(messages, complete and not page.more, taken_back, fit_reactions(reacted), edited)


async def _recent(dispatcher: Dispatcher, session: Session, arrival: Arrival, joined: Joined | None) -> Recent:
    """Return the newest messages of each channel. The result is cached for readers from whom nothing is hidden."""
    reader = dispatcher.reader(session)
    wanted = tuple((each.id, each.echo_messages_on_join) for each in dispatcher.live.channels_for(session.rank))
    if joined is None or reader.hidden:
        return await dispatcher.broker.recent_for(reader, wanted, arrival.before)
    return await dispatcher.broker.recent(wanted, arrival.before, joined.changes)


def _echo(recent: Recent, kept: Page, reader: Reader, *, recovered: bool) -> _Missed:
    """Return the newest messages and the user's stored direct messages, ordered by msgID."""
    shared = _shared_echo(recent, recovered)
    person = reader.person
    if not kept.publications and person.identity not in shared.authors and names.key(person.name) not in shared.names:
        return _Missed([shared.wire])
    merged = sorted((*recent.publications, *kept.publications), key=lambda one: one.msg_id)
    return _with_direct(Echo(fit_messages(Page(merged, more=False), person)[0], recovered))


class _SharedEcho(NamedTuple):
    """An `echo` with the same bytes for everyone except authors of its messages and people with their names."""

    wire: bytes
    authors: Collection[str]
    names: Collection[str]


@lru_cache(SHARED)
def _shared_echo(recent: Recent, recovered: bool) -> _SharedEcho:  # noqa: FBT001 - lru_cache
    messages, _ = fit_messages(Page(recent.publications, more=False), NO_AUTHOR)
    authors = {one.author for one in recent.publications}
    return _SharedEcho(
        framed(Echo(messages, recovered)),
        frozenset(author.identity for author in authors),
        frozenset(names.key(author.name) for author in authors),
    )
