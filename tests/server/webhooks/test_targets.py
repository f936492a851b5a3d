"""Where webhooks may connect: the table of rules, and the transport that uses the checked address."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Mapping
from ipaddress import ip_address

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from server.settings import WebhookSecurity
from server.webhooks.outbound import transport
from server.webhooks.targets import METADATA, ForbiddenTargetError, GuardedTransport, connecting, forbidden, resolve
from tests.support.receiver import WAIT_SECONDS, Behaviour, Receiver, Request
from tests.support.site_answers import answer

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1", "2400::",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip
PRIVATE = {
    "loopback": [
        "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::127.0.0.1",
        "2002:7f00:1::",
    ],
    "private": [
        "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1",
        "fec0::1", "::ffff:10.0.0.1", "::ffff:c0a8:101", "64:ff9b::10.1.2.3", "2002:a01:203::1",
    ],
    "link-local": ["169.254.1.1", "fe80::1", "fe80::1%eth0", "fe80::1%25", "::ffff:169.254.1.1", "64:ff9b::a9fe:101"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "64:ff9b::"],
    "CGNAT": ["100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff02::1%lo", "::ffff:224.0.0.1"],
    "reserved": [
        "240.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
        "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "2001::1", "2001:10::1", "2001:2::1", "100::1",
        "5f00::1", "4000::1", "e000::1", "64:ff9b:1::8.8.8.8", "::8.8.8.8", "::127.0.0.1", "::ffff:0:8.8.8.8",
        "::ffff:255.255.255.255",
    ],
}  # fmt: skip
MAPPED_METADATA = [
    "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:2:3::a9fe:a9fe", "::169.254.169.254", "::ffff:0:169.254.169.254", "2002:a9fe:a9fe::",
    "2002:a9fe:a9fe::5", "2001:0:0:0:0:0:5601:5601", "::ffff:100.100.100.200", "64:ff9b::6464:64c8",
    "2002:6464:64c8::1", "fd00:ec2::254%eth0", "FD00:0EC2:0:0:0:0:0:0254",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_allowed(address: str) -> None:
    assert not forbidden(address, block_private=True)
    assert not forbidden(address, block_private=False)


@pytest.mark.parametrize(("kind", "address"), [(kind, address) for kind in PRIVATE for address in PRIVATE[kind]])
def test_addresses_outside_the_internet_are_refused_with_block_private(kind: str, address: str) -> None:
    reason = forbidden(address, block_private=True) or ""
    assert f" {kind} " in reason or f"({kind})" in reason
    assert reason.startswith(f"{address} is ")
    assert "BlockPrivate" in reason
    assert not forbidden(address, block_private=False)


@pytest.mark.parametrize("address", [*MAPPED_METADATA, *sorted(map(str, METADATA))])
@pytest.mark.parametrize("block_private", [True, False])
def test_metadata_addresses_are_always_refused(address: str, block_private: bool) -> None:
    assert "metadata" in (forbidden(address, block_private=block_private) or "")


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "169.254.0.23", "192.0.0.192", "fe80::a9fe:a9fe"],
)
def test_the_known_metadata_addresses_are_listed(address: str) -> None:
    assert ip_address(address) in METADATA


@given(st.ip_addresses(v=4))
def test_other_forms_of_a_forbidden_address_are_forbidden(address: object) -> None:
    plain = bool(forbidden(str(address), block_private=True))
    number = int(ip_address(str(address)))
    for form in (f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"):
        assert bool(forbidden(form, block_private=True)) is plain


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_allowed_only_if_it_is_global_unicast_or_embeds_ipv4(address: object) -> None:
    first = int(ip_address(str(address))) >> 125
    if not forbidden(str(address), block_private=True):
        assert first == 1 or str(address).startswith(("::ffff:", "64:ff9b::"))


LOOPBACK_SPELLINGS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "localhost",
    "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:127.0.0.1",
]  # fmt: skip


async def test_a_name_that_does_not_resolve_does_not_delay_others(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host == "silent.example":
            over.wait(WAIT_SECONDS)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    waiting = [asyncio.create_task(resolve("silent.example")) for _ in range(40)]
    try:
        await asyncio.sleep(0.1)
        async with asyncio.timeout(WAIT_SECONDS / 2):
            assert await resolve("site.example") == ["10.0.0.1"]
    finally:
        for task in waiting:
            task.cancel()
        over.set()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
async def test_however_a_host_is_spelt_its_resolved_address_is_checked(host: str) -> None:
    addresses = await resolve(host)
    assert addresses
    assert all("loopback" in (forbidden(address, block_private=True) or "") for address in addresses)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"]
)
async def test_however_the_metadata_address_is_spelt_it_is_refused(host: str) -> None:
    assert ["metadata" in (forbidden(address, block_private=False) or "") for address in await resolve(host)] == [True]


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
async def test_an_invalid_name_has_no_address(host: str) -> None:
    with pytest.raises(OSError, match="is not a host name"):
        await resolve(host)


REFUSED = httpx.ConnectError("refused")


async def post(
    sites: Mapping[str, Exception | None], url: str = "https://site.example/hooks", *, block_private: bool = True
) -> list[httpx.Request]:
    """Post to a site with these addresses, in order; return the attempts to connect."""
    asked: list[httpx.Request] = []

    async def addresses(_host: str) -> list[str]:
        return list(sites)

    def connect(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if failure := sites[request.url.host]:
            raise failure
        return answer(200)

    transport = GuardedTransport(httpx.MockTransport(connect), block_private=block_private, resolve=addresses)
    async with httpx.AsyncClient(transport=transport, timeout=12, trust_env=False) as client:
        await client.post(url, content=b"{}")
    return asked


async def test_the_address_that_was_checked_is_connected_to_under_the_name_of_the_site() -> None:
    (request,) = await post({"1.1.1.1": None}, "https://site.example:8443/hooks?a=b")
    assert str(request.url) == "https://1.1.1.1:8443/hooks?a=b"
    assert request.headers["Host"] == "site.example:8443"
    assert request.extensions["sni_hostname"] == "site.example"
    assert (request.method, await request.aread()) == ("POST", b"{}")


async def test_a_non_ascii_name_is_resolved_in_its_ascii_form() -> None:
    (request,) = await post({"1.1.1.1": None}, "https://bücher.example/")
    assert request.headers["Host"] == "xn--bcher-kva.example"
    assert request.extensions["sni_hostname"] == "xn--bcher-kva.example"


async def test_only_the_allowed_ones_of_several_addresses_are_tried() -> None:
    asked = await post({"127.0.0.1": None, "1.1.1.1": REFUSED, "10.0.0.1": None, "2606:4700::1": None})
    assert [request.url.host for request in asked] == ["1.1.1.1", "2606:4700::1"]
    assert [request.extensions["timeout"]["connect"] for request in asked] == [6, 6]


@pytest.mark.parametrize("failure", [REFUSED, httpx.ConnectTimeout("slow")])
async def test_the_next_address_is_tried_when_one_does_not_connect(failure: Exception) -> None:
    asked = await post({"1.1.1.1": failure, "1.1.1.2": None, "1.1.1.3": None})
    assert [request.url.host for request in asked] == ["1.1.1.1", "1.1.1.2"]


@pytest.mark.parametrize("failure", [httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.WriteError("reset")])
async def test_a_request_that_may_have_been_sent_is_not_retried_elsewhere(failure: Exception) -> None:
    with pytest.raises(type(failure)):
        await post({"1.1.1.1": failure, "1.1.1.2": None})


async def test_an_error_is_raised_if_no_address_connects() -> None:
    with pytest.raises(httpx.ConnectError, match="refused"):
        await post({"1.1.1.1": httpx.ConnectTimeout("slow"), "1.1.1.2": REFUSED})


async def test_forbidden_addresses_are_named_with_their_rules() -> None:
    with pytest.raises(
        ForbiddenTargetError, match=r"127\.0\.0\.1 is a loopback .*; 169\.254\.169\.254 is a cloud.s metadata "
    ):
        await post({"127.0.0.1": None, "169.254.169.254": None})
    (request,) = await post({"127.0.0.1": None, "169.254.169.254": None}, block_private=False)
    assert request.url.host == "127.0.0.1"


async def test_a_name_without_an_address_cannot_be_connected_to() -> None:
    with pytest.raises(httpx.ConnectError, match="is not a host name"):
        async with httpx.AsyncClient(transport=transport(WebhookSecurity())) as client:
            await client.post("http://a..b/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pinned(authority: trustme.CA) -> GuardedTransport:
    """Return a transport that trusts this authority, and resolves every name to 127.0.0.1."""

    async def addresses(_host: str) -> list[str]:
        return ["127.0.0.1"]

    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return GuardedTransport(connecting(trusting), block_private=False, resolve=addresses)


def site_of(authority: trustme.CA, name: str, behaviour: Behaviour | None = None) -> Receiver:
    """Serve a site with a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return Receiver(behaviour, tls=context)


