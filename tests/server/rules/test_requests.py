"""Heads that announce a readable body, and Host headers that name the server."""

from http import HTTPStatus

import pytest

from server.rules import hosts
from server.rules.requests import MAX_BODY_BYTES, RefusedRequest, check_body, check_host

NAMES = hosts.known(
    ["https://www.site.example/room", "http://127.0.0.1:8000", ""],
    ["chat.example", "flagpost.internal", "Other.Example."],
)

HEADS = {
    "no body": ([], None),
    "nothing": (["Content-Length: 0"], None),
    "the maximum": ([f"content-length:{MAX_BODY_BYTES}"], None),
    "spaces around the length": (["CONTENT-LENGTH: \t 7 \t"], None),
    "a byte too much": ([f"Content-Length: {MAX_BODY_BYTES + 1}"], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "twenty digits": (["Content-Length: " + "9" * 20], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "a thousand digits": (["Content-Length: " + "9" * 1000], HTTPStatus.BAD_REQUEST),
    "a thousand zeros": (["Content-Length: " + "0" * 1000], HTTPStatus.BAD_REQUEST),
    "two lengths": (["Content-Length: 4", "Content-Length: 5"], HTTPStatus.BAD_REQUEST),
    "one length twice": (["Content-Length: 4", "X: y", "content-length: 4"], HTTPStatus.BAD_REQUEST),
    "a list of lengths": (["Content-Length: 4, 4"], HTTPStatus.BAD_REQUEST),
    "a sign": (["Content-Length: +4"], HTTPStatus.BAD_REQUEST),
    "hexadecimal": (["Content-Length: 0x4"], HTTPStatus.BAD_REQUEST),
    "empty": (["Content-Length:"], HTTPStatus.BAD_REQUEST),
    "on the next line": (["Content-Length:", " 4"], HTTPStatus.BAD_REQUEST),
    "chunks": (["Transfer-Encoding: chunked"], HTTPStatus.LENGTH_REQUIRED),
    "chunks in capitals": (["TRANSFER-ENCODING:CHUNKED"], HTTPStatus.LENGTH_REQUIRED),
    "compressed chunks": (["Transfer-Encoding: gzip, chunked"], HTTPStatus.LENGTH_REQUIRED),
    "chunks and a length": (["Transfer-Encoding: chunked", "Content-Length: 4"], HTTPStatus.BAD_REQUEST),
    "another field": (["X-Content-Length: 99999999", "X: Transfer-Encoding: chunked"], None),
}


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize(("fields", "status"), HEADS.values(), ids=HEADS.keys())
def test_a_body_needs_exactly_one_length_within_bounds(
    fields: list[str], status: HTTPStatus | None, line_end: str
) -> None:
    head = line_end.join(["POST / HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()
    if status is None:
        check_body(head)
        return
    with pytest.raises(RefusedRequest) as caught:
        check_body(head)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:9000", "localhost.", "127.0.0.1", "127.0.0.1:9000", "192.0.2.7:80", "[::1]",
        "[::1]:9000",
        "[2001:db8::7]:443", "chat.example", "chat.example:443", "Chat.Example.", "www.site.example",
        "flagpost.internal:9000", "other.example",
    ],
)  # fmt: skip
def test_the_servers_own_names_and_addresses_are_accepted_as_hosts(host: str) -> None:
    check_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:9000", "localhost.evil.example", "evil.example.localhost",
        "chat.example.evil", "xchat.example", "site.example", "127.0.0.1.evil.example", "127.1", "0x7f.1",
        "2130706433", "::1", "[127.0.0.1]", "[::1", "::1]", "user@localhost", "localhost:", "localhost:x",
        "localhost:9000:9000", "localhost, evil.example", "localhost..", "local\u017fhost",
        "\u0661\u0662\u0667.0.0.1", "localhost/", "[]", ":9000", ".",
    ],
)  # fmt: skip
def test_a_request_for_any_other_host_is_misdirected(host: str) -> None:
    with pytest.raises(RefusedRequest, match="AllowedHosts") as caught:
        check_host(host, NAMES)
    assert caught.value.status == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize(("text", "usable"), [
    ("chat.example", True), ("flagpost", True), ("a_b-c.d", True), ("10.0.0.1", True), ("", False), ("-a", False),
    ("chat.example:9000", False), ("https://chat.example", False), ("*.example", False), ("b\u00fccher.example", False),
    ("a b", False), ("a\n", False), ("a" * 255, False),
])  # fmt: skip
def test_an_allowed_host_in_the_settings_is_a_name_without_a_port(text: str, *, usable: bool) -> None:
    assert hosts.is_name(text) == usable
