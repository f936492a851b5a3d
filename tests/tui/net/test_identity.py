"""A name at a server has one token over all starts, and two clients at once have two."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import environment
from tui.net.identity import Identity, take

SERVER = "wss://chat.example/ws"
TAKE = "from tui.net.identity import take; print(take('wss://chat.example/ws', 'ada').token)"


def token_of(server: str, name: str, directory: Path) -> str:
    """The token of a client that starts and ends."""
    identity = take(server, name, directory)
    identity.release()
    return identity.token


def test_the_next_start_has_the_same_token(tmp_path: Path) -> None:
    tokens = {token_of(SERVER, "ada", tmp_path) for _ in range(3)}
    assert len(tokens) == 1
    assert 16 <= len(tokens.pop()) <= 128


def test_what_is_printed_has_no_token_in_it(tmp_path: Path) -> None:
    identity = take(SERVER, "ada", tmp_path)
    identity.release()
    assert identity.token not in f"{identity}"


def test_each_name_at_each_server_has_its_own(tmp_path: Path) -> None:
    places = [(SERVER, "ada"), (SERVER, "bob"), ("ws://other.example/ws", "ada"), (f"{SERVER}\nada", "")]
    assert len({token_of(*place, tmp_path) for place in places}) == len(places)


def test_a_second_client_at_the_same_time_has_a_token_of_its_own(tmp_path: Path) -> None:
    first = take(SERVER, "ada", tmp_path)
    second = take(SERVER, "ada", tmp_path)
    assert second.token != first.token
    second.release()
    assert take(SERVER, "ada", tmp_path).token != first.token
    first.release()
    assert token_of(SERVER, "ada", tmp_path) == first.token


def test_a_client_of_another_process_keeps_it_as_well_and_its_end_frees_it(tmp_path: Path) -> None:
    def start() -> str:
        extra = {"XDG_DATA_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", TAKE], env=environment(extra), capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout.strip()

    kept = start()
    directory = tmp_path / "flagpost" / "identities"
    mine = take(SERVER, "ada", directory)
    assert mine.token == kept
    assert start() != kept
    mine.release()
    assert start() == kept


@pytest.mark.skipif(sys.platform == "win32", reason="there are no modes")
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "identities"
    folder.mkdir(mode=0o755)
    take(SERVER, "ada", folder).release()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_neither_name_nor_server_nor_token_stands_in_a_file_name(tmp_path: Path) -> None:
    token = token_of(SERVER, "ada", tmp_path)
    names = " ".join(file.name for file in tmp_path.iterdir())
    assert not [word for word in ("chat", "ada", token) if word in names]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 200, b"\xff\xfe" * 20, b"a token with spaces in it"])
def test_a_file_that_is_no_token_is_replaced(tmp_path: Path, content: bytes) -> None:
    token_of(SERVER, "ada", tmp_path)
    (file,) = (each for each in tmp_path.iterdir() if not each.suffix)
    file.write_bytes(content)
    token = token_of(SERVER, "ada", tmp_path)
    assert token.encode() != content
    assert token_of(SERVER, "ada", tmp_path) == token


def test_where_nothing_can_be_kept_there_is_a_token_for_this_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    made: list[Identity] = [take(SERVER, "ada", tmp_path / "file" / "identities") for _ in range(2)]
    assert len({each.token for each in made}) == 2
    for each in made:
        each.release()


def test_a_name_that_no_encoding_takes_ends_nothing(tmp_path: Path) -> None:
    assert token_of(SERVER, "\udcff", tmp_path)
