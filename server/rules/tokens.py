"""Tokens with which a site identifies its members: JWTs as for BareRTC, signed with HS256 only."""

import hashlib
import warnings
from functools import cache
from typing import Annotated

import msgspec
from msgspec import Meta

from server.protocol.errors import Verdict
from server.protocol.frames import MAX_TOKEN_CHARS, TokenRules
from server.rules import names
from server.rules.messages import Person
from server.rules.refusal import Refusal

ALGORITHM = "HS256"
LIFETIME_SECONDS = 300
"""Lifetime of a token that this server signs, as in BareRTC."""
RENEWAL_SECONDS = 30.0
"""Interval at which a member in the room receives a new token, so that a client can reconnect with a valid one."""
LEEWAY_SECONDS = 5.0
"""Allowed difference between the site's clock and ours."""
MAX_NICK_CHARS = 64
MAX_LINK_CHARS = 1024
MAX_WORD_CHARS = 64
MAX_RULES = 16

EXPIRED = "Your authentication has expired. Please go back and launch the chat room again."
REQUIRED = (
    "Server side authentication is required. Please go back and launch the chat room from your logged-in account."
)
"""BareRTC's words for a token that is not usable, and for a missing one."""


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The site's claims about a member, in the order in which BareRTC signs them."""

    op: Annotated[bool, Meta(description="An operator: may remove people and messages.")] = False
    vip: Annotated[bool, Meta(description="Sees VIP channels.")] = False
    img: Annotated[str, Meta(description="The avatar: a URL, or a path on the site.")] = ""
    url: Annotated[str, Meta(description="The profile: a URL, or a path on the site.")] = ""
    nick: Annotated[str, Meta(description="A nickname, displayed beside the name.")] = ""
    emoji: Annotated[str, Meta(description="An emoji, or words such as a flag and a country.")] = ""
    gender: Annotated[str, Meta(description='"m", "f", "o", or another word of the site.')] = ""
    rules: Annotated[
        tuple[str, ...], Meta(description="BareRTC's restrictions of webcams and pictures, passed on to the client.")
    ] = ()
    iss: Annotated[str, Meta(description="The issuer of the token.")] = ""
    sub: Annotated[str, Meta(description="The member's name.")] = ""


NO_CLAIMS = Claims()


class BadToken(Verdict):
    """A token that is not usable; the text says why."""


def verify(token: str, key: str) -> Claims:
    """Return the claims of a token. Raises BadToken if it is not signed with the key, or not valid now."""
    if not key or len(token) > MAX_TOKEN_CHARS:
        raise BadToken("the token is too long" if key else "there is no key")
    # Imported late: it loads OpenSSL, which only a room with sign-in needs.
    import jwt

    _accept_short_keys()
    try:
        payload: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={"require": ["exp"], "verify_aud": False, "verify_sub": False, "verify_jti": False},
            leeway=LEEWAY_SECONDS,
        )
        return _clipped(msgspec.convert({name: value for name, value in payload.items() if value is not None}, Claims))
    except jwt.ExpiredSignatureError:
        raise BadToken("the token has expired") from None
    # The library raises one of the last four, before it has verified anything, for numbers and nesting out of range.
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError, OverflowError, RecursionError):
        raise BadToken("the token is not valid") from None


def sign(claims: Claims, key: str, now: float) -> str:
    """Return a new token with these claims; `now` is in Unix seconds."""
    import jwt

    _accept_short_keys()
    times = {"exp": int(now) + LIFETIME_SECONDS, "nbf": int(now), "iat": int(now)}
    return jwt.encode({**msgspec.to_builtins(claims), **times}, key, algorithm=ALGORITHM)


def member(claims: Claims) -> Person:
    """Return the member that a token names. Raises BadToken if their name at the site is not allowed here."""
    try:
        return Person(names.check(claims.sub), identity_of(claims.sub))
    except Refusal as refusal:
        raise BadToken(f"the site's name for you cannot be used here: {refusal.message}") from None


def identity_of(sub: str) -> str:
    """Return the identity of the member with this name, even if they were never here."""
    # `person` separates these from the identities of guests.
    return hashlib.blake2b(sub.encode(errors="surrogatepass"), digest_size=16, person=b"member").hexdigest()


def rules_of(claims: Claims) -> TokenRules | None:
    """Return the rules in the form in which BareRTC sends them beside a token; None if there are none."""
    if not claims.rules:
        return None
    words = ("nobroadcast", "nodvd", "noimage", "novideo", "redcam")
    return TokenRules(*(word in claims.rules for word in words))


def _clipped(claims: Claims) -> Claims:
    """Return the claims with texts of bounded length: everyone in the room receives them."""
    return msgspec.structs.replace(
        claims,
        img=claims.img if len(claims.img) <= MAX_LINK_CHARS else "",
        url=claims.url if len(claims.url) <= MAX_LINK_CHARS else "",
        nick=claims.nick[:MAX_NICK_CHARS],
        emoji=claims.emoji[:MAX_WORD_CHARS],
        gender=claims.gender[:MAX_WORD_CHARS],
        rules=tuple(rule[:MAX_WORD_CHARS] for rule in claims.rules[:MAX_RULES]),
        iss=claims.iss[:MAX_WORD_CHARS],
    )


@cache
def _accept_short_keys() -> None:
    """Turn off the library's warning: the site has chosen the key, and BareRTC accepts any."""
    from jwt.warnings import InsecureKeyLengthWarning

    warnings.simplefilter("ignore", InsecureKeyLengthWarning)
