"""Metrics and names are for the administrator's programs and for holders of a key; wrong keys are limited."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.chat_client import entered
from tests.support.receiver import closed_port_url
from tests.support.server_process import KEY, ServerProcess, write_settings

OLD_KEY = "the-key-before-the-rotation"
STRANGER = {"X-Forwarded-For": "203.0.113.5"}
NEIGHBOUR = {"X-Forwarded-For": "203.0.113.6"}
ACCEPTED = 503
"""The key is right, and the webhook for reports is off."""
CALL = {"ReportID": "rep_0", "Status": "seen"}


@pytest.fixture(scope="module")
def metrics_url() -> str:
    return str(httpx.URL(closed_port_url()).copy_with(path="/")).rstrip("/")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, metrics_url: str) -> Iterator[ServerProcess]:
    """Return a server behind a proxy on this machine, during a rotation of its key."""
    settings = write_settings(tmp_path_factory.mktemp("access"), limits={"TrustedProxies": ["127.0.0.1"]})
    text = settings.read_text(encoding="utf-8").replace(f'"{KEY}"', f'["{KEY}", "{OLD_KEY}"]')
    address = metrics_url.removeprefix("http://")
    settings.write_text(f'{text}\n[Metrics]\nAddress = "{address}"\n', encoding="utf-8")
    with ServerProcess(settings) as running:
        yield running


async def get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url, headers=headers)


async def call(server: ServerProcess, key: str, headers: dict[str, str]) -> httpx.Response:
    """Send a callback of the site."""
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{server.http_url}/api/report/status"
        return await http.post(url, json={**CALL, "APIKey": key}, headers=headers)


@pytest.mark.parametrize(
    ("headers", "trusted"),
    [
        ({}, True),
        (STRANGER, False),
        ({"X-Forwarded-For": "127.0.0.1"}, False),
        ({"Forwarded": "for=127.0.0.1"}, False),
        ({"Via": "1.1 proxy"}, False),
        ({"Authorization": f"Basic {KEY}", **STRANGER}, False),
        ({"Authorization": f"Bearer {KEY}", **STRANGER}, True),
        ({"Authorization": f"bearer {OLD_KEY}", **STRANGER}, True),
        ({"AdminAPIKey": KEY, **STRANGER}, True),
    ],
)
async def test_strangers_cannot_read_metrics_or_names(
    server: ServerProcess, headers: dict[str, str], trusted: bool
) -> None:
    async with entered(server.url, "alice"):
        metrics = await get(f"{server.http_url}/metrics", headers)
        statistics = await get(f"{server.http_url}/api/statistics", headers)
    assert metrics.status_code == (200 if trusted else 403)
    assert ("flagpost_sessions" in metrics.text) == trusted
    assert statistics.json() == {
        "UserCount": 1,
        "Usernames": ["alice"] if trusted else [],
        "Cameras": {"Blue": 0, "Red": 0},
    }
    assert (await get(f"{server.http_url}/readyz", headers)).text == "ok\n"


async def test_a_wrong_key_is_refused_even_where_none_is_needed(server: ServerProcess) -> None:
    for path in ("/metrics", "/api/statistics"):
        assert (await get(f"{server.http_url}{path}", {"Authorization": "Bearer wrong"})).status_code == 403


async def test_the_address_for_metrics_serves_nothing_else(server: ServerProcess, metrics_url: str) -> None:
    assert "flagpost_sessions" in (await get(f"{metrics_url}/metrics", STRANGER)).text
    async with entered(server.url, "alice"):
        assert (await get(f"{metrics_url}/api/statistics", STRANGER)).json()["Usernames"] == ["alice"]
    assert (await get(f"{metrics_url}/healthz")).status_code == 200
    upgrade = {"Connection": "upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    for path in ("/ws", "/api/report/status"):
        key = {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
        assert (await get(f"{metrics_url}{path}", {**upgrade, **key})).status_code == 404


async def test_both_keys_are_accepted_during_a_rotation(server: ServerProcess) -> None:
    for key in (KEY, OLD_KEY):
        assert (await call(server, key, NEIGHBOUR)).status_code == ACCEPTED
    assert (await call(server, "", NEIGHBOUR)).status_code == 403
    assert (await call(server, "", {"X-Forwarded-For": "unknown"})).status_code == 403


async def test_wrong_keys_are_limited_logged_once_and_counted(server: ServerProcess) -> None:
    guesser = {"X-Forwarded-For": "203.0.113.7"}
    statuses = [(await call(server, f"guess {number}", guesser)).status_code for number in range(15)]
    assert statuses == [403] * 10 + [429] * 5
    refused = await call(server, KEY, guesser)
    # Even the right key is refused now, so that a guesser cannot find it.
    assert (refused.status_code, refused.headers["Retry-After"].isdigit()) == (429, True)
    assert (await call(server, KEY, NEIGHBOUR)).status_code == ACCEPTED
    lines = [line for line in server.log.splitlines() if "wrong API key" in line and "203.0.113.7" in line]
    assert len(lines) == 1
    assert "/api/report/status" in lines[0]
    assert not any(word in server.log for word in ("guess", KEY, OLD_KEY))
    async with asyncio.timeout(10):
        # Metrics are rendered once a second.
        while await counted(server) < 15:
            await asyncio.sleep(0.1)


async def counted(server: ServerProcess) -> float:
    text = (await get(f"{server.http_url}/metrics")).text
    (count,) = (line.split()[1] for line in text.splitlines() if line.startswith("flagpost_wrong_api_keys_total "))
    return float(count)


async def test_an_exempt_site_with_an_old_key_does_not_lock_out_its_other_programs(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path)) as server:
        statuses = [(await call(server, "old", {})).status_code for _ in range(12)]
        assert statuses == [403] * 10 + [429] * 2
        assert (await call(server, KEY, {})).status_code == ACCEPTED
        assert server.log.count("wrong API key") == 1
