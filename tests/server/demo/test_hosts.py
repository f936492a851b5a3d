"""Host names that the demo site accepts, so that DNS rebinding reads nothing."""

import asyncio

import pytest

from server.demo.site import site_hosts
from server.protocol.address import Address
from tests.server.demo.caller import KEY, Caller, evidence
from tests.server.demo.visitor import ANYWHERE, running

OWN = ["127.0.0.1:9080", "localhost:9080", "LOCALHOST:9080", "[::1]:9080"]
FOREIGN = [
    "evil.example",
    "evil.example:9080",
    "127.0.0.1",
    "127.0.0.1:9081",
    "127.0.0.1:9080.evil.example",
    "127.0.0.1.evil.example:9080",
    "evil.example#127.0.0.1:9080",
    "ada@127.0.0.1:9080",
    "localhost.:9080",
    "10.0.0.1:9080",
    "",
    "ⅼocalhost:9080",
]
ROUTES = [
    ("GET", "/"),
    ("GET", "/reports/rep_1"),
    ("POST", "/reports/rep_1"),
    ("GET", "/reports.json"),
    ("POST", "/webhooks"),
    ("GET", "/nothing"),
    ("PUT", "/"),
]


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_host_is_refused_on_every_route(caller: Caller, host: str, method: str, path: str) -> None:
    await caller.tell(evidence("a secret"))
    reply = await caller.site.request(method, path, headers=[(b"Host", host.encode())])
    assert reply.status_code == 403
    assert reply.text == "This site does not have that name; open the address that the demo printed.\n"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", OWN)
async def test_requests_for_the_sites_own_names_are_answered(caller: Caller, host: str) -> None:
    await caller.tell(evidence("Hm."))
    for path in ("/", "/reports/rep_1", "/reports.json"):
        reply = await caller.site.get(path, headers={"Host": host})
        assert reply.status_code == 200
        assert "Hm." in reply.text
        assert KEY.reveal() not in reply.text


async def test_two_host_headers_are_refused(caller: Caller) -> None:
    twice = [("Host", "127.0.0.1:9080"), ("Host", "evil.example")]
    assert (await caller.site.get("/", headers=twice)).status_code == 403


@pytest.mark.parametrize(
    ("address", "more"),
    [
        (Address("192.0.2.7", 9080), {"192.0.2.7:9080"}),
        (Address("2001:db8::7", 9080), {"[2001:db8::7]:9080"}),
        (Address("Box.example", 9080), {"box.example:9080"}),
    ],
)
def test_an_address_given_by_the_user_is_accepted_as_a_host(address: Address, more: set[str]) -> None:
    assert site_hosts(address) == {"127.0.0.1:9080", "localhost:9080", "[::1]:9080"} | more


def test_a_host_without_its_port_is_accepted_on_port_80() -> None:
    assert {"localhost", "127.0.0.1", "[::1]", "localhost:80"} <= site_hosts(Address("127.0.0.1", 80))


async def test_a_running_demo_refuses_a_foreign_name_that_resolves_to_it() -> None:
    async with running(*ANYWHERE) as demo:
        own = demo.inbox.removeprefix("http://").rstrip("/")
        host, _, port = own.rpartition(":")
        for name, status in ((f"evil.example:{port}", b"403"), (own, b"200")):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET /reports.json HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            async with asyncio.timeout(10):
                head = await reader.readline()
            writer.close()
            assert head.split()[1] == status
