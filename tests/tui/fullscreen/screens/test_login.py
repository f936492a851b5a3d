"""The user has the same identity at the next start, at the same server and at no other."""

from collections.abc import Callable

from msgspec import structs

from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, Error, Login, Me, Say, ServerFrame
from tests.support.key_login import Desk
from tests.support.pilots import app_of, client, screen_text, until, until_said, until_seen, until_told
from tests.support.scripted_server import WELCOME, ScriptedServer, scripted_server
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.screens.name import NamePrompt
from tui.net.client_session import NOT_SENT
from tui.options import Options


def keyed(desk: Desk, login: Callable[[Login], ServerFrame] | None = None) -> ScriptedServer:
    """A server whose logins are handled by a desk, unless `login` answers them."""
    welcome = structs.replace(WELCOME, server=desk.server, challenge=desk.challenge)
    return ScriptedServer(welcome=welcome, login=login or desk.login)


async def person_at(server: ScriptedServer, desk: Desk, name: str = "ada") -> str:
    """Start a client, log in and end it; return its identity."""
    before = len(desk.entered)
    async with FlagpostApp(Options(name, server.url)).run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, f"online as {name}")
    assert len(desk.entered) == before + 1
    return desk.entered[before]


async def test_next_start_keeps_the_identity_and_another_name_gets_its_own() -> None:
    desk = Desk()
    with scripted_server(keyed(desk)) as server:
        first = await person_at(server, desk)
        assert await person_at(server, desk) == first
        assert await person_at(server, desk, "bob") != first
        assert await person_at(server, desk) == first


async def test_two_clients_at_once_are_two_people() -> None:
    desk = Desk()
    async with client(keyed(desk)) as (_, server):
        (first,) = desk.entered
        assert await person_at(server, desk) != first
    assert len(set(desk.entered)) == 2


async def test_no_client_sends_a_token() -> None:
    desk = Desk()
    with scripted_server(keyed(desk)) as server:
        for _ in range(2):
            await person_at(server, desk)
        logins = [frame for frame in server.sent(Login) if isinstance(frame, Login)]
        assert [frame.token for frame in logins] == [None, None]
        assert [bool(frame.enrol) for frame in logins] == [True, False]


async def test_another_name_after_a_refusal_logs_in_the_person_with_that_name() -> None:
    desk = Desk()

    def login(frame: Login) -> ServerFrame:
        if frame.username == "ada":
            return Error("A name cannot be ada.", ErrorCode.BAD_NAME, CHAT_SERVER)
        return desk.login(frame)

    with scripted_server(keyed(desk, login=login)) as server:
        eve = await person_at(server, desk, "eve")
        async with FlagpostApp(Options("ada", server.url)).run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(pilot.app.screen, NamePrompt), "the question")
            await pilot.press(*["backspace"] * 3, *"eve", "enter")
            await until_seen(pilot, "online as eve")
        assert desk.entered[-1] == eve


async def test_another_server_at_the_address_is_noticed_and_gets_no_earlier_messages() -> None:
    real, other = Desk(), Desk("server-2")
    script = keyed(real)
    async with client(script) as (pilot, server):
        script.answer = lambda frame: ()
        await pilot.press(*"for the real one", "enter")
        await until_said(pilot, server)
        await until_seen(pilot, "sending")
        script.welcome = structs.replace(script.welcome, epoch="e2", server=other.server, challenge=other.challenge)
        script.login = other.login
        said = len(server.sent(Say))
        server.drop()
        await until_told(pilot, "This is not the server you used before")
        await until_seen(pilot, "● online as ada, new here")
        await until_seen(pilot, NOT_SENT[:20])
        assert len(server.sent(Say)) == said
        script.welcome = structs.replace(script.welcome, epoch="e1", server=real.server, challenge=real.challenge)
        script.login = real.login
        server.drop()
        await until_told(pilot, "You are back on the server you used before")
        await until(pilot, lambda: ", new here" not in screen_text(app_of(pilot)), "the user is known there")
        assert len(set(real.entered)) == 1
        assert len(server.sent(Say)) == said


async def test_a_server_that_fails_to_prove_its_identity_is_not_tried_again() -> None:
    desk = Desk()
    script = keyed(desk)
    async with client(script) as (pilot, server):
        script.login = lambda frame: Me(frame.username, op=False, proof=b"p" * 32)
        logins = len(server.sent(Login))
        server.drop()
        await until_told(pilot, "claims to be the server you used before")
        assert len(server.sent(Login)) == logins + 1
        assert isinstance(server.received[-1], Login)
