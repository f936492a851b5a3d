"""A backup of a busy server restores a complete, working room."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import connected, entered
from tests.support.server_process import ServerProcess, run, write_settings


async def test_messages_confirmed_before_a_backup_are_restored_from_it(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "restored").mkdir()
    settings = write_settings(tmp_path / "live")
    file = tmp_path / "restored" / "room.sqlite"
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, connected(server.url) as (_, welcome):
            before = [(await alice.say("lobby", str(number))).msg_id for number in range(50)]

            async def chatter() -> None:
                number = 50
                while True:
                    await alice.say("lobby", str(number))
                    number += 1

            busy = asyncio.create_task(chatter())
            done = await asyncio.to_thread(
                run, "backup", str(file), "--settings", str(settings), directory=settings.parent
            )
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)
        assert done.returncode == 0, done.stderr
        assert "messages" in done.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    with closing(sqlite3.connect(file, factory=SqliteConnection)) as database:
        texts = [text for (text,) in database.execute("SELECT text FROM message ORDER BY id")]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert texts == [str(number) for number in range(len(texts))]
    assert len(texts) >= len(before)
    with ServerProcess(write_settings(file.parent)) as server:
        async with connected(server.url) as (alice, again):
            # A client that saw messages after the backup must not mistake new ones for them.
            assert again.epoch != welcome.epoch
            # Clients authenticate to the same server as before.
            assert again.server == welcome.server
            await alice.login("alice")
            assert [message.message for message in alice.echo.messages] == texts[-10:]
            assert (await alice.say("lobby", "after")).msg_id == len(texts) + 1


def test_a_backup_replaces_no_file_and_needs_a_database(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    none = run("--settings", str(settings), "backup", "b.sqlite", directory=tmp_path)
    assert (none.returncode, len(none.stderr.splitlines())) == (2, 1)
    with ServerProcess(settings):
        (tmp_path / "b.sqlite").write_text("precious", encoding="utf-8")
        for name, why in (("b.sqlite", "already exists"), ("no/such/b.sqlite", "cannot be written")):
            refused = run("--settings", str(settings), "backup", name, directory=tmp_path)
            assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
            assert why in refused.stderr
    assert (tmp_path / "b.sqlite").read_text(encoding="utf-8") == "precious"
