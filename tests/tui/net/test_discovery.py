"""Finding the server from what the user typed, or from a settings file."""

import socket
from pathlib import Path

import pytest

from server.protocol.address import Address
from tui.files import FileError
from tui.net.discovery import EXPOSED, FoundServer, find
from tui.net.server_address import AddressError, configured, is_exposed, is_listening, unused, websocket_url
from tui.options import Options


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("chat.example:9000", "wss://chat.example:9000/ws"),
        ("chat.example", "wss://chat.example/ws"),
        (" chat.example \n", "wss://chat.example/ws"),
        ("//chat.example", "wss://chat.example/ws"),
        ("10.0.0.7", "wss://10.0.0.7/ws"),
        ("[fe80::1]:9000", "wss://[fe80::1]:9000/ws"),
        ("127.0.0.1.example", "wss://127.0.0.1.example/ws"),
        ("localhost.example:9000", "wss://localhost.example:9000/ws"),
        ("ws://chat.example", "ws://chat.example/ws"),
        ("https://chat.example", "wss://chat.example/ws"),
        ("HTTPS://Chat.Example/", "wss://Chat.Example/ws"),
        (" http://chat.example:8000 ", "ws://chat.example:8000/ws"),
        ("https://chat.example/#lobby", "wss://chat.example/ws"),
        ("localhost", "ws://localhost/ws"),
        ("chat.localhost:9000", "ws://chat.localhost:9000/ws"),
        ("127.8.0.1:9000", "ws://127.8.0.1:9000/ws"),
        ("[::ffff:127.0.0.1]:9000", "ws://[::ffff:127.0.0.1]:9000/ws"),
        ("wss://localhost", "wss://localhost/ws"),
        ("wss://chat.example", "wss://chat.example/ws"),
        ("wss://chat.example/", "wss://chat.example/ws"),
        ("ws://chat.example:9000/ws", "ws://chat.example:9000/ws"),
        ("wss://chat.example/rooms/1", "wss://chat.example/rooms/1"),
        ("127.0.0.1:9000", "ws://127.0.0.1:9000/ws"),
        ("[::1]:9000", "ws://[::1]:9000/ws"),
        ("chat.example/ws", "wss://chat.example/ws"),
        ("chat.example/?next=https://evil.example", "wss://chat.example/ws?next=https://evil.example"),
        ("unix:/run/flagpost.sock", "unix:/run/flagpost.sock"),
        ("ada:secret@chat_1.bücher.example.", "wss://ada:secret@chat_1.bücher.example./ws"),
        ("wss://chat.example?key=1", "wss://chat.example/ws?key=1"),
    ],
)
def test_a_url_can_be_typed_in_a_short_form(typed: str, url: str) -> None:
    assert websocket_url(typed) == url


async def test_a_given_url_is_used_without_reading_the_settings(tmp_path: Path) -> None:
    options = Options("ada", "chat.example:9000", tmp_path / "missing.toml")
    assert await find(options) == FoundServer("wss://chat.example:9000/ws", None, [])


async def test_a_connection_that_others_can_read_has_a_notice() -> None:
    assert (await find(Options("ada", "ws://chat.example"))).notices == [EXPOSED.format("ws://chat.example/ws")]
    assert not any(map(is_exposed, ("wss://chat.example/ws", "ws://[::1]:9000/ws", "unix:/run/flagpost.sock")))


async def test_a_server_that_listens_at_the_address_of_the_settings_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        file = tmp_path / "settings.toml"
        file.write_text(f'Address = "127.0.0.1:{port}"')
        assert await find(Options("ada", settings=file)) == FoundServer(f"ws://127.0.0.1:{port}/ws", None, [])


def test_the_address_is_read_from_a_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('Title = "x"\nAddress = "[::1]:9001"')
    assert configured(file) == (Address("::1", 9001), False)


def test_the_first_of_several_addresses_is_the_one_to_connect_to(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('Address = ["[::1]:9001", "127.0.0.1:9000"]')
    assert configured(file) == (Address("::1", 9001), False)


def test_a_settings_file_without_an_address_means_the_default(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    assert configured(file) == (Address("127.0.0.1", 9000), False)


def test_settings_of_the_working_directory_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.toml").write_text('Address = "evil.example:443"')
    assert configured(None) == (Address("127.0.0.1", 9000), False)


def test_a_notice_says_that_settings_of_the_working_directory_are_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert unused() == []
    Path("settings.toml").write_text("")
    assert unused() == [
        "settings.toml in the working directory is not used; to use it, start with --settings settings.toml."
    ]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"Address = 9000", "in quotes"),
        (b"Address = []", "in quotes"),
        (b"Address = [9000]", "in quotes"),
        (b"a = " + b"[" * 1000, "nested too deeply"),
        (b'Address = "localhost"', "HOST:PORT"),
        (b'Address = "127.0.0.1:99999"', "port"),
        (b'Address = "::1:9000"', "HOST:PORT"),
        (b"Address =\nTitle = 1", "line 1"),
        (b'Title = "\xff"', "UTF-8"),
    ],
)
def test_an_unusable_address_is_one_line_with_the_file_and_a_hint(tmp_path: Path, content: bytes, hint: str) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(content)
    with pytest.raises(FileError, match=r"my\.toml") as raised:
        configured(file)
    assert hint in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_missing_settings_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"missing\.toml: No such file.*--settings"):
        configured(tmp_path / "missing.toml")


async def test_a_listening_address_is_detected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(*listener.getsockname())
        assert await is_listening(address)
    assert not await is_listening(address)


@pytest.mark.parametrize(
    "typed",
    [
        "ws://[::1",
        "ws://a..b",
        ".a",
        "ws://a@b@127.0.0.1",
        f"wss://{'a' * 64}.example",
        "ws://\udcff:1",
        "unix:",
        "ws://",
    ],
)
def test_an_invalid_address_is_explained_in_one_line_with_an_example(typed: str) -> None:
    with pytest.raises(AddressError, match=r"^That isn't a server address. Try one like wss://chat.example$"):
        websocket_url(typed)
