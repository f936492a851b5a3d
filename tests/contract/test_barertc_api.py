"""The calls of BareRTC's sites, members and bots, replayed in order on one server: api.jsonl has its answers."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from server.protocol.frames import Block, Disconnect, Error, Login, Me, Pong, Presence, Relations
from server.rules.tokens import Claims, sign, verify
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.receiver import Receiver, answers
from tests.support.server_process import END_SECONDS, ServerProcess, write_settings

FILE = Path(__file__).with_name("barertc") / "api.jsonl"
CALLS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
KEY, SECRET = "test-admin-key", "a secret of the site, of 32 bytes"
OUR_WORDS = re.compile("-(not-json|wrong-type|bad-token)$|^history-expired-token$|^usernames-|^amend-")
"""Cases in which BareRTC repeats what its parser or its library said, or was run in another language."""
FIELDS = [
    {"Name": "Certified since", "Value": "3 years ago"},
    {"Name": "📸 Gallery", "Value": "At least 5 photos"},
]
PROFILES = {
    "profile-site-says-gosocial": {"OK": True, "Headline": "Hello there", "ProfileFields": FIELDS},
    "profile-site-says-notfound": {"OK": False, "Error": "Username Not Found"},
    "profile-not-in-room-token": {"OK": True, "ProfileFields": FIELDS},
}
"""What the site answers when it is asked for a profile."""


@pytest.fixture(scope="module")
def site() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site: Receiver) -> Iterator[ServerProcess]:
    settings = write_settings(tmp_path_factory.mktemp("api"), webhooks={"profile": site.url})
    text = settings.read_text().replace("test-admin-key-0001", KEY)
    head = f'CORSHosts = ["https://www.example.com"]\n{text}'
    tail = f'\n[JWT]\nEnabled = true\nStrict = false\nSecretKey = "{SECRET}"\n[DirectMessageHistory]\nEnabled = true\n'
    settings.write_text(head + tail)
    with ServerProcess(settings) as started:
        yield started


async def test_calls_are_answered_as_barertc_answers_them(server: ServerProcess, site: Receiver) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=server.http_url, trust_env=False))
        people = {
            name: (await stack.enter_async_context(connected(server.url)))[0]
            for name in ("op", "alice", "bob", "carol")
        }
        people["guest"] = await stack.enter_async_context(entered(server.url, "guest"))
        for name in ("op", "alice", "bob"):
            jwt = sign(Claims(sub=name, op=name == "op"), SECRET, time.time())
            await people[name].login_by(Login("", jwt=jwt, dialect="flagpost"))
        sent = [(await people["alice"].say("@guest", f"dm *{number}*")).msg_id for number in range(23)]
        sent.append((await people["guest"].say("@alice", "answer")).msg_id)
        for call in CALLS:
            if call["name"] == "blocklist-ok":
                await people["carol"].login_by(Login("", jwt=sign(Claims(sub="carol"), SECRET, time.time())))
            if profile := PROFILES.get(call["name"]):
                site.behaviour = answers(200 if profile["OK"] else 403, json.dumps({"data": profile}).encode())
            await _replay(http, call, sent)
            await _check_effect(call["name"], people)
    # A service manager restarts it, like BareRTC.
    assert await asyncio.to_thread(server.process.wait, END_SECONDS) == 1


async def _replay(http: httpx.AsyncClient, call: dict[str, object], sent: list[int]) -> None:
    name = str(call["name"])
    content = call["body"] if isinstance(call["body"], str) else _signed(json.dumps(call["body"]), name, sent[4])
    headers = {"Content-Type": str(call.get("type", "application/json"))}
    headers |= {"Origin": str(call["origin"])} if "origin" in call else {}
    reply = await http.request(
        str(call["method"]), str(call["path"]), content=content if call["body"] is not None else None, headers=headers
    )
    assert reply.status_code == call["status"], (name, reply.text)
    assert reply.headers["content-type"] == "application/json", name
    assert reply.headers.get("access-control-allow-origin") == (call["origin"] if "cors" in call else None), name
    expected, found = call["answer"], reply.json()
    assert isinstance(expected, dict)
    assert reply.text == json.dumps(found, indent=2, ensure_ascii=False) + "\n", name
    assert set(found) == set(expected), (name, found)
    assert _comparable(found, name) == _comparable(expected, name), name


def _signed(body: str, name: str, before: int) -> str:
    """Return a body with real tokens and numbers."""
    now = time.time() - (400 if "expired" in name else 0)

    def token(found: re.Match[str]) -> str:
        # Within a JSON string, the claims are escaped once more.
        return sign(_claims(json.loads(json.loads(f'"{found[1]}"'))), SECRET, now)

    return re.sub(r"<JWT HS256 (\{.*?\})>", token, body).replace("1795957064", str(before))


def _claims(said: dict[str, object]) -> Claims:
    return msgspec.convert({key: value for key, value in said.items() if key not in {"exp", "nbf", "iat"}}, Claims)


def _comparable(answer: dict[str, object], name: str) -> dict[str, object]:
    """Return an answer without what differs from server to server."""
    shown = dict(answer)
    if OUR_WORDS.search(name) and shown.get("Error", "") != "":
        shown["Error"] = "..."
    if isinstance(people := shown.get("Usernames"), list) and "Cameras" in shown:
        shown["Usernames"] = sorted(people)
    if isinstance(messages := shown.get("Messages"), list):
        shown["Messages"] = [
            (each["username"], each["message"]) if isinstance(each, dict) else each for each in messages[:2]
        ]
    if isinstance(token := shown.get("JWT"), str):
        shown["JWT"] = verify(token, SECRET)
    elif isinstance(claims := shown.get("JWT"), dict):
        shown["JWT"] = _claims(claims)
    return shown


async def _check_effect(name: str, people: dict[str, ChatClient]) -> None:
    """Check what the people in the room receive, as in BareRTC."""
    alice, bob, guest = people["alice"], people["bob"], people["guest"]
    if name == "blocklist-ok":
        assert (await alice.next(Relations)).blocked == ["bob"]
    elif name == "blocklist-null":
        assert (await alice.next(Relations)).blocked == []
    elif name == "block-now-ok":
        assert await alice.next(Block) == Block("bob")
        assert await bob.next(Block) == Block("alice")
        assert (await alice.next(Relations, lambda each: bool(each.blocked))).blocked == ["bob"]
    elif name == "block-now-op":
        assert await people["op"].next(Block) == Block("alice")
    elif name == "amend-ok":
        renewed = await alice.next(Pong, lambda pong: bool(pong.jwt))
        assert verify(renewed.jwt, SECRET).nick == "Alice the Great"
        assert renewed.rules
        assert renewed.rules.no_image
        assert (await alice.next(Me)).username == "alice"
    elif name == "amend-guest":
        seen = await guest.next(Presence, lambda each: each.who is not None and each.who.nickname != "")
        assert seen.who
        assert (seen.username, seen.who.nickname, seen.who.vip) == ("alice", "Alice the Great", True)
    elif name == "disconnect-ok":
        told = await alice.next(Error, lambda each: "deactivated" in each.message)
        assert told.code == "notice"
        assert not (await alice.next(Disconnect)).reconnect
        assert (await guest.next(Presence, lambda each: each.who is None)).message == "has exited the room!"
    elif name == "disconnect-kick":
        left = await guest.next(Presence, lambda each: each.username == "bob" and each.who is None)
        assert left.message == "has been kicked from the room!"
