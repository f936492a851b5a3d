"""How much of a request is handled at a time, over a fake transport."""

import asyncio
from collections.abc import Callable

import h11
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from server.http.http_connection import HttpConnection
from server.pacing.fair_scheduler import FairScheduler
from server.pacing.intake import PART_BYTES
from tests.support.accepted import RefusalCounter, Transport
from tests.support.raw_socket import request

MAX_BODY = 64 * 1024
CHUNK = b"1\r\nx\r\n"


class ManualScheduler(FairScheduler):
    """Runs one piece of work when the test asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[Callable[[], None]] = []

    def schedule(self, work: Callable[[], None]) -> None:
        self._pieces.append(work)

    def run_next(self) -> None:
        """Run the next piece."""
        self._pieces.pop(0)()


async def app(_scope: object, _receive: object, _send: object) -> None:
    """Never respond."""
    await asyncio.Event().wait()


def connection(refusals: RefusalCounter, transport: Transport) -> HttpConnection:
    """Return a new connection on this transport."""
    config = Config(app, log_config=None)
    made = HttpConnection(config, ServerState(), {"handler": refusals})
    made.connection_made(transport)
    return made


async def test_a_large_body_is_handled_in_scheduled_parts() -> None:
    refusals, transport, scheduler = RefusalCounter(), Transport(), ManualScheduler()
    refusals.limiter.scheduler = scheduler
    made = connection(refusals, transport)
    made.data_received(request("POST /", ("Host: localhost", f"Content-Length: {MAX_BODY}")))
    made.data_received(b"x" * MAX_BODY)
    for parts in range(MAX_BODY // PART_BYTES):
        assert not transport.reading
        assert len(made.cycle.body) == parts * PART_BYTES
        scheduler.run_next()
    assert made.conn.their_state is h11.DONE
    assert transport.reading


async def test_a_large_request_is_not_handled_before_it_is_scheduled() -> None:
    transport = Transport()
    made = connection(RefusalCounter(), transport)
    made.data_received(request("POST /", ("Host: localhost", f"Content-Length: {MAX_BODY}"), b"x" * MAX_BODY))
    assert made.cycle is None
    assert not transport.reading


HEADS = {
    "chunks": (("Transfer-Encoding: chunked",), 411),
    "a long body": ((f"Content-Length: {MAX_BODY + 1}",), 413),
}


@pytest.mark.parametrize(("fields", "status"), HEADS.values(), ids=HEADS.keys())
async def test_bytes_after_a_refused_head_are_not_parsed(fields: tuple[str, ...], status: int) -> None:
    refusals, transport = RefusalCounter(), Transport()
    made = connection(refusals, transport)
    made.data_received(request("POST /api/report/status", ("Host: localhost", *fields)))
    assert transport.written.startswith(b"HTTP/1.1 %d " % status)
    assert transport.ended
    for _ in range(50):
        made.data_received(CHUNK * 4000)
        await asyncio.sleep(0)
        # h11 would buffer these bytes, or create an event for each chunk.
        assert made.conn.trailing_data[0] == b""
    assert made.cycle is None
    assert refusals.statuses == [status]
    assert transport.written.count(b"HTTP/1.1") == 1


async def test_only_one_part_of_a_refused_request_is_parsed() -> None:
    made = connection(RefusalCounter(), Transport())
    made.data_received(request("POST /", ("Host: localhost", "Transfer-Encoding: chunked"), CHUNK * 40_000))
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(made.conn.trailing_data[0]) <= PART_BYTES


async def test_bytes_of_http_requests_are_rate_limited() -> None:
    transport = Transport()
    made = connection(RefusalCounter(bytes_per_second=1000), transport)
    made.data_received(request("POST /", ("Host: localhost", "Content-Length: 60000")))
    for _ in range(4):
        assert transport.reading
        made.data_received(b"x" * 1000)
    assert not transport.reading


async def test_a_slow_head_is_parsed_in_linear_time() -> None:
    made = connection(RefusalCounter(), Transport())
    head = request("GET /", ("Host: localhost", *(f"X-{number}: y" for number in range(1000))))
    for at in range(len(head)):
        made.data_received(head[at : at + 1])
    assert made.conn.their_state is h11.DONE
