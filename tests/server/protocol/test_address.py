"""Parsing and printing of addresses."""

import pytest

from server.protocol.address import DEFAULT_ADDRESS, Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("chat.example:0", "chat.example", 0),
        ("[::1]:65535", "::1", 65535),
    ],
)
def test_a_parsed_address_is_printed_unchanged(text: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert address == (host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        ":9000",
        "[]:9000",
        "::1:9000",
        "[localhost]:1",
        "h:",
        "h:-1",
        "h:65536",
        "h:٣",
        "h:9000/ws",
        "ws://h:9000",
        "h:" + "9" * 5000,
    ],
)
def test_an_invalid_address_is_an_error_of_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        Address.parse(text)


def test_the_error_shows_an_example_of_an_address() -> None:
    with pytest.raises(ValueError, match=DEFAULT_ADDRESS):
        Address.parse("localhost")


def test_the_websocket_url_brackets_an_ipv6_host() -> None:
    assert Address("::1", 9000).websocket_url() == "ws://[::1]:9000/ws"
    assert Address.parse(DEFAULT_ADDRESS).websocket_url() == "ws://127.0.0.1:9000/ws"
    assert Address("chat.example", 443).websocket_url(tls=True) == "wss://chat.example:443/ws"
