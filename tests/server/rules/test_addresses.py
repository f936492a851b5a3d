"""Client addresses, with and without proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rules.addresses import UNREADABLE, client, counted, is_undeclared_proxy, networks, within

PROXIES = networks(["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"])

CLIENTS = {
    "no proxy": ("192.0.2.7", [], "192.0.2.7"),
    "a claim by a client that is no proxy": ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
    "a proxy": ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "a claim before what the proxy wrote": ("127.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
    "a claim in a separate header": ("127.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
    "a proxy behind a proxy": ("127.0.0.1", ["198.51.100.1, 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
    "proxies alone": ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
    "a proxy that wrote nothing": ("127.0.0.1", [], "127.0.0.1"),
    "a proxy that wrote an empty header": ("127.0.0.1", [""], "127.0.0.1"),
    "a proxy that wrote empty parts": ("127.0.0.1", ["203.0.113.9, ,"], "203.0.113.9"),
    "a proxy that wrote no address": ("127.0.0.1", ["203.0.113.9, unknown"], UNREADABLE),
    "a proxy that wrote a name": ("127.0.0.1", ["client.example"], UNREADABLE),
    "a proxy that wrote a wrong port": ("127.0.0.1", ["203.0.113.9:http"], UNREADABLE),
    "a port": ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
    "a port in quotes": ("127.0.0.1", ['"203.0.113.9:4711"'], "203.0.113.9"),
    "IPv6 and a port": ("127.0.0.1", ["[2001:db8::9]:4711"], "2001:db8::9"),
    "IPv6 in brackets": ("127.0.0.1", [" [2001:db8::9] "], "2001:db8::9"),
    "IPv6 with a zone, a port and quotes": ("127.0.0.1", ['"[fe80::9%25eth0]:4711"'], "fe80::9"),
    "IPv4 in IPv6 and a port": ("127.0.0.1", ["[::ffff:203.0.113.9]:4711"], "203.0.113.9"),
    "a proxy with a port behind a proxy": ("127.0.0.1", ["203.0.113.9:1, 10.1.2.3:2"], "203.0.113.9"),
    "something else before the address": ("127.0.0.1", ["unknown, 203.0.113.9"], "203.0.113.9"),
    "IPv6": ("2001:db8:1::1", ["2001:DB8:0:0::9"], "2001:db8::9"),
    "IPv4 in IPv6": ("::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    "a zone": ("fe80::1%eth0", [], "fe80::1"),
    "a socket without an address": ("", ["203.0.113.9"], ""),
}


@pytest.mark.parametrize(("peer", "forwarded", "expected"), CLIENTS.values(), ids=CLIENTS.keys())
def test_the_client_is_the_last_address_from_a_trusted_proxy(peer: str, forwarded: list[str], expected: str) -> None:
    assert client(peer, forwarded, PROXIES) == expected


@given(st.lists(st.text(max_size=40) | st.ip_addresses().map(str), max_size=5))
def test_a_forged_header_does_not_change_the_address(claims: list[str]) -> None:
    assert client("192.0.2.7", claims, PROXIES) == "192.0.2.7"
    assert client("127.0.0.1", [*claims, "203.0.113.9"], PROXIES) == "203.0.113.9"
    assert client("127.0.0.1", [", ".join([*claims, "203.0.113.9"])], PROXIES) == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.168.1.2", ["203.0.113.9"], True),
        ("::1", ["203.0.113.9"], True),
        ("127.0.0.1", ["203.0.113.9"], False),
        ("192.168.1.2", [], False),
        ("9.9.9.9", ["203.0.113.9"], False),
        ("", ["203.0.113.9"], False),
    ],
)
def test_an_untrusted_neighbour_that_forwards_addresses_is_an_undeclared_proxy(
    peer: str, forwarded: list[str], expected: bool
) -> None:
    assert is_undeclared_proxy(peer, forwarded, PROXIES) is expected


def test_limits_count_ipv4_by_address_and_ipv6_by_its_first_64_bits() -> None:
    assert counted("203.0.113.9") == "203.0.113.9"
    assert counted("2001:db8::9") == counted("2001:db8:0:0:ffff::1") == "2001:db8::/64"
    assert counted("2001:db8:0:1::9") != counted("2001:db8::9")


def test_an_address_is_found_in_its_network() -> None:
    assert within("10.255.0.1", PROXIES)
    assert not within("11.0.0.1", PROXIES)
    assert not within("::1", PROXIES)
    assert within("192.168.1.9", networks(["192.168.1.77/24"]))


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/33", "10.0.0"])
def test_an_invalid_network_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        networks([text])
