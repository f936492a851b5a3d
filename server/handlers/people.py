"""People among each other: status, mute, block, profile."""

from asyncio import Future
from functools import partial
from typing import TypeVar

from server.handlers.dispatch import Room
from server.protocol import name_text
from server.protocol.codes import ErrorCode
from server.protocol.frames import Block, Mute, Presence, Profile, ProfileAsk, Status, Unblock, Unmute
from server.room.session import Session
from server.rules import names
from server.rules.refusal import Refusal
from server.rules.relations import Relation
from server.rules.statuses import check_status
from server.webhooks.profiles import Profiles

Stored = TypeVar("Stored")


def status(room: Room, session: Session, frame: Status) -> None:
    """Say how one is, to everyone."""
    person = session.someone
    if frame.status is not None:
        session.status = check_status(frame.status)
    if frame.dnd is not None:
        session.dnd = frame.dnd
    room.hub.tell(person, Presence(person.name, "", session.who_entry(person)))


def mute(room: Room, session: Session, frame: Mute) -> None:
    """Read a person no more."""
    _relate(room, session, frame.username, blocked=False)


def unmute(room: Room, session: Session, frame: Unmute) -> None:
    """Read a person again."""
    ended = room.company.unrelate(session.someone.identity, frame.username, blocked=False)
    ended.add_done_callback(partial(_told, room, session))


def block(room: Room, session: Session, frame: Block) -> None:
    """See a person no more, nor be seen by them."""
    _relate(room, session, frame.username, blocked=True)


def unblock(room: Room, session: Session, frame: Unblock) -> None:
    """Take a block back."""
    ended = room.company.unrelate(session.someone.identity, frame.username, blocked=True)
    ended.add_done_callback(partial(_told, room, session))


def profile(room: Room, session: Session, frame: ProfileAsk) -> None:
    """Ask the site about a person."""
    if room.profiles is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "This site shows no profiles here.")
    known = room.company.find(frame.username)
    # A name that an earlier version granted may not pass the check any more.
    username = known.name if known else names.check(frame.username)
    if known and known.identity in room.company.relations.apart_from(session.someone.identity):
        raise Refusal(ErrorCode.NOT_HERE, f"Nobody called {name_text.quoted(username)} has been here.")
    room.start(session, _send_profile(room.profiles, session, username, frame.nonce), frame.nonce)


def _relate(room: Room, session: Session, name: str, *, blocked: bool) -> None:
    person, other = session.someone, room.company.find(name)
    if other is None:
        raise Refusal(ErrorCode.NOT_HERE, f"Nobody called {name_text.quoted(name)} has been here.")
    if other.identity == person.identity:
        raise Refusal(ErrorCode.NOT_HERE, "That is you.")
    related = room.company.relate(Relation(person.identity, other.identity, other.name, blocked))
    related.add_done_callback(partial(_told, room, session))


def _told(room: Room, session: Session, stored: "Future[Stored]") -> None:
    """Tell a person whom they do not read now."""
    if stored.cancelled():
        return
    room.failed(session, None, stored.exception())
    if not stored.exception() and session.person:
        session.send(room.relations_of(session.person))


async def _send_profile(profiles: Profiles, session: Session, username: str, nonce: str) -> None:
    text = await profiles.about(username)
    session.send(Profile(username, text.fields, nonce, text.headline, text.error))
