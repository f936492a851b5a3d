"""Members of the site sign in: who gets in, by which name, and what ends their session."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec import structs

from server.handlers import sign_in
from server.handlers.dispatch import Dispatcher
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Disconnect, Error, Frame, Login, Me, Pong, Presence, Say, TokenRules
from server.room.session import Session
from server.rules import tokens
from server.rules.ranks import Rank
from server.rules.tokens import Claims, identity_of, sign, verify
from server.settings import JWT, Secret
from server.storage.broker import Broker
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import WELCOME, dispatcher_over, enter, receive, settle

KEY = "a secret of the site, of 32 bytes"
PAGE = "https://site.example/chat"
OPEN = JWT(enabled=True, strict=False, secret_key=Secret(KEY), landing_page_url=PAGE)
Kind = TypeVar("Kind", bound=Frame)
STRICT = structs.replace(OPEN, strict=True)


def token(name: str, *, op: bool = False, vip: bool = False) -> str:
    """Return a valid token for a member."""
    return sign(Claims(sub=name, op=op, vip=vip), KEY, time.time())


@asynccontextmanager
async def room(path: Path, settings: JWT = OPEN, page: str = PAGE) -> AsyncIterator[Dispatcher]:
    """Open a room with these settings for sign-in."""
    database = SqliteDatabase(str(path))
    try:
        made = dispatcher_over(Broker(database), database)
        await made.people.load()
        made.people.reservations.configure(0, members=settings.enabled)
        made.live = replace(made.live, sign_in=settings, welcome=structs.replace(WELCOME, landing_page=page))
        yield made
    finally:
        await database.close()


async def sign_in_as(dispatcher: Dispatcher, jwt: str, name: str = "ignored") -> tuple[Session, RecordingOutlet]:
    """Log in with a token."""
    outlet = RecordingOutlet()
    session = Session(outlet)
    receive(dispatcher, session, Login(name, jwt=jwt, dialect="flagpost"))
    await settle(dispatcher)
    return session, outlet


def of_kind(outlet: RecordingOutlet, kind: type[Kind]) -> list[Kind]:
    """Return the received frames of a kind."""
    return [frame for frame in outlet.frames if isinstance(frame, kind)]


async def test_token_decides_name_and_rights(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite", STRICT) as made:
        session, outlet = await sign_in_as(made, token("op", op=True))
        assert of_kind(outlet, Me) == [Me("op", op=True)]
        assert session.rank is Rank.OPERATOR
        assert session.person
        assert session.person.identity == identity_of("op")
        session, _ = await sign_in_as(made, token("bob", vip=True), "")
        assert session.rank is Rank.VIP, "the name in the frame is not even looked at"


@pytest.mark.parametrize(
    ("jwt", "code"),
    [
        ("", ErrorCode.SIGN_IN_REQUIRED),
        ("x.y.z", ErrorCode.BAD_TOKEN),
        (sign(Claims(sub="bob"), KEY, time.time() - 310), ErrorCode.BAD_TOKEN),
        (sign(Claims(op=True), KEY, time.time()), ErrorCode.BAD_TOKEN),
        (sign(Claims(sub="ChatServer"), KEY, time.time()), ErrorCode.BAD_TOKEN),
    ],
    ids=["no token", "not a token", "expired", "no name", "name of the server"],
)
async def test_without_a_usable_token_nobody_logs_in_and_the_close_says_where_to_get_one(
    tmp_path: Path, jwt: str, code: ErrorCode
) -> None:
    async with room(tmp_path / "room.sqlite", STRICT) as made:
        session, outlet = await sign_in_as(made, jwt, "bob")
        assert session.person is None
        assert not made.hub.sessions
        (error,) = of_kind(outlet, Error)
        assert error.code == code
        assert PAGE in error.message
        assert outlet.closed == [CloseCode.SIGN_IN]
        assert outlet.reasons == [f"Get a new sign-in link at {PAGE}"]
        assert of_kind(outlet, Disconnect) == [Disconnect(outlet.reasons[0], CloseCode.SIGN_IN, reconnect=False)]


async def test_user_with_a_bad_token_never_becomes_a_guest(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        _, refused = await sign_in_as(made, "x.y.z", "bob")
        assert refused.closed == [CloseCode.SIGN_IN]
        guest, _ = await sign_in_as(made, "", "bob")
        assert guest.claims is None
        assert guest.rank is Rank.PERSON


@pytest.mark.parametrize(("page", "reason"), [("", sign_in.GO_BACK), (f"{PAGE}/{'x' * 100}", sign_in.GO_BACK)])
async def test_reason_of_the_close_always_fits_into_a_close_frame(tmp_path: Path, page: str, reason: str) -> None:
    async with room(tmp_path / "room.sqlite", STRICT, page) as made:
        _, outlet = await sign_in_as(made, "", "bob")
        assert outlet.reasons == [reason]


async def test_room_without_sign_in_ignores_tokens(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite", JWT()) as made:
        session, _ = await sign_in_as(made, token("op", op=True), "bob")
        assert session.rank is Rank.PERSON
        assert session.person
        assert session.person.name == "bob"


async def test_second_login_of_a_member_replaces_the_first_which_loses_its_rights_at_once(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        first, outlet = await sign_in_as(made, token("op", op=True))
        _, watching = await enter(made, "ada")
        second, _ = await sign_in_as(made, token("op", op=True))
        assert outlet.closed == [CloseCode.REPLACED]
        assert made.hub.find("op") is second
        assert made.hub.sessions_of(identity_of("op")) == [second]
        received = len(outlet.frames)
        receive(made, second, Say("lobby", "hello", "n"))
        await settle(made)
        made.on_close(first, CloseCode.REPLACED)
        assert len(outlet.frames) == received
        assert made.hub.find("op") is second
        assert not [each for each in of_kind(watching, Presence) if "exited" in each.message]


async def test_members_name_is_never_given_to_a_guest(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        guest, outlet = await enter(made, "dave", "a secret of the guest")
        member, _ = await sign_in_as(made, token("dave"))
        assert outlet.closed == [CloseCode.REPLACED], "the guest who had the name leaves"
        assert made.hub.find("dave") is member
        made.on_close(guest, CloseCode.REPLACED)
        _, outlet = await enter(made, "Dave", "a secret of the guest")
        assert of_kind(outlet, Me)[0].username == "Dave 2", "while the member is here"
        made.on_close(member, CloseCode.NORMAL)
        _, outlet = await enter(made, "dave", "another secret of a guest")
        assert of_kind(outlet, Me)[0].username == "dave 3", "while the member is away, whatever ReservedDays says"


async def test_members_name_stays_reserved_across_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        member, _ = await sign_in_as(made, token("dave"))
        made.on_close(member, CloseCode.NORMAL)
    async with room(tmp_path / "room.sqlite") as made:
        _, outlet = await enter(made, "dave")
        assert of_kind(outlet, Me)[0].username == "dave 2"
        await sign_in_as(made, token("dave"))
        assert made.hub.find("dave")


async def test_member_whose_name_differs_only_by_case_is_refused_while_the_other_is_present(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        first, _ = await sign_in_as(made, token("dave", op=True))
        _, outlet = await sign_in_as(made, token("Dave"))
        assert outlet.closed == [CloseCode.SIGN_IN]
        assert made.hub.find("dave") is first


async def test_member_who_stays_connected_receives_new_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "RENEWAL_SECONDS", 0.0)
    async with room(tmp_path / "room.sqlite") as made:
        claims = Claims(sub="bob", nick="Bobby", rules=("noimage",))
        session, outlet = await sign_in_as(made, sign(claims, KEY, time.time() - 290))
        async with asyncio.timeout(10):
            while not of_kind(outlet, Pong):
                await asyncio.sleep(0)
        renewed = of_kind(outlet, Pong)[0]
        assert verify(renewed.jwt, KEY) == claims
        assert renewed.rules == TokenRules(no_image=True)
        session.close(CloseCode.NORMAL, "", reconnect=False)
        received = len(outlet.frames)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(outlet.frames) == received, "a session that has ended receives none"


async def test_amended_claims_apply_at_once_and_everyone_sees_them(tmp_path: Path) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        session, outlet = await sign_in_as(made, token("bob", op=True))
        assert session.person
        sign_in.amend(made, session, session.person, Claims(sub="bob", nick="Bobby"))
        assert session.rank is Rank.PERSON
        assert verify(of_kind(outlet, Pong)[-1].jwt, KEY).nick == "Bobby"
        assert of_kind(outlet, Me)[-1] == Me("bob", op=False)


@pytest.mark.parametrize(
    "changed", [JWT(), structs.replace(OPEN, secret_key=Secret("another secret, of the same length"))]
)
async def test_members_leave_when_the_sign_in_changes_because_their_rights_are_uncertain(
    tmp_path: Path, changed: JWT
) -> None:
    async with room(tmp_path / "room.sqlite") as made:
        _, outlet = await sign_in_as(made, token("op", op=True))
        _, guest = await enter(made, "ada")
        made.go_live(replace(made.live, sign_in=structs.replace(OPEN, strict=True)))
        assert outlet.closed == []
        made.go_live(replace(made.live, sign_in=changed))
        assert outlet.closed == [CloseCode.SIGN_IN]
        assert made.hub.find("op") is None
        assert guest.closed == []
