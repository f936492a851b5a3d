"""API calls on behalf of a member, authorized by their token: conversations and profiles."""

from http import HTTPStatus

from msgspec import UNSET

from server.handlers import costs
from server.handlers.dispatch import Dispatcher
from server.http.api_types import (
    ConversationPage,
    DirectMessage,
    MemberProfile,
    MessageHistory,
    MessageUsernames,
    ProfileLine,
    ProfileOf,
    Usernames,
)
from server.pacing.limiter import Allowance
from server.protocol import target
from server.room.elsewhere import Elsewhere
from server.room.session import Session
from server.rules import tokens
from server.rules.requests import RefusedRequest
from server.rules.tokens import BadToken, Claims
from server.storage.base import Reader
from server.webhooks.rendering import html_or_text

NO_TOKENS = "JWT authentication is not available."
NOT_HERE = "You are not logged into the chat room."
NO_MESSAGES = "you have no direct messages stored on this chat server"
NO_PROFILES = "Profiles are turned off on this server."
UNKNOWN_NAME = "Username Not Found"
PAGE = 20
"""Number of messages in a page, as in BareRTC."""
NAMES_PAGE = 9
"""Number of names in a page, as in BareRTC."""
MAX_COUNTED = 10_000
"""Maximum number of earlier messages that are counted for a page."""


def signed_in(dispatcher: Dispatcher, token: str) -> Claims:
    """Return the claims of a token. Raises RefusedRequest if it is not valid here."""
    if not token or not dispatcher.live.sign_in.enabled:
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, NO_TOKENS)
    try:
        claims = tokens.verify(token, dispatcher.live.sign_in.secret_key.reveal())
        tokens.member(claims)
    except BadToken as error:
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, f"{error}.") from None
    return claims


async def message_history(dispatcher: Dispatcher, call: MessageHistory) -> ConversationPage:
    reader = _reader(dispatcher, call.jwt_token, PAGE)
    conversation = target.conversation(call.username)
    found = await dispatcher.broker.history(reader, conversation, call.before_id, PAGE)
    shown = [each for each in reversed(found.publications) if not each.taken_back]
    texts = await html_or_text([each.text for each in shown]) if shown else []
    remaining = 0
    if found.more and found.publications:
        oldest = found.publications[0].msg_id
        remaining = len(await dispatcher.broker.numbers(reader, conversation, oldest, MAX_COUNTED))
    return ConversationPage(
        messages=[
            DirectMessage(each.author.name, text, each.msg_id, each.at.replace(microsecond=0))
            for each, text in zip(shown, texts, strict=True)
        ],
        remaining=remaining,
    )


async def message_usernames(dispatcher: Dispatcher, call: MessageUsernames) -> Usernames:
    """Return a page of the names of people that a member has conversations with."""
    reader = _reader(dispatcher, call.jwt_token, costs.PLACES_PAGES * costs.PAGE)
    places = await dispatcher.broker.places(reader, dispatcher.broker.delivered + 1)
    latest = {name: each.last_id for each in places if (name := target.name_of(each.channel)) is not None}
    if not latest:
        raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR, NO_MESSAGES)
    names = sorted(latest, key=str.casefold if call.sort in {"a-z", "z-a"} else lambda name: latest[name])
    if call.sort not in {"a-z", "oldest"}:
        names.reverse()
    start = (max(call.page, 1) - 1) * NAMES_PAGE
    return Usernames(usernames=names[start : start + NAMES_PAGE], count=len(names), pages=-(-len(names) // NAMES_PAGE))


async def profile(dispatcher: Dispatcher, call: ProfileOf) -> MemberProfile:
    """Return the site's profile of a person. The member who asks need not be in the room."""
    member = tokens.member(signed_in(dispatcher, call.jwt_token))
    profiles, known = dispatcher.live.profiles, dispatcher.people.find(call.username)
    if profiles is None:
        raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR, NO_PROFILES)
    if known and known.identity in dispatcher.people.relations.blocked_with(member.identity):
        raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR, UNKNOWN_NAME)
    dispatcher.limiter.count_action(Allowance.PROFILES, member.identity)
    found = await profiles.about(call.username)
    if found.error:
        raise RefusedRequest(HTTPStatus.INTERNAL_SERVER_ERROR, found.error)
    lines = [ProfileLine(each.name, each.value) for each in found.fields]
    return MemberProfile(headline=found.headline or UNSET, profile_fields=lines)


def _reader(dispatcher: Dispatcher, token: str, messages: int) -> Reader:
    """Return a member in the room as a reader, charged for this many messages. Raises RefusedRequest or Refusal."""
    here = _present(dispatcher, token)
    address = here.address if isinstance(here, Session) else ""
    dispatcher.limiter.count_read(here.logged_in_person.identity, address, costs.pages(messages))
    return dispatcher.reader(here)


def _present(dispatcher: Dispatcher, token: str) -> Session | Elsewhere:
    identity = tokens.member(signed_in(dispatcher, token)).identity
    for here in dispatcher.hub.present(identity):
        return here
    raise RefusedRequest(HTTPStatus.BAD_REQUEST, NOT_HERE)
