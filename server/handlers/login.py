"""Login: who a user is, and under which name."""

import hashlib
import logging
import secrets

from server.handlers import costs, operators, sign_in
from server.handlers.catch_up import MAX_MISSED, Arrival, catch_up
from server.handlers.dispatch import Dispatcher
from server.handlers.sign_in import SignInRefused
from server.protocol import name_text, proof
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Login, Me, Ping, Pong, Since
from server.protocol.proof import Exchange, LoginKeys
from server.room.session import Session
from server.rules import lookalikes, names
from server.rules.dialects import dialect_of
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.rules.reservations import Obstacle
from server.rules.tokens import Claims
from server.storage.base import StorageError

log = logging.getLogger(__name__)

WHY_ANOTHER = {
    Obstacle.RESERVED: "is reserved for the person who used it last.",
    Obstacle.LOOKS_TAKEN: "looks like the name of someone here.",
}
"""Why a user does not get the name that they asked for; a client says by itself that a name is taken."""


def login(dispatcher: Dispatcher, session: Session, frame: Login) -> None:
    """Log a user in under a free name, or under their own name if their old connection still holds it."""
    if session.person:
        raise Refusal(ErrorCode.ALREADY_LOGGED_IN, f"You are already logged in as {session.person.name}.")
    if session.verifying:
        raise Refusal(ErrorCode.ALREADY_LOGGED_IN, "Your previous login is still being verified; wait for the result.")
    try:
        dispatcher.limiter.count_login(session.address)
    except Refusal as refusal:
        # Closing makes a client that reconnects by itself back off.
        session.close(CloseCode.TRY_AGAIN_LATER, refusal.message, reconnect=True)
        return
    if sum(each is not None for each in (frame.token, frame.enrol, frame.prove)) > 1:
        raise Refusal(ErrorCode.MALFORMED, "A login may have only one of enrol, prove and token; send one of them.")
    session.dialect = dialect_of(frame)
    try:
        claims = sign_in.claims_of(dispatcher, frame)
        if claims:
            _admit(dispatcher, session, frame, sign_in.member(claims), claims=claims)
            return
    except SignInRefused as refused:
        sign_in.turn_away(dispatcher, session, refused)
        return
    name = names.check(frame.username)
    if frame.enrol or frame.prove:
        session.verifying = True
        dispatcher.start_task(session, _verify(dispatcher, session, frame, name), None)
    else:
        secret = frame.token or secrets.token_hex(16)
        identity = hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()
        _admit(dispatcher, session, frame, Person(name, identity))


async def _verify(dispatcher: Dispatcher, session: Session, frame: Login, name: str) -> None:
    """Verify an enrolment or a proof, then admit the user. Cancelled when the connection is lost."""
    try:
        identity, own_proof = await _identify(dispatcher, session, frame)
    finally:
        session.verifying = False
    _admit(dispatcher, session, frame, Person(name, identity), own_proof)


async def _identify(dispatcher: Dispatcher, session: Session, frame: Login) -> tuple[str, bytes | None]:
    """Return the identity of a login, and the server's own proof. Raises Refusal or StorageError."""
    if frame.enrol:
        keys = LoginKeys(frame.enrol.stored_key, frame.enrol.server_key)
        identity = proof.identity(keys.stored_key, session.challenge)
        try:
            await dispatcher.people.enrol(identity, keys)
        except StorageError as error:
            # The user can chat now, but will be a new person at the next login.
            log.error("storing a login key failed", extra={"error": str(error)})
        return identity, None
    if frame.prove is None:
        raise ValueError("login without enrol or prove")
    known = await dispatcher.people.login_keys(frame.prove.identity, session.queue_key)
    if known is None:
        raise Refusal(ErrorCode.UNKNOWN_IDENTITY, "This server has no record of your identity; enrol as a new person.")
    exchange = Exchange(dispatcher.live.welcome.server, session.challenge, frame.prove.client_nonce, frame.username)
    if not proof.verify_client(frame.prove.proof, known.stored_key, exchange):
        raise Refusal(ErrorCode.BAD_PROOF, "The proof of your identity is wrong; connect again.")
    return frame.prove.identity, proof.server_proof(known.server_key, exchange)


