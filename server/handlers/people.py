"""People: status, mute, block and profile."""

from functools import partial

from server.handlers import ranks
from server.handlers.dispatch import Dispatcher
from server.protocol.codes import ErrorCode
from server.protocol.frames import Block, Blocklist, Mute, Profile, ProfileRequest, SetStatus, Unblock, Unmute
from server.room.session import Session
from server.rules import names
from server.rules.messages import Person
from server.rules.refusal import Refusal
from server.rules.relations import Relation
from server.rules.statuses import check_status
from server.rules.tokens import identity_of
from server.webhooks.profiles import Profiles


def status(dispatcher: Dispatcher, session: Session, frame: SetStatus) -> None:
    """Set the user's status or Do not disturb, and broadcast it."""
    was_hidden = session.is_hidden
    if frame.status is not None:
        session.status = check_status(frame.status, session.rank)
    if frame.dnd is not None:
        session.dnd = frame.dnd
    dispatcher.show_change(session, was_hidden=was_hidden)


def mute(dispatcher: Dispatcher, session: Session, frame: Mute) -> None:
    """Hide someone's messages from the user."""
    _relate(dispatcher, session, frame.username, blocked=False)


def unmute(dispatcher: Dispatcher, session: Session, frame: Unmute) -> None:
    _unrelate(dispatcher, session, frame.username, blocked=False)


def block(dispatcher: Dispatcher, session: Session, frame: Block) -> None:
    """Hide the user and someone else from each other."""
    _relate(dispatcher, session, frame.username, blocked=True)


def unblock(dispatcher: Dispatcher, session: Session, frame: Unblock) -> None:
    _unrelate(dispatcher, session, frame.username, blocked=True)


def block_all(dispatcher: Dispatcher, session: Session, frame: Blocklist) -> None:
    """Block those people on the list who are known and not blocked yet."""
    person, relations = session.logged_in_person, dispatcher.people.relations
    blocked = {each.other for each in relations.of(person.identity) if each.blocked} | {person.identity}
    wanted = {known.identity: known for name in frame.usernames if (known := _named(dispatcher, name))}
    for other in wanted.values():
        is_spared = not dispatcher.live.blockable_operators and dispatcher.hub.is_operator(other.identity)
        if other.identity not in blocked and not is_spared:
            _store_relation(dispatcher, session, other, blocked=True)


def _named(dispatcher: Dispatcher, name: str) -> Person | None:
    """Return the person with a name. If members sign in, an unknown name is that of a member who was never here."""
    known = dispatcher.people.find(name)
    return known or (Person(name, identity_of(name)) if dispatcher.live.sign_in.enabled else None)


def profile(dispatcher: Dispatcher, session: Session, frame: ProfileRequest) -> None:
    """Request a user's profile from the site, and send it to the client."""
    profiles = dispatcher.live.profiles
    if profiles is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "Profiles are turned off on this server.")
    known = dispatcher.people.find(frame.username)
    # A known name is not checked: an earlier version may have accepted one that would be rejected now.
    username = known.name if known else names.check(frame.username)
    if known and known.identity in dispatcher.people.relations.blocked_with(session.logged_in_person.identity):
        raise names.unknown(username)
    dispatcher.start_task(session, _send_profile(profiles, session, username, frame.nonce), frame.nonce)


def _relate(dispatcher: Dispatcher, session: Session, name: str, *, blocked: bool) -> None:
    person, other = session.logged_in_person, dispatcher.people.find(name)
    if other is None:
        raise names.unknown(name)
    if other.identity == person.identity:
        raise Refusal(ErrorCode.NOT_HERE, "You cannot mute or block yourself.")
    if blocked and not dispatcher.live.blockable_operators and dispatcher.hub.is_operator(other.identity):
        raise Refusal(ErrorCode.NOT_ALLOWED, "You are not allowed to block a chat operator.")
    _store_relation(dispatcher, session, other, blocked=blocked)


def _store_relation(dispatcher: Dispatcher, session: Session, other: Person, *, blocked: bool) -> None:
    person = session.logged_in_person
    dispatcher.people.relations.check(person.identity, other.identity)
    related = dispatcher.people.relate(Relation(person.identity, other.identity, other.name, blocked))

    def done(stored: None) -> None:
        _send_relations(dispatcher, session, stored)
        if blocked:
            ranks.spare_operator(dispatcher, session, other.identity)

    dispatcher.when_stored(session, related, done)


def _unrelate(dispatcher: Dispatcher, session: Session, name: str, *, blocked: bool) -> None:
    ended = dispatcher.people.unrelate(session.logged_in_person.identity, name, blocked=blocked)
    dispatcher.when_stored(session, ended, partial(_send_relations, dispatcher, session))


def _send_relations(dispatcher: Dispatcher, session: Session, _: None) -> None:
    """Send the user their updated list of muted and blocked people."""
    session.send(dispatcher.relations_frame(session.logged_in_person.identity))


async def _send_profile(profiles: Profiles, session: Session, username: str, nonce: str) -> None:
    text = await profiles.about(username)
    session.send(Profile(username, text.fields, nonce, text.headline, text.error))
