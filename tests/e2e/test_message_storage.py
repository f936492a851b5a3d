"""Storage fails while messages are sent: senders get an error, readers continue, and the server recovers."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Echo, Error, History, HistoryRequest, Login, Message, Say, Since
from tests.support.chat_client import ChatClient, confirms, connected, entered
from tests.support.database_file import Disk
from tests.support.server_process import ServerProcess, write_settings

STORED = "SELECT id, text FROM message ORDER BY id"
BURST = 20
TOKEN = "the-secret-of-alices-client"


async def history(reader: ChatClient) -> list[str]:
    """Return the messages that can be read in the lobby."""
    nonce = reader.nonce()
    await reader.send(HistoryRequest("lobby", nonce))
    page = await reader.next(History, lambda page: page.nonce == nonce)
    return [message.message for message in page.messages]


async def refused(author: ChatClient, nonces: list[str]) -> None:
    """Assert that each of these messages was answered with a storage error."""
    for nonce in nonces:
        error = await author.next(Error, lambda error, nonce=nonce: error.nonce == nonce)  # type: ignore[misc]
        assert error.code == ErrorCode.STORAGE
        assert "Nothing was done" in error.message


async def burst(author: ChatClient, text: str, count: int) -> list[str]:
    """Send many messages without waiting; return their nonces."""
    return [await author.say_only("lobby", f"{text} {number}") for number in range(count)]


async def said_again(author: ChatClient, nonces: list[str], text: str) -> None:
    """Send the same messages with the same nonces again, and assert that each is accepted."""
    for number, nonce in enumerate(nonces):
        await author.send(Say("lobby", f"{text} {number}", nonce))
    for nonce in nonces:
        await author.next(Message, confirms(nonce))


async def fails_and_recovers(
    server: ServerProcess, disk: Disk, broken: AbstractContextManager[None], *, count: int, can_enter: bool
) -> None:
    """Assert what holds for messages before, during and after a time in which nothing can be stored."""
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        before = await burst(alice, "before", BURST)
        for nonce in before:
            await alice.next(Message, confirms(nonce))
        confirmed = [f"before {number}" for number in range(BURST)]
        with broken:
            during = await burst(alice, "during", count)
            assert await history(bob) == confirmed
            await refused(alice, during)
            assert [text for _, text in disk.rows(STORED)] == confirmed
            if can_enter:
                async with connected(server.url) as (cleo, _):
                    await cleo.login("cleo")
                    assert [message.message for message in cleo.echo.messages] == confirmed[-10:]
        await said_again(alice, during, "during")
        confirmed += [f"during {number}" for number in range(count)]
        assert await history(bob) == confirmed
        heard = [(message.msg_id, message.message) for message in await bob.messages()]
    server.kill()
    assert disk.rows(STORED) == heard
    assert [text for _, text in heard] == confirmed
    assert disk.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process be limited from outside")
async def test_a_full_disk_refuses_senders_but_not_readers_until_there_is_space(
    tmp_path: Path,
) -> None:
    settings = write_settings(tmp_path)
    disk = Disk(settings.with_name("room.sqlite"))
    with ServerProcess(settings) as server:
        await fails_and_recovers(server, disk, disk.full(server.process.pid), count=BURST, can_enter=True)


async def test_a_locked_database_refuses_senders_but_not_readers(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    disk = Disk(settings.with_name("room.sqlite"))
    with ServerProcess(settings, deadlines={"server.storage.schema.BUSY_SECONDS": 1.0}) as server:
        # Each commit waits for the lock until a timeout, and so does each login: one is enough here.
        await fails_and_recovers(server, disk, disk.locked(), count=1, can_enter=False)


async def test_a_reconnect_during_a_read_failure_is_asked_to_retry_and_then_has_no_gap(
    tmp_path: Path,
) -> None:
    settings = write_settings(tmp_path)
    disk = Disk(settings.with_name("room.sqlite"))
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob") as bob:
            await bob.say("lobby", "missed")
            disk.change("ALTER TABLE message RENAME TO elsewhere")
            async with connected(server.url) as (early, welcome):
                since = Since(welcome.epoch, 0)
                await early.send(Login("alice", TOKEN, since))
                assert (await early.closed())[0] == CloseCode.TRY_AGAIN_LATER
                assert not [frame for frame in early.seen if isinstance(frame, Echo)]
            disk.change("ALTER TABLE elsewhere RENAME TO message")
            async with entered(server.url, "alice", TOKEN, since) as alice:
                assert [message.message for message in alice.echo.messages] == ["missed"]
                assert alice.echo.recovered
