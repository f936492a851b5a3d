"""Logins by key at a real server: nobody can log in as another person, whatever they overheard."""

import sqlite3
from contextlib import closing
from pathlib import Path

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Disconnect, Enrol, Error, Login, Me, Presence, Prove, Since, Welcome, Who
from server.protocol.proof import verify_server
from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.client_queries import gone
from tests.support.key_login import KeyedPerson, enrol
from tests.support.server_process import ServerProcess, write_settings

TOKEN = "the-token-of-an-old-client"


async def enrolled(server: ServerProcess, name: str) -> KeyedPerson:
    """A person who has been here before."""
    async with connected(server.url) as (client, welcome):
        frame, person = enrol(name, welcome)
        await client.login_by(frame)
    return person


async def private(client: ChatClient) -> list[str]:
    """Return the direct messages sent to a person at login."""
    return [message.message for message in client.echo.messages if message.channel.startswith("@")]


async def test_a_welcome_names_the_server_and_has_a_new_challenge_for_each_connection(server: ServerProcess) -> None:
    welcomes = []
    for _ in range(3):
        async with connected(server.url) as (_, welcome):
            welcomes.append(welcome)
    assert len({welcome.server for welcome in welcomes}) == 1
    assert welcomes[0].server
    assert len({welcome.challenge for welcome in welcomes}) == 3


async def test_an_enrolled_user_is_recognised_and_the_server_proves_its_identity(server: ServerProcess) -> None:
    ada = await enrolled(server, "ada")
    async with entered(server.url, "bob") as bob:
        await bob.say("@ada", "psst")
        async with connected(server.url) as (client, welcome):
            frame, exchange = ada.prove("ada", welcome)
            granted = await client.login_by(frame)
            assert verify_server(granted.proof, ada.secret, exchange)
            assert await private(client) == ["psst"]


async def test_a_proof_takes_over_the_persons_own_older_connection(server: ServerProcess) -> None:
    async with connected(server.url) as (old, welcome):
        frame, ada = enrol("ada", welcome)
        await old.login_by(frame)
        async with connected(server.url) as (new, challenge):
            assert (await new.login_by(ada.prove("ADA", challenge)[0])).username == "ada"
            assert (await old.next(Disconnect)).code == CloseCode.REPLACED


