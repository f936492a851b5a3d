"""Who may make which call below /api/: every call by everyone, against a table written by hand."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.handlers.dispatch import Dispatcher
from server.http import api, endpoints
from server.http.access import Access
from server.protocol.frames import Block, Login, Mute, Say
from server.room.session import Session
from server.rules.tokens import Claims, sign
from server.settings import JWT, ApiKeys, Secret
from server.storage.broker import Broker
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import dispatcher_over, receive, settle

KEY, SECRET = "the key of the site", "a secret of the site, of 32 bytes"
ROLES = ("nobody", "forger", "guest", "away", "member", "vip", "operator", "muted", "blocked", "disconnected")
"""Without a token; with one signed by somebody else; with the name of a guest who is here; a member who was never here,
three who are here, one whom ada has muted, one whom she has blocked, and one who has left."""
BY_TOKEN = {
    "/api/message/history": (400, 400, 400, 400, 200, 200, 200, 200, 200, 400),
    "/api/message/usernames": (400, 400, 400, 400, 200, 200, 200, 200, 500, 400),
    "/api/message/clear": (400, 400, 200, 200, 200, 200, 200, 200, 200, 200),
    "/api/profile": (400, 400, 500, 500, 500, 500, 500, 500, 500, 500),
}
"""Profiles are off here. A blocked member has no conversation to list; one who is not here can still delete theirs."""


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Dispatcher]:
    database = SqliteDatabase(str(tmp_path / "room.sqlite"))
    made = dispatcher_over(Broker(database), database)
    settings = JWT(enabled=True, strict=False, secret_key=Secret(SECRET))
    made.live = replace(made.live, sign_in=settings, site_keys=ApiKeys(KEY))
    sessions = {}
    for name in ("ada", "guest", "member", "vip", "operator", "muted", "blocked", "disconnected"):
        sessions[name] = Session(RecordingOutlet())
        jwt = None if name == "guest" else token(name)
        receive(made, sessions[name], Login(name, jwt=jwt, dialect="flagpost"))
        await settle(made)
    for name, session in sessions.items():
        if name != "ada":
            receive(made, session, Say("@ada", "hello"))
    await database.write(lambda _: None)
    receive(made, sessions["ada"], Mute("muted"))
    receive(made, sessions["ada"], Block("blocked"))
    made.on_close(sessions["disconnected"], 1000)
    await database.write(lambda _: None)
    yield made
    await settle(made)
    await database.close()


def token(role: str) -> str:
    """Return the token that somebody has."""
    if role == "nobody":
        return ""
    claims = Claims(sub=role, vip=role == "vip", op=role == "operator")
    return sign(claims, "another secret, of the same length" if role == "forger" else SECRET, time.time())


def site(made: Dispatcher) -> httpx.AsyncClient:
    """Return a client of the calls."""
    app = Starlette(routes=api.routes(endpoints.ENDPOINTS, made, Access(made)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.example")


async def test_calls_on_behalf_of_a_member_are_allowed_as_in_the_table(room: Dispatcher) -> None:
    async with site(room) as http:
        for path, statuses in BY_TOKEN.items():
            found = [
                (await http.post(path, json={"JWTToken": token(role), "Username": "ada"})).status_code for role in ROLES
            ]
            assert dict(zip(ROLES, found, strict=True)) == dict(zip(ROLES, statuses, strict=True)), path


async def test_calls_of_the_site_always_need_its_key(room: Dispatcher) -> None:
    before = set(room.hub.sessions)
    async with site(room) as http:
        for each in endpoints.ENDPOINTS:
            if not each.by_key:
                continue
            for role in ROLES:
                body = {"JWTToken": token(role), "Username": "ada", "Usernames": ["ada", "vip"]}
                assert (await http.post(each.path, json=body)).status_code == 401, (each.path, role)
                assert (await http.post(each.path, json={**body, "APIKey": ""})).status_code == 401, (each.path, role)
    assert set(room.hub.sessions) == before
    assert not room.people.relations.blocked_with("vip")


async def test_empty_key_never_matches(room: Dispatcher) -> None:
    room.live = replace(room.live, site_keys=ApiKeys())
    async with site(room) as http:
        for key in ("", KEY):
            reply = await http.post("/api/authenticate", json={"APIKey": key, "Claims": {"sub": "ada"}})
            assert reply.status_code == 401
