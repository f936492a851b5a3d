"""Members of the site: verifies their tokens at login, and renews them while they are connected."""

import asyncio
import time

from server.handlers import ranks
from server.handlers.dispatch import Dispatcher
from server.protocol import name_text
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Login, Me, Pong
from server.room.session import Session
from server.rules import tokens
from server.rules.messages import Person
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.rules.tokens import BadToken, Claims

MAX_REASON_BYTES = 123
"""Maximum length of the reason in a close frame (RFC 6455, section 5.5)."""
GO_BACK = "Open the chat from your site again."


class SignInRefused(Refusal):
    """The refusal of a login without a usable token, after which the connection is closed."""


def claims_of(dispatcher: Dispatcher, frame: Login) -> Claims | None:
    """Return the claims of the user who logs in; None for a guest.

    Raises SignInRefused if the token is not valid, or if one is required and missing.
    """
    sign_in = dispatcher.live.sign_in
    if not sign_in.enabled:
        return None
    if not frame.jwt:
        if sign_in.strict:
            raise SignInRefused(ErrorCode.SIGN_IN_REQUIRED, tokens.REQUIRED)
        return None
    try:
        return tokens.verify(frame.jwt, sign_in.secret_key.reveal())
    except BadToken:
        # The exact fault would only help an attacker who guesses tokens.
        raise SignInRefused(ErrorCode.BAD_TOKEN, tokens.EXPIRED) from None


def member(claims: Claims) -> Person:
    """Return the member with these claims. Raises SignInRefused if their name at the site is not allowed here."""
    try:
        return tokens.member(claims)
    except BadToken as error:
        raise SignInRefused(ErrorCode.BAD_TOKEN, f"You cannot sign in here: {error}") from None


def turn_away(dispatcher: Dispatcher, session: Session, refused: SignInRefused) -> None:
    """Send why the login is refused and where to get a token, and close the connection."""
    page = dispatcher.live.welcome.landing_page
    where = f"Get a new sign-in link at {page}" if page else GO_BACK
    session.error(refused.code, f"{refused.message} {where}" if page else refused.message)
    reason = next(each for each in (where, page, GO_BACK) if len(each.encode()) <= MAX_REASON_BYTES)
    session.close(CloseCode.SIGN_IN, reason, reconnect=False)


def check_name(dispatcher: Dispatcher, person: Person) -> None:
    """Raise SignInRefused if another member has this name in the room: at the site, the case of names may matter."""
    before = dispatcher.hub.find(person.name)
    if before and before.is_member and before.logged_in_person.identity != person.identity:
        name = name_text.quoted(before.logged_in_person.name)
        why = f"Another member is in the room as {name}. Try again after they have left."
        raise SignInRefused(ErrorCode.BAD_NAME, why)


def renew_regularly(dispatcher: Dispatcher, session: Session) -> None:
    """Send a member a new token every RENEWAL_SECONDS, for the login after a lost connection."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(tokens.RENEWAL_SECONDS)
            send_token(dispatcher, session)

    session.cancel_on_stop(asyncio.create_task(renew()))


def send_token(dispatcher: Dispatcher, session: Session) -> None:
    """Send a new token to a member."""
    key = dispatcher.live.sign_in.secret_key.reveal()
    if session.claims and key and dispatcher.live.sign_in.enabled:
        token = tokens.sign(session.claims, key, time.time())
        session.send(Pong(token, tokens.rules_of(session.claims)))


def amend(dispatcher: Dispatcher, session: Session, person: Person, claims: Claims) -> None:
    """Replace the claims of a member in the room, and show everyone the change."""
    before, was_hidden = session.rank, session.is_hidden
    session.set_claims(claims)
    send_token(dispatcher, session)
    session.send(Me(person.name, op=session.rank is Rank.OPERATOR, status=session.status))
    if session.rank is before:
        dispatcher.show_change(session, was_hidden=was_hidden)
    else:
        ranks.rank_changed(dispatcher, session, was_hidden=was_hidden)