async def test_a_server_keeps_its_people_and_its_identity_after_a_kill(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob") as bob, connected(server.url) as (client, welcome):
            frame, ada = enrol("ada", welcome)
            await client.login_by(frame)
            said = await bob.say("@ada", "psst")
            server.kill()
    with ServerProcess(settings) as server:
        async with connected(server.url) as (client, again):
            assert again.server == welcome.server
            await client.login_by(ada.prove("ada", again, Since(again.epoch, said.msg_id - 1))[0])
            assert await private(client) == ["psst"]


async def test_recorded_logins_cannot_be_replayed(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        first, ada = enrol("ada", welcome)
        await client.login_by(first)
    async with connected(server.url) as (client, welcome):
        later, _ = ada.prove("ada", welcome)
        await client.login_by(later)
    async with entered(server.url, "bob") as bob:
        await bob.say("@ada", "for ada alone")
    assert first.enrol
    assert later.prove
    stolen = [first.enrol.stored_key, first.enrol.server_key, later.prove.proof]
    tries = [
        later,
        Login("ada", prove=Prove(ada.identity, later.prove.client_nonce, first.enrol.stored_key)),
        Login("ada", prove=Prove(ada.identity, later.prove.client_nonce, first.enrol.server_key)),
        first,
        Login("ada", enrol=Enrol(*reversed(stolen[:2]))),
        *(Login("ada", token=key.hex()) for key in stolen),
        Login("ada", token=ada.identity),
    ]
    for frame in tries:
        async with connected(server.url) as (mallory, _):
            await mallory.send(frame)
            if frame.prove:
                assert (await mallory.next(Error)).code == ErrorCode.BAD_PROOF
                assert not [each for each in await mallory.settled() if isinstance(each, Me)]
            else:
                await mallory.next(Me)
                assert "for ada alone" not in f"{await mallory.settled()}"
    async with connected(server.url) as (client, welcome):
        await client.login_by(ada.prove("ada", welcome)[0])
        assert await private(client) == ["for ada alone"]


async def test_an_enrolment_replayed_while_its_person_is_online_logs_in_a_stranger(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        frame, _ = enrol("ada", welcome)
        await client.login_by(frame)
        async with connected(server.url) as (mallory, _):
            assert (await mallory.login_by(frame)).username == "ada 2"
        await client.say("lobby", "still here")


async def test_an_unknown_identity_may_enrol_on_the_same_connection(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        stranger = KeyedPerson(b"s" * 32, "0" * 32)
        assert (await client.refusal(stranger.prove("ada", welcome)[0])).code == ErrorCode.UNKNOWN_IDENTITY
        await client.login_by(enrol("ada", welcome)[0])


async def test_a_login_of_two_kinds_is_malformed(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        frame, ada = enrol("ada", welcome)
        for mixed in (
            Login("ada", TOKEN, enrol=frame.enrol),
            Login("ada", TOKEN, prove=ada.prove("ada", welcome)[0].prove),
            Login("ada", enrol=frame.enrol, prove=ada.prove("ada", welcome)[0].prove),
        ):
            assert (await client.refusal(mixed)).code == ErrorCode.MALFORMED


async def test_a_second_login_during_the_first_is_refused(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        frames = [enrol(name, welcome)[0] for name in ("ada", "eve")]
        for frame in frames:
            await client.send(frame)
        assert (await client.next(Error)).code == ErrorCode.ALREADY_LOGGED_IN
        assert (await client.next(Me)).username == "ada"


async def test_a_client_that_disconnects_during_the_login_is_not_in_the_room(server: ServerProcess) -> None:
    for _ in range(20):
        async with connected(server.url) as (client, welcome):
            await client.send(enrol("ghost", welcome)[0])
            client.socket.transport.abort()
    async with entered(server.url, "bob") as bob:
        # Those who were in the room only for a moment have left it.
        here = {entry.username for entry in next(each for each in bob.seen if isinstance(each, Who)).who_list}
        for name in here - {"bob"}:
            await bob.next(Presence, gone(name))
    async with connected(server.url) as (client, welcome):
        await client.send(enrol("carol", welcome)[0])
        assert [entry.username for entry in (await client.next(Who)).who_list] == ["carol"]


async def test_clients_with_only_a_token_or_no_credentials_log_in_as_strangers(server: ServerProcess) -> None:
    ada = await enrolled(server, "ada")
    async with entered(server.url, "bob") as bob:
        await bob.say("@ada", "psst")
        for token, granted in ((TOKEN, "ada 2"), (ada.secret.hex(), "ada 3"), (None, "ada 4")):
            async with entered(server.url, "ada", token) as client:
                assert not await private(client)
            await bob.next(Presence, gone(granted))
        async with entered(server.url, "carol", TOKEN):
            pass
        await bob.say("@carol", "for the token")
        async with entered(server.url, "carol", TOKEN) as client:
            assert await private(client) == ["for the token"]


async def test_the_keys_are_in_the_database_and_in_no_log(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path)) as server:
        async with connected(server.url) as (client, welcome):
            frame, ada = enrol("ada", welcome)
            await client.login_by(frame)
        async with connected(server.url) as (client, welcome):
            bad, _ = ada.prove("ada", Welcome("", "", [], welcome.webhooks, [], welcome.limits))
            assert (await client.refusal(bad)).code == ErrorCode.BAD_PROOF
        log = server.log
    assert frame.enrol
    for key in (ada.secret, frame.enrol.stored_key, frame.enrol.server_key):
        assert key.hex() not in log
        assert repr(key)[2:-1] not in log
    with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as database:
        rows = database.execute("SELECT identity, stored_key, server_key FROM login_key").fetchall()
    assert rows == [(ada.identity, frame.enrol.stored_key, frame.enrol.server_key)]
