"""A name at an address keeps its keys over restarts; two clients running at once have separate keys."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import environment
from tui.net.client_session import FIRST_SERVERS, MAX_SERVERS, EnrolledKey
from tui.net.identity import acquire, is_known

ADDRESS = "wss://chat.example/ws"
SERVER = "server-1"
KEEP = f"""
from tui.net.client_session import EnrolledKey
from tui.net.identity import acquire
keys = acquire("{ADDRESS}", "ada")
if not keys.of("{SERVER}"):
    keys.remember("{SERVER}", EnrolledKey("fresh", b"f" * 32))
print(keys.of("{SERVER}")[0].identity, keys.kept)
"""


def key(identity: str) -> EnrolledKey:
    """A key with a unique secret."""
    return EnrolledKey(identity, os.urandom(32))


def start(address: str, name: str, directory: Path, server: str = SERVER) -> EnrolledKey:
    """Start a client, enrol if it has no key, and end it; return its first key."""
    keys = acquire(address, name, directory)
    if not keys.of(server):
        keys.remember(server, key(os.urandom(8).hex()))
    keys.release()
    return keys.of(server)[0]


def test_the_next_start_has_the_same_key_and_knows_the_server(tmp_path: Path) -> None:
    assert not is_known(ADDRESS, tmp_path)
    first = start(ADDRESS, "ada", tmp_path)
    assert start(ADDRESS, "ada", tmp_path) == first
    keys = acquire(ADDRESS, "ada", tmp_path)
    assert (keys.last_server, keys.last_identity, keys.kept) == (SERVER, first.identity, True)
    assert is_known(ADDRESS, tmp_path)
    keys.release()


def test_what_is_printed_has_no_secret_in_it(tmp_path: Path) -> None:
    keys = acquire(ADDRESS, "ada", tmp_path)
    keys.remember(SERVER, EnrolledKey("ada", b"secret" * 5 + b"--"))
    keys.release()
    assert "secret" not in f"{keys} {keys.of(SERVER)}"


def test_each_name_at_each_address_has_its_own_keys(tmp_path: Path) -> None:
    places = [(ADDRESS, "ada"), (ADDRESS, "bob"), ("ws://other.example/ws", "ada"), (f"{ADDRESS}\nada", "")]
    assert len({start(*place, tmp_path).secret for place in places}) == len(places)


def test_the_server_of_an_address_is_known_to_every_name(tmp_path: Path) -> None:
    start(ADDRESS, "ada", tmp_path)
    keys = acquire(ADDRESS, "eve", tmp_path)
    keys.release()
    assert (keys.last_server, keys.last_identity) == (SERVER, "")


def test_a_second_client_at_the_same_time_has_keys_of_its_own(tmp_path: Path) -> None:
    kept = start(ADDRESS, "ada", tmp_path)
    first, second = (acquire(ADDRESS, "ada", tmp_path) for _ in range(2))
    assert (first.kept, second.kept) == (True, False)
    assert not second.of(SERVER)
    assert second.last_server == SERVER
    second.remember(SERVER, key("second"))
    second.release()
    first.release()
    assert start(ADDRESS, "ada", tmp_path) == kept


def test_a_key_in_use_by_one_process_is_not_used_by_another_until_it_is_released(tmp_path: Path) -> None:
    def run() -> str:
        extra = {"XDG_DATA_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", KEEP], env=environment(extra), capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout.strip()

    assert run() == "fresh True"
    directory = tmp_path / "flagpost" / "identities"
    mine = acquire(ADDRESS, "ada", directory)
    assert mine.of(SERVER)[0].identity == "fresh"
    assert run() == "fresh False"
    mine.release()
    assert run() == "fresh True"


def test_the_server_of_the_first_login_is_never_forgotten(tmp_path: Path) -> None:
    first = start(ADDRESS, "ada", tmp_path)
    for number in range(3 * MAX_SERVERS):
        start(ADDRESS, "ada", tmp_path, f"other-{number}")
    keys = acquire(ADDRESS, "ada", tmp_path)
    keys.release()
    assert keys.of(SERVER) == (first,)
    assert len(keys.servers) == MAX_SERVERS
    assert [*keys.servers][1:FIRST_SERVERS] == [f"other-{number}" for number in range(FIRST_SERVERS - 1)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no modes")
def test_only_the_user_can_read_the_key_files(tmp_path: Path) -> None:
    folder = tmp_path / "identities"
    folder.mkdir(mode=0o755)
    start(ADDRESS, "ada", folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_file_names_contain_neither_name_nor_address(tmp_path: Path) -> None:
    start(ADDRESS, "ada", tmp_path)
    names = " ".join(file.name for file in tmp_path.iterdir())
    assert not [word for word in ("chat", "ada", SERVER) if word in names]


def test_the_token_of_an_older_client_is_removed(tmp_path: Path) -> None:
    start(ADDRESS, "ada", tmp_path)
    (lock,) = tmp_path.glob("*.lock")
    token = lock.with_suffix("")
    token.write_text("t" * 32)
    start(ADDRESS, "ada", tmp_path)
    assert not token.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe" * 20,
        b"{" * 100_000,
        b'{"last_identity":"","servers":{"server-1":[{"identity":"ada","secret":"c2hvcnQ="}]}}',
    ],
    ids=["empty", "list", "bytes", "deep", "short secret"],
)
def test_a_file_without_usable_keys_is_replaced_and_kept_aside(tmp_path: Path, content: bytes) -> None:
    start(ADDRESS, "ada", tmp_path)
    (file,) = tmp_path.glob("*.keys")
    file.write_bytes(content)
    fresh = start(ADDRESS, "ada", tmp_path)
    assert file.with_suffix(".unreadable").read_bytes() == content
    assert start(ADDRESS, "ada", tmp_path) == fresh


def test_keys_that_cannot_be_saved_are_valid_for_this_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    made = [acquire(ADDRESS, "ada", tmp_path / "file" / "identities") for _ in range(2)]
    for keys in made:
        keys.remember(SERVER, key("ada"))
        assert not keys.kept
        assert len(keys.of(SERVER)) == 1
        keys.release()
    assert not is_known(ADDRESS, tmp_path / "file" / "identities")


def test_a_name_that_cannot_be_encoded_does_not_end_the_client(tmp_path: Path) -> None:
    assert start(ADDRESS, "\udcff", tmp_path).secret
