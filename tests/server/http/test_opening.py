"""An accepted connection is handled alike, whether its handshake needs the HTTP parser or not."""

import asyncio
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from server.http.http_connection import HttpConnection
from server.http.opening import OpeningConnection
from server.pacing.limiter import Limiter
from server.settings import RoomLimits
from server.websocket.connection import WebsocketConnection
from server.websocket.handler import ConnectionPolicy
from tests.support.accepted import RefusalCounter, Transport
from tests.support.handshakes import CLIENTS, PLAIN, heads

PEER = "192.0.2.7"
LIMITS = {
    "none": RoomLimits(),
    "one connection": RoomLimits(connections_per_address=1),
    "one request": RoomLimits(requests_per_minute=1),
    "a proxy": RoomLimits(trusted_proxies=(PEER,)),
    "an exempt address": RoomLimits(exempt_addresses=(PEER,), connections_per_address=1),
}
HEAD = b"\r\n".join([b"GET /ws HTTP/1.1", *PLAIN, b"", b""])


class Judged(NamedTuple):
    """The outcome of two connections from one address with the same first bytes."""

    written: list[bytes]
    ended: list[bool]
    websockets: list[bool]
    refused: list[int]
    opened: list[str]
    pending: bool


async def app(_scope: object, _receive: object, _send: object) -> None:
    """Never respond."""
    await asyncio.Event().wait()


CONFIG = Config(app, ws=WebsocketConnection, log_config=None)
NO_WEBSOCKETS = Config(app, ws="none", log_config=None)
for each in (CONFIG, NO_WEBSOCKETS):
    each.load()


def handler(limits: RoomLimits) -> RefusalCounter:
    made = RefusalCounter()
    # Both ways at the same time, because refusals say when to try again.
    made.limiter = Limiter(limits, clock=lambda: 1_000.0)
    made.policy = ConnectionPolicy(allowed_origins=["https://chat.example"], allowed_hosts={"localhost"})
    return made


def opening(counter: RefusalCounter, transport: Transport, config: Config = CONFIG) -> OpeningConnection:
    address = counter.limiter.peer_key(PEER)
    counter.limiter.accept(address)
    made = OpeningConnection(config, ServerState(), {"handler": counter}, address)
    made.connection_made(transport)
    return made


def parser(counter: RefusalCounter, transport: Transport) -> HttpConnection:
    """Accept a connection whose bytes are all for the HTTP parser."""
    address = counter.limiter.peer_key(PEER)
    counter.limiter.accept(address)
    transport.protocol = made = HttpConnection(CONFIG, ServerState(), {"handler": counter}, address=address)
    made.connection_made(transport)
    return made


async def judged(data: bytes, limits: RoomLimits, *, parsed: bool) -> Judged:
    """Open two connections; `parsed`: always with the HTTP parser."""
    counter, transports = handler(limits), [Transport(), Transport()]
    for transport in transports:
        (parser if parsed else opening)(counter, transport).data_received(data)
        for _ in range(3):
            await asyncio.sleep(0)
    result = Judged(
        [re.sub(rb"Date: .*?\r\n", b"", transport.written) for transport in transports],
        [transport.ended for transport in transports],
        [isinstance(transport.protocol, WebsocketConnection) for transport in transports],
        counter.statuses,
        counter.opened,
        counter.limiter.pending_requests.acquire(counter.limiter.peer_key(PEER)),
    )
    for transport in transports:
        assert isinstance(transport.protocol, asyncio.Protocol)
        transport.protocol.connection_lost(None)
    return result


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@settings(max_examples=80)
@given(heads(), st.sampled_from([*LIMITS.values()]))
def test_a_connection_is_treated_alike_with_and_without_the_http_parser(
    runner: asyncio.Runner, data: bytes, limits: RoomLimits
) -> None:
    short = runner.run(judged(data, limits, parsed=False))
    assert short == runner.run(judged(data, limits, parsed=True))


@pytest.mark.parametrize("lines", CLIENTS.values(), ids=CLIENTS)
async def test_a_usual_handshake_starts_a_websocket_and_frees_its_slot(lines: tuple[bytes, ...]) -> None:
    counter, transport = handler(LIMITS["one connection"]), Transport()
    opening(counter, transport).data_received(b"\r\n".join([b"GET /ws HTTP/1.1", *lines, b"", b""]))
    assert isinstance(transport.protocol, WebsocketConnection)
    assert len(counter.opened) == 1
    assert counter.limiter.pending_requests.acquire(counter.limiter.peer_key(PEER))
    transport.protocol.connection_lost(None)


async def test_a_port_without_websockets_accepts_none() -> None:
    counter, transport = handler(LIMITS["none"]), Transport()
    opening(counter, transport, NO_WEBSOCKETS).data_received(HEAD)
    assert isinstance(transport.protocol, HttpConnection)
    assert counter.opened == []


async def test_a_request_in_parts_has_the_time_limit_of_its_connection() -> None:
    transport = Transport()
    first = opening(handler(LIMITS["none"]), transport)
    first.data_received(HEAD[:5])
    follows = transport.protocol
    assert isinstance(follows, HttpConnection)
    assert first._deadline
    assert follows._deadline
    assert first._deadline.cancelled()
    assert follows._deadline.when() == first._deadline.when()


async def test_a_connection_that_sends_nothing_is_counted_until_it_ends() -> None:
    counter, transport = handler(LIMITS["one connection"]), Transport()
    first, key = opening(counter, transport), counter.limiter.peer_key(PEER)
    assert not counter.limiter.pending_requests.acquire(key)
    first.connection_lost(None)
    assert counter.limiter.pending_requests.acquire(key)