async def test_tls_verifies_the_name_and_not_the_address(authority: trustme.CA, pinned: GuardedTransport) -> None:
    with site_of(authority, "site.example") as site:
        async with httpx.AsyncClient(transport=pinned, trust_env=False) as client:
            assert (await client.post(f"https://site.example:{site.port}/hooks")).status_code == 200
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.post(f"https://other.example:{site.port}/hooks")
        (request,) = site.requests
        assert request.header("Host") == f"site.example:{site.port}"


async def test_a_verified_connection_is_not_reused_for_another_name(
    authority: trustme.CA, pinned: GuardedTransport
) -> None:
    def keep(client: socket.socket, _request: Request, over: threading.Event) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        over.wait(WAIT_SECONDS)

    with site_of(authority, "site.example", keep) as site:
        async with httpx.AsyncClient(transport=pinned, trust_env=False, timeout=WAIT_SECONDS) as client:
            assert (await client.post(f"https://site.example:{site.port}/hooks")).status_code == 200
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.post(f"https://other.example:{site.port}/hooks")


async def test_an_ipv6_address_is_connected_to() -> None:
    with Receiver(host="::1") as site:
        async with httpx.AsyncClient(transport=transport(WebhookSecurity()), trust_env=False) as client:
            assert (await client.post(site.url)).status_code == 200
            assert site.requests[0].header("Host") == f"[::1]:{site.port}"
        async with httpx.AsyncClient(
            transport=transport(WebhookSecurity(block_private=True)), trust_env=False
        ) as client:
            with pytest.raises(ForbiddenTargetError, match="loopback"):
                await client.post(site.url)
        assert len(site.requests) == 1