def _admit(
    dispatcher: Dispatcher,
    session: Session,
    frame: Login,
    claimed: Person,
    own_proof: bytes | None = None,
    claims: Claims | None = None,
) -> None:
    """Add a verified user to the room, and start sending what they missed. A member always gets their name."""
    if remaining := dispatcher.people.ban_against(claimed):
        operators.refuse_banned(session, remaining)
        return
    if claims:
        sign_in.make_room(dispatcher, claimed)
    person, before = (claimed, dispatcher.hub.find(claimed.name)) if claims else _assign_name(dispatcher, claimed)
    obstacle = _obstacle(dispatcher, claimed) if person.name != claimed.name else None
    try:
        wait = dispatcher.limiter.count_read(person.identity, session.address, _login_pages(dispatcher, frame.since))
    except Refusal as refusal:
        session.close(CloseCode.TRY_AGAIN_LATER, refusal.message, reconnect=True)
        return
    session.log_in(person, claims)
    session.dnd = bool(frame.dnd)
    session.send(Me(person.name, op=session.rank is Rank.OPERATOR, proof=own_proof))
    if session.rank >= Rank.VIP and dispatcher.live.vip_channels:
        session.send(dispatcher.live.welcome_for(session.rank))
    if obstacle in WHY_ANOTHER:
        first = next((channel.id for channel in dispatcher.live.channels_for(session.rank)), "")
        session.notice(first, f"{name_text.quoted(claimed.name)} {WHY_ANOTHER[obstacle]}")
    dispatcher.hub.join(session, person)
    dispatcher.lift_blocks(session)
    if dispatcher.people.relations.of(person.identity):
        session.send(dispatcher.relations_frame(person))
    if before:
        sign_in.replace(before)
    if claims:
        sign_in.renew_regularly(dispatcher, session)
        spared = () if dispatcher.live.blockable_operators else dispatcher.hub.operators()
        dispatcher.people.apply_site_blocks(person.identity, spared)
    # Deliveries from here on are buffered, so the user has missed exactly what was delivered until now.
    arrival = Arrival(
        since=frame.since,
        joined=dispatcher.people.joined(person, returns=_returns(frame), member=claims is not None),
        before=dispatcher.broker.delivered + 1,
        wait=wait,
        is_new=not (claims or frame.token or frame.prove),
    )
    dispatcher.start_task(session, catch_up(dispatcher, session, arrival), None)


def _returns(frame: Login) -> bool:
    """Return whether a guest can log in again as the same person."""
    return bool(frame.token or frame.enrol or frame.prove)


def ping(dispatcher: Dispatcher, session: Session, frame: Ping) -> None:
    """Reply to a ping."""
    del dispatcher, frame
    session.send(Pong())


def _assign_name(dispatcher: Dispatcher, claimed: Person) -> tuple[Person, Session | None]:
    """Return the user with the name they get, and their older session if this login replaces it."""
    people = dispatcher.people
    name = names.free(claimed.name, lambda name: people.obstacle(name, claimed.identity) is not None)
    before = dispatcher.hub.find(name)
    return (before.person, before) if before and before.person else (claimed._replace(name=name), None)


def _obstacle(dispatcher: Dispatcher, claimed: Person) -> Obstacle | None:
    """Return why a user does not get the requested name. The name of a hidden operator is said to be reserved."""
    keys = lookalikes.keys(claimed.name)
    hidden = (each.logged_in_person.name for each in dispatcher.hub.sessions.values() if each.is_hidden)
    if any(not keys.isdisjoint(lookalikes.keys(name)) for name in hidden):
        return Obstacle.RESERVED
    return dispatcher.people.obstacle(*claimed)


def _login_pages(dispatcher: Dispatcher, since: Since | None) -> float:
    """Return the maximum number of pages that a login reads, with those for stored direct messages and places."""
    recent = sum(
        costs.pages(each.echo_messages_on_join) for each in dispatcher.live.channels if each.echo_messages_on_join
    )
    return 1 + costs.PLACES_PAGES + (costs.pages(MAX_MISSED) if since else recent)
