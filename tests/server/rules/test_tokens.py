"""The tokens of the site: what is accepted, and what they say. A BareRTC server was tried with the same cases."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from server.protocol.frames import MAX_TOKEN_CHARS, TokenRules
from server.rules import tokens
from server.rules.tokens import BadToken, Claims, identity_of, member, rules_of, sign, verify

KEY = "a secret of the site, of 32 bytes"
NOW = int(time.time())
LATER = NOW + 86_400
"""Further ahead than a test run takes, since the cases are made before it."""
MEMBER = {"sub": "bob", "exp": LATER, "nbf": NOW, "iat": NOW}


def token(payload: object, key: str = KEY, algorithm: str = "HS256") -> str:
    """Return a signed token, made without the library."""
    head = _encoded({"alg": algorithm, "typ": "JWT"})
    signed = f"{head}.{_encoded(payload)}"
    if algorithm == "none":
        return f"{signed}."
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    return f"{signed}.{_base64(hmac.new(key.encode(), signed.encode(), digest).digest())}"


def _encoded(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_token_of_the_site_says_who_the_member_is() -> None:
    said = verify(
        token(
            {
                **MEMBER,
                "op": True,
                "vip": True,
                "nick": "Bobby",
                "img": "/a.png",
                "url": "/u/bob",
                "emoji": "🇨🇭 Switzerland",
                "gender": "m",
                "rules": ["noimage", "redcam"],
                "iss": "my own app",
                "jti": 17,
                "aud": "chat",
                "flair": {"name": "gold"},
            }
        ),
        KEY,
    )
    assert said == Claims(
        op=True,
        vip=True,
        img="/a.png",
        url="/u/bob",
        nick="Bobby",
        emoji="🇨🇭 Switzerland",
        gender="m",
        rules=("noimage", "redcam"),
        iss="my own app",
        sub="bob",
    )
    assert member(said).name == "bob"
    assert rules_of(said) == TokenRules(
        no_broadcast=False, no_dark_video=False, no_image=True, no_video=False, red_cam=True
    )


def test_null_counts_as_missing() -> None:
    assert verify(token({**MEMBER, "rules": None, "nick": None}), KEY) == Claims(sub="bob")


REFUSED = {
    "expired": token({**MEMBER, "exp": NOW - 10}),
    "another key": token(MEMBER, key="another secret of 32 bytes ......"),
    "alg none": token(MEMBER, algorithm="none"),
    "HS512": token(MEMBER, algorithm="HS512"),
    "nbf ahead": token({**MEMBER, "nbf": LATER}),
    "iat ahead": token({**MEMBER, "iat": LATER}),
    "no exp": token({"sub": "bob"}),
    "exp not a number": token({**MEMBER, "exp": "soon"}),
    "op not a flag": token({**MEMBER, "op": "yes"}),
    "sub not a text": token({**MEMBER, "sub": 5}),
    "not an object": token(["sub", "bob"]),
    "too long": token({**MEMBER, "nick": "x" * MAX_TOKEN_CHARS}),
    "truncated": token(MEMBER)[:-1],
    # Decoders of base64 skip what is none, and the sign-in page has the token in a command line.
    "text after the token": token(MEMBER) + "=;id;",
    "text within the token": token(MEMBER)[:-20] + "$();" + token(MEMBER)[-20:],
    "three parts": "x.y.z",
    "one part": "x",
    "empty": "",
    "nested": f"{_base64(b'[' * 5000)}.e30.x",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_token_that_is_not_the_sites_is_refused(kind: str) -> None:
    with pytest.raises(BadToken):
        verify(REFUSED[kind], KEY)


def test_empty_key_accepts_no_token() -> None:
    with pytest.raises(BadToken):
        verify(token(MEMBER, key=""), "")


@pytest.mark.parametrize("sub", ["", " ", "ChatServer", "a\u202eb", "x" * 33, "a\nb"])
def test_name_that_nobody_can_have_here_is_refused(sub: str) -> None:
    with pytest.raises(BadToken):
        member(Claims(op=True, sub=sub))


def test_signed_token_repeats_the_claims_with_new_times() -> None:
    claims = Claims(op=True, nick="The Op", rules=("noimage",), sub="op")
    assert verify(sign(claims, KEY, time.time()), KEY) == claims
    payload = sign(Claims(nick="n", sub="op", vip=True), KEY, NOW).split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert [*said] == ["vip", "nick", "sub", "exp", "nbf", "iat"]
    assert said["exp"] == NOW + tokens.LIFETIME_SECONDS


def test_texts_that_everyone_receives_are_bounded() -> None:
    said = verify(token({**MEMBER, "nick": "n" * 100, "img": "/" * 2000, "rules": ["r" * 100] * 20}), KEY)
    assert len(said.nick) == tokens.MAX_NICK_CHARS
    assert not said.img, "a link that is cut leads somewhere else"
    assert [len(rule) for rule in said.rules] == [tokens.MAX_WORD_CHARS] * tokens.MAX_RULES


def test_identity_follows_from_the_exact_name_and_is_never_a_guests() -> None:
    assert identity_of("bob") != identity_of("Bob")
    assert identity_of("bob") != hashlib.blake2b(b"bob", digest_size=16).hexdigest(), "the identity of an old client"
