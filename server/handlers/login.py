"""Login: verifies who the user is, chooses the name, and admits the user to the room."""

import hashlib
import logging
import secrets
from asyncio import Future
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from server.handlers import costs, operators, ranks, sign_in
from server.handlers.catch_up import MAX_MISSED, Arrival, catch_up
from server.handlers.dispatch import Dispatcher
from server.handlers.sign_in import SignInRefused
from server.protocol import name_text, proof
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Login, Me, Ping, Pong, Since
from server.protocol.proof import Exchange, LoginKeys
from server.room.presence import NameClaim, end_replaced
from server.room.session import Session
from server.rules import lookalikes, names
from server.rules.dialects import dialect_of
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.rules.reservations import Obstacle
from server.rules.tokens import Claims
from server.storage.base import Joined, StorageError
from server.storage.pending import log_failure

log = logging.getLogger(__name__)

WHY_ANOTHER: Mapping[Obstacle | None, str] = {
    Obstacle.RESERVED: "is reserved for the person who used it last.",
    Obstacle.LOOKS_TAKEN: "looks like the name of someone here.",
}
"""Explanations for a user who gets a different name than requested. Clients themselves explain a name that is taken."""

NO_PLACE = "The server's storage is unavailable. Reconnect to try again."


class VerifiedLogin(NamedTuple):
    """A login with its verified user, under the name that they request."""

    frame: Login
    claimed: Person
    own_proof: bytes | None = None
    """The server's own proof, for a client that has proved the identity of its user."""
    claims: Claims | None = None

    @property
    def returns(self) -> bool:
        """Return whether a guest can log in again as the same person."""
        return bool(self.frame.token or self.frame.enrol or self.frame.prove)

    @property
    def is_new(self) -> bool:
        """Return whether this login created the identity."""
        return not (self.claims or self.frame.token or self.frame.prove)


def login(dispatcher: Dispatcher, session: Session, frame: Login) -> None:
    """Log a user in under a free name, or under their own name if their old connection still holds it."""
    if session.person:
        raise Refusal(
            ErrorCode.ALREADY_LOGGED_IN, f"You are already logged in as {name_text.quoted(session.person.name)}."
        )
    if session.verifying:
        raise Refusal(ErrorCode.ALREADY_LOGGED_IN, "Your previous login is still being verified; wait for the result.")
    try:
        dispatcher.limiter.count_login(session.address)
    except Refusal as refusal:
        # Closing makes clients that reconnect automatically back off.
        session.close(CloseCode.TRY_AGAIN_LATER, refusal.message, reconnect=True)
        return
    if sum(each is not None for each in (frame.token, frame.enrol, frame.prove)) > 1:
        raise Refusal(ErrorCode.MALFORMED, "A login may have only one of enrol, prove and token; send one of them.")
    session.dialect = dialect_of(frame)
    try:
        claims = sign_in.claims_of(dispatcher, frame)
        if claims:
            _admit(dispatcher, session, VerifiedLogin(frame, sign_in.member(claims), claims=claims))
        else:
            _log_in_guest(dispatcher, session, frame)
    except SignInRefused as refused:
        sign_in.turn_away(dispatcher, session, refused)


def _log_in_guest(dispatcher: Dispatcher, session: Session, frame: Login) -> None:
    name = names.check(frame.username)
    if frame.enrol or frame.prove:
        session.verifying = True
        dispatcher.start_task(session, _verify(dispatcher, session, frame, name), None)
    else:
        secret = frame.token or secrets.token_hex(16)
        identity = hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()
        _admit(dispatcher, session, VerifiedLogin(frame, Person(name, identity)))


async def _verify(dispatcher: Dispatcher, session: Session, frame: Login, name: str) -> None:
    """Verify an enrolment or a proof, then admit the user. Cancelled when the connection is lost."""
    try:
        identity, own_proof = await _identify(dispatcher, session, frame)
    finally:
        session.verifying = False
    _admit(dispatcher, session, VerifiedLogin(frame, Person(name, identity), own_proof))


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


def _admit(dispatcher: Dispatcher, session: Session, login: VerifiedLogin) -> None:
    """Claim a place in the room for a verified user."""
    pages = _login_pages(dispatcher, login.frame.since)
    try:
        wait = dispatcher.limiter.count_read(login.claimed.identity, session.address, pages)
    except Refusal as refusal:
        session.close(CloseCode.TRY_AGAIN_LATER, refusal.message, reconnect=True)
        return
    session.begin_login(login.claims, dnd=bool(login.frame.dnd))
    claim = NameClaim(
        session,
        choose=partial(_choose, dispatcher, session, login),
        granted=partial(_enter, dispatcher, session, login, wait),
        failed=partial(_fail, dispatcher, session),
        returns=login.returns,
        member=login.claims is not None,
    )
    dispatcher.presence.claim(claim)


