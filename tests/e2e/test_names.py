"""The names of people who left, from outside: reserved, returned to their holders, and distinguished in reports."""

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from server.protocol.codes import ErrorCode
from server.protocol.frames import Error, Login, ReportRequest, ReportStatus, Takeback, Withdraw
from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.plain_client import PlainClient
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings

ADA, EVE = "ada-" * 5, "eve-" * 5


def settings_with_evidence(directory: Path, url: str) -> Path:
    """Write settings with a report webhook that asks for evidence."""
    path = write_settings(directory, webhooks={"report": url})
    path.write_text(path.read_text().replace("Enabled = true", "Enabled = true\nEvidence = true"))
    return path


async def named(client: ChatClient, name: str, token: str | None) -> tuple[str, list[str]]:
    """Log in; return the granted name and the server's notices."""
    granted = await client.login(name, token)
    said = await client.settled()
    return granted.username, [frame.message for frame in said if isinstance(frame, Error)]


async def reported(client: ChatClient, msg_id: int, receiver: Receiver) -> dict[str, object]:
    """Report a message; return the report as the site receives it."""
    before = len(receiver.requests)
    await client.send(ReportRequest(msg_id, "It's spam", nonce=client.nonce()))
    await client.next(ReportStatus)
    report: dict[str, object] = json.loads((await asyncio.to_thread(receiver.wait_for, before + 1))[-1].body)["Report"]
    return report


async def test_a_name_is_reserved_for_its_last_holder_who_can_report_an_impostor(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = settings_with_evidence(tmp_path, receiver.url)
    with ServerProcess(settings) as server:
        async with entered(server.url, "ada", ADA) as ada:
            hers = await ada.say("lobby", "hello")
        for name in ("ada", "ADA", "\u0430da"):
            async with connected(server.url) as (eve, _):
                assert await named(eve, name, EVE) == (
                    f"{name} 2",
                    [f"\u201c{name}\u201d is reserved for the person who used it last."],
                )
        server.terminate()
    with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as database, database:
        database.execute("UPDATE held_name SET held_at = held_at - 31 * 86400000 WHERE name = 'ada'")
    with ServerProcess(settings) as server:
        async with entered(server.url, "ada", EVE) as eve, connected(server.url) as (ada, _):
            vile = await eve.say("lobby", "vile")
            assert await named(ada, "ada", ADA) == ("ada 3", [])
            assert (await ada.refusal(Takeback(vile.msg_id))).code == ErrorCode.NOT_YOURS
            about_eve = await reported(ada, vile.msg_id, receiver)
            about_ada = await reported(eve, hers.msg_id, receiver)
    assert (about_eve["AboutUsername"], about_ada["AboutUsername"]) == ("ada", "ada")
    assert (about_eve["AboutHoldsName"], about_ada["AboutHoldsName"]) == (True, False)
    assert (about_eve["AboutUserID"], about_eve["FromUserID"]) == (about_ada["FromUserID"], about_ada["AboutUserID"])
    assert about_eve["AboutUserID"] != about_eve["FromUserID"]
    login_identity = hashlib.blake2b(EVE.encode(), digest_size=16).hexdigest()
    assert not {EVE, login_identity} & set(map(str, about_eve.values()))


async def test_a_name_in_an_open_report_stays_reserved_and_a_visitors_name_does_not(
    tmp_path: Path, receiver: Receiver
) -> None:
    with ServerProcess(write_settings(tmp_path, webhooks={"report": receiver.url})) as server:
        async with entered(server.url, "bob") as bob:
            async with entered(server.url, "visitor") as visitor, entered(server.url, "mallory") as mallory:
                await visitor.say("lobby", "hello")
                said = await mallory.say("lobby", "vile")
            await bob.send(ReportRequest(said.msg_id, "It's spam", nonce="n-1"))
            report = (await bob.next(ReportStatus)).report
            for name, granted in (("visitor", "visitor"), ("mallory", "mallory 2")):
                async with connected(server.url) as (someone, _):
                    assert (await named(someone, name, EVE))[0] == granted
            await bob.send(Withdraw(report.report_id, "n-2"))
            await bob.next(ReportStatus, lambda frame: frame.nonce == "n-2")
            async with connected(server.url) as (someone, _):
                assert (await named(someone, "mallory", EVE))[0] == "mallory"


async def test_the_client_shows_why_the_user_has_another_name(server: ServerProcess, tmp_path: Path) -> None:
    async with entered(server.url, "ada", ADA):
        pass
    with PlainClient(server.url, "ada", tmp_path) as client:
        client.until("Connected as ada 2")
        client.until("\u201cada\u201d is reserved for the person who used it last.")


async def test_a_name_from_before_the_present_rules_keeps_its_messages(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "ada", ADA) as ada:
            await ada.say("lobby", "hello")
        server.terminate()
    with closing(sqlite3.connect(tmp_path / "room.sqlite", factory=SqliteConnection)) as database, database:
        database.execute("UPDATE person SET name = '[\u202eada]'")
        database.execute("UPDATE held_name SET name = '[\u202eada]'")
        database.execute("UPDATE message SET author = '[\u202eada]'")
    with ServerProcess(settings) as server:
        async with connected(server.url) as (ada, _):
            assert (await ada.refusal(Login("[\u202eada]", ADA))).code == ErrorCode.BAD_NAME
            assert (await ada.login("ada", ADA)).username == "ada"
            (message,) = ada.echo.messages
            assert (message.username, message.own) == ("[\u202eada]", True)
            await ada.send(Takeback(message.msg_id))
            assert (await ada.next(Takeback)).msg_id == message.msg_id
