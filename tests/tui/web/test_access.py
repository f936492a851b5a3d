"""Which requests may open the page, by their headers."""

import pytest

from tui.web.access import FOREIGN_HOST, FOREIGN_PAGE, PageAccess

PORT = 8000
TOKEN = "the-token-of-this-start"
BOX = "192.0.2.7"
"""The local address at which the connection arrived."""


def access(host: str = "127.0.0.1", port: int = PORT) -> PageAccess:
    return PageAccess(host, port, "Box", TOKEN)


LOCAL = ("127.0.0.1", "::1", "localhost")
LOCAL_HOSTS = ("127.0.0.1:8000", "[::1]:8000", "localhost:8000", "LocalHost:8000")
EVERYWHERE = ("0.0.0.0", "::", "")
FOREIGN = (
    "evil.example",
    "evil.example:8000",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:80",
    "127.0.0.1:8001",
    "127.0.0.1:8000.evil.example",
    "127.0.0.1.evil.example:8000",
    "127.0.0.1:8000@evil.example",
    "evil.example#127.0.0.1:8000",
    "evil.example, 127.0.0.1:8000",
    "localhost.:8000",
    "127.1:8000",
    "2130706433:8000",
    "::1:8000",
    "",
    ":8000",
    "198.51.100.1:8000",
    "[2001:db8::bad]:8000",
    "\udcff\udcfe:8000",
)


@pytest.mark.parametrize("host", LOCAL)
@pytest.mark.parametrize("named", LOCAL_HOSTS)
def test_a_local_page_can_be_opened_under_the_names_of_loopback(host: str, named: str) -> None:
    assert access(host).foreign([named], [], host) is None


@pytest.mark.parametrize("host", [*LOCAL, *EVERYWHERE, BOX, "chat.example"])
@pytest.mark.parametrize("named", FOREIGN)
def test_no_page_can_be_opened_under_a_foreign_name(host: str, named: str) -> None:
    reached = host if host in LOCAL and host != "localhost" else BOX
    assert access(host).foreign([named], [], reached) == FOREIGN_HOST
    # A page opened under that name has that origin, too.
    assert access(host).foreign([named], [f"http://{named}"], reached) == FOREIGN_HOST


@pytest.mark.parametrize("host", EVERYWHERE)
@pytest.mark.parametrize("named", [*LOCAL_HOSTS, f"{BOX}:8000", "box:8000", "BOX:8000"])
def test_a_page_on_all_interfaces_can_be_opened_under_the_names_of_this_machine(host: str, named: str) -> None:
    assert access(host).foreign([named], [], BOX) is None


@pytest.mark.parametrize(
    ("host", "named"),
    [(BOX, f"{BOX}:8000"), ("chat.example", "chat.example:8000"), ("chat.example", f"{BOX}:8000")],
)
def test_a_page_on_a_given_host_can_be_opened_under_its_name_and_its_address(host: str, named: str) -> None:
    assert access(host).foreign([named], [f"http://{named}"], BOX) is None


@pytest.mark.parametrize("named", ["localhost:8000", "127.0.0.1:8000", "box:8000"])
def test_a_page_on_a_given_host_can_be_opened_under_no_other_name(named: str) -> None:
    assert access("chat.example").foreign([named], [], BOX) == FOREIGN_HOST


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1:8000", "127.0.0.1:8000"], ["127.0.0.1:8000", "evil.example"]])
def test_a_request_needs_exactly_one_host(hosts: list[str]) -> None:
    assert access().foreign(hosts, [], "127.0.0.1") == FOREIGN_HOST


def test_a_host_without_its_port_is_accepted_on_port_80() -> None:
    for named in ("localhost", "127.0.0.1:80", "[::1]"):
        assert access(port=80).foreign([named], [f"http://{named}"], "127.0.0.1") is None


@pytest.mark.parametrize(
    "origins",
    [
        ["null"],
        [""],
        ["http://evil.example"],
        ["http://127.0.0.1"],
        ["http://127.0.0.1:1"],
        ["http://localhost:8000"],
        ["https://127.0.0.1:8000"],
        ["http://127.0.0.1:8000/"],
        ["http://127.0.0.1:8000", "http://evil.example"],
        ["file://"],
    ],
)
def test_a_request_from_another_origin_is_refused(origins: list[str]) -> None:
    assert access().foreign(["127.0.0.1:8000"], origins, "127.0.0.1") == FOREIGN_PAGE


@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "\udcff", "x" * 100_000])
def test_only_the_exact_token_opens_the_page(token: str) -> None:
    assert not access().admits(token)
    assert access().admits(TOKEN)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("chat.example", "http://chat.example:8000/"),
        ("0.0.0.0", "http://Box:8000/"),
        ("::", "http://Box:8000/"),
    ],
)
def test_the_url_can_be_opened_and_has_no_token(host: str, url: str) -> None:
    assert access(host).url == url
    assert TOKEN not in f"{access()!r}{access()}"
