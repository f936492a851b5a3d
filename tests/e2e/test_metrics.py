"""The metrics of a busy room are correct, and contain no names."""

import asyncio

import httpx

from server.protocol.frames import Disconnect, Error
from tests.support.chat_client import connected, entered
from tests.support.server_process import ServerProcess

WAIT_SECONDS = 20.0
UNKNOWN = 'flagpost_frames_received_total{action="unknown"}'


async def metrics(server: ServerProcess) -> dict[str, float]:
    """Return the metrics by name and labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{server.http_url}/metrics")).text
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


async def becomes(server: ServerProcess, name: str, value: float) -> None:
    """Wait until a metric has this value."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (await metrics(server))[name] != value:
            await asyncio.sleep(0.05)


async def test_sessions_frames_deliveries_and_commits_are_counted(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob, connected(server.url):
        before = await metrics(server)
        await alice.say("lobby", "to both of us")
        await alice.say("@bob", "to both of us")
        for text in ("{", '{"action": "alice"}', '{"action": "message"}'):
            await bob.send_text(text)
            await bob.next(Error)
        # Metrics are rendered once a second; the counter that changes last shows that they are current.
        await becomes(server, UNKNOWN, before[UNKNOWN] + 3)
        after = await metrics(server)
    grown = {name: after[name] - before[name] for name in after}
    assert after["flagpost_sessions"] == 2
    assert grown['flagpost_frames_received_total{action="message"}'] == 2
    assert grown["flagpost_deliveries_total"] == 4
    assert grown["flagpost_commit_size_sum"] == 2
    assert grown["flagpost_commit_seconds_count"] == grown["flagpost_commit_size_count"] == 2
    assert after["flagpost_unsent_bytes_max"] >= 0
    assert not any(word in name for name in after for word in ("alice", "bob", "lobby"))


async def test_closed_connections_are_counted_by_the_code_of_the_side_that_closed_first(server: ServerProcess) -> None:
    closed = 'flagpost_closed_connections_total{{code="{}"}}'.format
    for code, label in ((1000, 1000), (4321, "other")):
        async with connected(server.url) as (client, _):
            await client.socket.close(code)
        await becomes(server, closed(label), 1)
    async with connected(server.url) as (client, _):
        client.socket.transport.abort()
    await becomes(server, closed(1006), 1)
    async with connected(server.url) as (client, _):
        await client.socket.send(b"binary")
        await client.closed()
    await becomes(server, closed(1003), 1)
    token = "one-token-for-two-connections"
    async with entered(server.url, "alice", token) as first, entered(server.url, "alice", token):
        await first.next(Disconnect)
        await first.closed()
        await becomes(server, closed(4001), 1)


async def test_the_watchdog_measures_the_latency_of_the_event_loop(server: ServerProcess) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await metrics(server))["flagpost_loop_latency_seconds_count"]:
            await asyncio.sleep(0.05)
