"""A client keeps its identity over restarts and failures, its own and the server's."""

from pathlib import Path

from server.protocol.frames import Presence
from tests.support.chat_client import entered
from tests.support.client_queries import gone
from tests.support.plain_client import PlainClient
from tests.support.server_process import ServerProcess, write_settings


async def test_client_keeps_its_name_and_catches_up_after_the_server_is_killed(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server, PlainClient(server.url, "ada", tmp_path) as ada:
        ada.until("Connected as ada")
        ada.write("hello")
        ada.until("ada» hello")
        port = server.port
        server.kill()
        ada.until_error("No connection")
        with ServerProcess(settings, "--address", f"127.0.0.1:{port}") as again:
            ada.until("Connected again as ada")
            async with entered(again.url, "bob") as bob:
                await bob.say("@ada", "psst")
            ada.until("psst")


async def test_a_killed_client_is_the_same_person_at_its_next_start(server: ServerProcess, tmp_path: Path) -> None:
    async with entered(server.url, "bob") as bob:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada")
        await bob.next(Presence, gone("ada"))
        await bob.say("@ada", "while you were away")
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada;")
            ada.until("while you were away")


def test_two_clients_with_the_same_name_are_two_people(server: ServerProcess, tmp_path: Path) -> None:
    with PlainClient(server.url, "ada", tmp_path) as ada:
        ada.until("Connected as ada;")
        with PlainClient(server.url, "ada", tmp_path) as other:
            other.until("Connected as ada 2;")
            ada.write("still here")
            other.until("ada» still here")
            assert other.end_input() == (0, [])
        assert ada.end_input() == (0, [])


def test_a_restore_from_before_the_first_login_makes_the_user_a_new_person(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        port = server.port
        server.terminate()
    old = (tmp_path / "room.sqlite").read_bytes()
    with ServerProcess(settings, "--address", f"127.0.0.1:{port}") as server:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.write("hello")
            assert ada.end_input() == (0, [])
        server.terminate()
    for file in tmp_path.glob("room.sqlite-*"):
        file.unlink()
    (tmp_path / "room.sqlite").write_bytes(old)
    with ServerProcess(settings, "--address", f"127.0.0.1:{port}") as server:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada;")
            ada.until_error("does not know you any more")
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.write("hello")
            assert ada.end_input() == (0, [])