def _choose(dispatcher: Dispatcher, session: Session, login: VerifiedLogin) -> Person | None:
    """Return the user with the name they get; None if they are refused. A member gets no other name than their own."""
    if _is_banned(dispatcher, session, login.claimed):
        return None
    if login.claims is None:
        return _free_name(dispatcher, login.claimed)
    try:
        sign_in.check_name(dispatcher, login.claimed)
    except SignInRefused as refused:
        sign_in.turn_away(dispatcher, session, refused)
        return None
    return login.claimed


def _enter(
    dispatcher: Dispatcher,
    session: Session,
    login: VerifiedLogin,
    wait: float,
    person: Person,
    joined: "Future[Joined]",
) -> None:
    """Add a user to the room once their place is granted, and start sending what they missed."""
    session.log_in(person)
    # While they waited for the name, the user may have been banned or may have disconnected.
    if not session.ended and not _is_banned(dispatcher, session, person):
        _greet(dispatcher, session, login)
    if before := dispatcher.join(session):
        end_replaced(before, person)
    if session.ended:
        dispatcher.leave(session)
        return
    _apply_relations(dispatcher, session, person)
    # Deliveries from here on are buffered, so the user has missed exactly what was delivered until now.
    arrival = Arrival(login.frame.since, joined, dispatcher.broker.delivered + 1, wait, is_new=login.is_new)
    dispatcher.start_task(session, catch_up(dispatcher, session, arrival), None)


def _is_banned(dispatcher: Dispatcher, session: Session, person: Person) -> bool:
    """Return whether a user is banned; if so, close their session."""
    remaining = dispatcher.people.ban_against(person)
    if remaining is not None:
        operators.refuse_banned(session, remaining)
    return remaining is not None


def _greet(dispatcher: Dispatcher, session: Session, login: VerifiedLogin) -> None:
    """Send a user their name, rights and VIP channels, and an explanation if they did not get the requested name."""
    name = session.logged_in_person.name
    session.send(Me(name, op=session.rank is Rank.OPERATOR, proof=login.own_proof))
    if session.rank >= Rank.VIP and dispatcher.live.vip_channels:
        session.send(dispatcher.live.welcome_for(session.rank))
    _explain_name(dispatcher, session, login.claimed)


def _fail(dispatcher: Dispatcher, session: Session, error: BaseException) -> None:
    """Refuse a user whose place could not be stored."""
    if not session.ended:
        dispatcher.answer_failure(session, None, error)
        session.close(CloseCode.TRY_AGAIN_LATER, NO_PLACE, reconnect=True)


def _explain_name(dispatcher: Dispatcher, session: Session, claimed: Person) -> None:
    """Explain to a user why their name is not the requested one."""
    if session.logged_in_person.name == claimed.name:
        return
    if why := WHY_ANOTHER.get(_obstacle(dispatcher, claimed)):
        first = next((channel.id for channel in dispatcher.live.channels_for(session.rank)), "")
        session.notice(first, f"{name_text.quoted(claimed.name)} {why}")


def _apply_relations(dispatcher: Dispatcher, session: Session, person: Person) -> None:
    """Send a user the lists of people they muted and blocked, and apply a member's blocks from the site."""
    ranks.lift_blocks(dispatcher, session)
    if dispatcher.people.relations.of(person.identity):
        session.send(dispatcher.relations_frame(person.identity))
    if session.is_member:
        sign_in.renew_regularly(dispatcher, session)
        spared = () if dispatcher.live.blockable_operators else dispatcher.hub.operators()
        dispatcher.people.apply_site_blocks(person.identity, spared).add_done_callback(log_failure)


def ping(dispatcher: Dispatcher, session: Session, frame: Ping) -> None:
    del dispatcher, frame
    session.send(Pong())


def _free_name(dispatcher: Dispatcher, claimed: Person) -> Person:
    """Return the user under a free name: spelled as in the user's other session, if the login replaces one."""
    people = dispatcher.people
    name = names.free(claimed.name, lambda name: people.obstacle(name, claimed.identity) is not None)
    before = dispatcher.hub.find(name)
    return before.logged_in_person if before else claimed._replace(name=name)


def _obstacle(dispatcher: Dispatcher, claimed: Person) -> Obstacle | None:
    """Return why a user does not get the requested name. The name of a hidden operator appears to be reserved."""
    keys = lookalikes.keys(claimed.name)
    hidden = (each.logged_in_person.name for each in dispatcher.hub.everyone() if each.is_hidden)
    if any(not keys.isdisjoint(lookalikes.keys(name)) for name in hidden):
        return Obstacle.RESERVED
    return dispatcher.people.obstacle(*claimed)


def _login_pages(dispatcher: Dispatcher, since: Since | None) -> float:
    """Return the maximum number of pages that a login reads, including stored direct messages and places."""
    recent = sum(
        costs.pages(each.echo_messages_on_join) for each in dispatcher.live.channels if each.echo_messages_on_join
    )
    return 1 + costs.PLACES_PAGES + (costs.pages(MAX_MISSED) if since else recent)
