"""API calls by which the site manages its members, and shuts the server down."""

import asyncio
import time
from http import HTTPStatus
from itertools import permutations

from server.handlers import operators, sign_in
from server.handlers.dispatch import Dispatcher
from server.http.api_types import (
    AmendToken,
    Answer,
    Authenticate,
    BlockNow,
    ClearMessages,
    DisconnectNow,
    ErasedMessages,
    KeyCall,
    Removed,
    SiteBlocklist,
    TokenAnswer,
)
from server.http.member_calls import NO_TOKENS, signed_in
from server.protocol.frames import Block
from server.protocol.names import MAX_TYPED_CHARS
from server.room.session import Session
from server.rules import tokens
from server.rules.messages import Person
from server.rules.relations import Relation
from server.rules.requests import RefusedRequest
from server.rules.tokens import BadToken
from server.rules.visibility import GONE
from server.storage.events import ClaimsAmended, RemovalRequested, RoomRequest

SHUTDOWN_SECONDS = 2.0
"""Time between the answer to `shutdown` and the start of the shutdown, as in BareRTC."""
DISCONNECTED = "The site has ended your session."
KICKED = "has been kicked from the room!"
BAD_TOKEN = "Invalid JWT token."  # noqa: S105 - not a password


async def authenticate(dispatcher: Dispatcher, call: Authenticate) -> TokenAnswer:
    """Sign a token with these claims. They are checked when a user logs in with it."""
    return TokenAnswer(jwt=tokens.sign(call.claims, _secret(dispatcher), time.time()))


async def amend_token(dispatcher: Dispatcher, call: AmendToken) -> Answer:
    """Replace the claims of a member in the room. Does nothing for a guest."""
    key, here = _secret(dispatcher), dispatcher.hub.find(call.username)
    if here is None:
        raise RefusedRequest(HTTPStatus.NOT_FOUND, f"Username {call.username} is not online.")
    try:
        claims = tokens.verify(call.jwt_token, key)
    except BadToken:
        raise RefusedRequest(HTTPStatus.UNAUTHORIZED, BAD_TOKEN) from None
    if here.is_member:
        if tokens.identity_of(claims.sub) != here.logged_in_person.identity:
            raise RefusedRequest(HTTPStatus.UNAUTHORIZED, BAD_TOKEN)
        if isinstance(here, Session):
            sign_in.amend(dispatcher, here, here.logged_in_person, claims)
        else:
            dispatcher.presence.announce(ClaimsAmended(here.logged_in_person.identity, claims))
    return Answer()


async def blocklist(dispatcher: Dispatcher, call: SiteBlocklist) -> Answer:
    """Replace the list of people that a member has blocked on the site. It applies now and at each login."""
    others = [
        other
        for name in call.blocklist
        for other in _people_named(dispatcher, name)
        if dispatcher.live.blockable_operators or not dispatcher.hub.is_operator(other.identity)
    ]
    for person in _people_named(dispatcher, call.username):
        theirs = [other for other in others if other.identity != person.identity]
        await dispatcher.people.set_site_blocks(person.identity, theirs)
        _send_relations(dispatcher, person)
    return Answer()


async def block_now(dispatcher: Dispatcher, call: BlockNow) -> Answer:
    """Make all these people block each other, including operators."""
    people = [(name, each) for name in dict.fromkeys(call.usernames) for each in _people_named(dispatcher, name)]
    pairs = [(one, other) for (name, one), (another, other) in permutations(people, 2) if name != another]
    wanted = [
        Relation(one.identity, other.identity, other.name, blocked=True)
        for one, other in pairs
        if one.identity != other.identity
    ]
    await asyncio.gather(*(dispatcher.people.relate(each) for each in wanted))
    for one, other in pairs:
        dispatcher.notify(one.identity, Block(other.name))
    for _, one in people:
        _send_relations(dispatcher, one)
    return Answer()


async def disconnect_now(dispatcher: Dispatcher, call: DisconnectNow) -> Removed:
    """Disconnect these people."""
    removed = 0
    for name in dict.fromkeys(call.usernames):
        if here := dispatcher.hub.find(name):
            removed += 1
            person, announced = here.logged_in_person, KICKED if call.kick else GONE
            removal = RemovalRequested(person.identity, person.name, call.message, announced, DISCONNECTED)
            if isinstance(here, Session):
                operators.remove(dispatcher, here, removal)
            else:
                dispatcher.presence.announce(removal)
    return Removed(removed=removed)


async def clear_messages(dispatcher: Dispatcher, call: ClearMessages) -> ErasedMessages:
    """Delete all direct messages of the person that the site names, or of the member with this token."""
    if call.api_key:
        people = _people_named(dispatcher, call.username)
    else:
        people = [tokens.member(signed_in(dispatcher, call.jwt_token))]
    return ErasedMessages(messages_erased=sum([await dispatcher.broker.clear_direct(each.identity) for each in people]))


async def shutdown(dispatcher: Dispatcher, _call: KeyCall) -> Answer:
    """Shut the server down in an orderly way, with an exit code on which a service manager restarts it."""
    dispatcher.presence.request(RoomRequest.SHUT_DOWN)
    operators.announce_end(dispatcher)
    asyncio.get_running_loop().call_later(SHUTDOWN_SECONDS, dispatcher.shut_down)
    return Answer()


def _secret(dispatcher: Dispatcher) -> str:
    """Return the secret that signs tokens. Raises RefusedRequest if members do not sign in with tokens here."""
    if not dispatcher.live.sign_in.enabled:
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, NO_TOKENS)
    return dispatcher.live.sign_in.secret_key.reveal()


def _people_named(dispatcher: Dispatcher, name: str) -> list[Person]:
    """Return everyone the site may mean by a name: the person in the room, and the member with it, present or not."""
    if not 0 < len(name) <= MAX_TYPED_CHARS:
        return []
    here = dispatcher.hub.find(name)
    found = [here.logged_in_person if here else None]
    if dispatcher.live.sign_in.enabled:
        found.append(Person(name, tokens.identity_of(name)))
    elif not here:
        found.append(dispatcher.people.find(name))
    return list({each.identity: each for each in found if each}.values())


def _send_relations(dispatcher: Dispatcher, person: Person) -> None:
    dispatcher.notify(person.identity, dispatcher.relations_frame(person.identity))
