"""HTTP requests are limited, counted, and answered only under the server's own names; on real sockets."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.protocol.codes import CloseCode
from server.websocket.connection import LOGIN_SECONDS
from tests.support.chat_client import WAIT_SECONDS, connected, entered
from tests.support.raw_socket import UPGRADE, RawSocket, dialled, request
from tests.support.server_process import KEY, ServerProcess, write_settings

COUNTED: Mapping[str, int | list[str]] = {"ExemptAddresses": [], "RequestsPerMinute": 3, "ConnectionsPerAddress": 0}
MAX_BODY = 64 * 1024
PATHS = ["/healthz", "/readyz", "/metrics", "/api/statistics", "/api/report/status", "/api/nowhere", "/", "/nowhere"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all cases, as it must survive each of them."""
    with ServerProcess(write_settings(tmp_path_factory.mktemp("room"))) as process:
        yield process
        assert process.log == ""


async def asked(port: int, data: bytes) -> tuple[int, bytes]:
    """Return status and body."""
    async with dialled(port) as one:
        return await one.answer(data)


BODIES: dict[str, tuple[tuple[str, ...], bytes, int]] = {
    "in chunks": (("Transfer-Encoding: chunked",), b"1\r\nx\r\n0\r\n\r\n", 411),
    "in endless chunks": (("Transfer-Encoding: chunked",), b"1\r\nx\r\n" * 1000, 411),
    "in chunks over HTTP/1.0": (("Connection: close", "Transfer-Encoding: chunked"), b"", 411),
    "too long": ((f"Content-Length: {MAX_BODY + 1}",), b"x" * 1000, 413),
    "that waits for 100 Continue": (("Expect: 100-continue", "Content-Length: 99999999"), b"", 413),
    "too long and complete": ((f"Content-Length: {MAX_BODY + 1}",), b"x" * (MAX_BODY + 1), 413),
    "with two lengths": (("Content-Length: 1", "Content-Length: 2"), b"xx", 400),
    "with one length given twice": (("Content-Length: 1", "Content-Length: 1"), b"x", 400),
    "with a list of lengths": (("Content-Length: 1, 1",), b"x", 400),
    "with a length that is not a number": (("Content-Length: x",), b"x", 400),
    "with a length and chunks": (("Content-Length: 1", "Transfer-Encoding: chunked"), b"x", 400),
}


@pytest.mark.parametrize(("fields", "body", "status"), BODIES.values(), ids=BODIES.keys())
async def test_a_body_of_unknown_or_excessive_length_is_refused_everywhere(
    server: ServerProcess, fields: tuple[str, ...], body: bytes, status: int
) -> None:
    async with entered(server.url, "bob") as bob:
        lines = [f"{method} {path}" for method, path in product(("GET", "POST", "HEAD", "PUT"), PATHS)]
        requests = [request(line, ("Host: localhost", *fields), body) for line in lines]
        requests.append(request("GET /ws", (*UPGRADE, *fields), body))
        answers = await asyncio.gather(*(asked(server.port, data) for data in requests))
        assert {found for found, _ in answers} == {status}
        for _, came in answers:
            assert came.count(b"HTTP/1.1 ") == 1
            assert b"\r\nconnection: close\r\n" in came.lower()
        await bob.say("lobby", "still here")
        await bob.socket.close()


async def test_a_body_within_bounds_is_read_everywhere(server: ServerProcess) -> None:
    body = b" " * MAX_BODY
    data = request("POST /api/report/status", ("Host: localhost", f"Content-Length: {MAX_BODY}"), body)
    assert (await asked(server.port, data))[0] == 400
    get = request("GET /healthz", ("Host: localhost", "Content-Length: 5"), b"hello")
    assert (await asked(server.port, get))[0] == 200


async def test_the_answer_to_a_refused_call_of_the_site_is_json(server: ServerProcess) -> None:
    line, chunks = "POST /api/report/status", "Transfer-Encoding: chunked"
    for fields in (("Host: localhost", chunks), ("Host: evil.example",)):
        _, came = await asked(server.port, request(line, fields))
        assert came.partition(b"\r\n\r\n")[2].startswith(b'{"OK":false,"Error":"')


async def test_endless_chunks_or_headers_of_one_client_do_not_delay_others(server: ServerProcess) -> None:
    begun = [
        request("POST /api/report/status", ("Host: localhost", "Transfer-Encoding: chunked")),
        request("GET /ws", UPGRADE)[:-2],
        b"GET /nowhere HTTP/1.1\r\n",
    ]

    async def floods(one: RawSocket, beginning: bytes) -> None:
        await one.send(beginning)
        await one.send((b"1\r\nx\r\n" if beginning.startswith(b"POST") else b"X: y\r\n") * 40_000)
        await one.rest()

    async with entered(server.url, "bob") as bob:
        flooding = []
        for beginning in begun * 4:
            async with dialled(server.port) as one:
                flooding.append(asyncio.create_task(floods(one, beginning)))
                await bob.say("lobby", "meanwhile")
                await flooding[-1]
        await bob.socket.close()


REFUSED_NAMES = ["evil.example", f"evil.example:{9000}", "127.0.0.1.evil.example", "localhost.evil.example"]
NAMES_NEEDED = [path for path in PATHS if path not in {"/healthz", "/readyz"}]


@pytest.mark.parametrize("path", NAMES_NEEDED)
async def test_dns_rebinding_reads_nothing(server: ServerProcess, path: str) -> None:
    for name, method in product(REFUSED_NAMES, ("GET", "POST", "HEAD")):
        status, came = await asked(server.port, request(f"{method} {path}", (f"Host: {name}",)))
        assert status == 421, (name, method)
        assert method == "HEAD" or b"AllowedHosts" in came
        assert b"Usernames" not in came
        assert b"flagpost_" not in came


async def test_health_checks_are_answered_under_any_host_name(server: ServerProcess) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await asked(server.port, request(f"GET {path}", ("Host: pool.internal",))))[1].endswith(b"ok\n")


async def test_dns_rebinding_opens_no_websocket(server: ServerProcess) -> None:
    name = f"evil.example:{server.port}"
    upgrade = [line for line in UPGRADE if not line.startswith("Host")]
    for origin, status in ((f"http://{name}", 403), ("null", 403), ("http://localhost", 403)):
        data = request("GET /ws", (f"Host: {name}", f"Origin: {origin}", *upgrade))
        assert (await asked(server.port, data))[0] == status
    async with dialled(server.port) as terminal:
        await terminal.send(request("GET /ws", (f"Host: {name}", *upgrade)))
        assert b" 101 " in await terminal.until(b"\r\n\r\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_host_names_come_from_the_settings_and_change_on_reload(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, origins=["https://chat.example"])
    text = 'WebsiteURL = "https://site.example/"\nAllowedHosts = ["flagpost.internal"]\n' + settings.read_text("utf-8")
    settings.write_text(text, encoding="utf-8")

    async def statuses(port: int) -> list[int]:
        known = ["chat.example", "site.example:443", "flagpost.internal", f"localhost:{port}", f"127.0.0.1:{port}"]
        lines = [request("GET /metrics", (f"Host: {name}",)) for name in [*known, "other.internal"]]
        return [(await asked(port, line))[0] for line in lines]

    with ServerProcess(settings) as server:
        assert await statuses(server.port) == [200] * 5 + [421]
        settings.write_text(text.replace("flagpost.internal", "other.internal"), encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(WAIT_SECONDS):
            while await statuses(server.port) != [200, 200, 421, 200, 200, 200]:
                await asyncio.sleep(0.05)


async def test_requests_are_limited_on_every_path_and_refused_websockets_count(tmp_path: Path) -> None:
    for path in [*PATHS, "/ws"]:
        directory = tmp_path / (path.replace("/", "-") + "x")
        directory.mkdir()
        fields = UPGRADE if path == "/ws" else ("Host: localhost",)
        with ServerProcess(write_settings(directory, limits=COUNTED)) as server:
            # A refused websocket counts as much as any other request.
            data = request(f"GET {path}", (*fields, "Origin: https://evil.example"))
            found = [await asked(server.port, data) for _ in range(4)]
            assert [status == 429 for status, _ in found] == [False] * 3 + [True], path
            assert b"\r\nretry-after: " in found[-1][1].lower()
            assert b"Usernames" not in found[-1][1]


async def test_a_websocket_over_the_limit_gets_a_retry_time(tmp_path: Path) -> None:
    for limit in ("ConnectionsPerAddress", "NewConnectionsPer10Minutes"):
        directory = tmp_path / limit
        directory.mkdir()
        limits: Mapping[str, int | list[str]] = {"ExemptAddresses": [], limit: 1}
        with ServerProcess(write_settings(directory, limits=limits)) as server:
            async with connected(server.url):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(server.url, proxy=None)
            assert caught.value.response.status_code == 429
            assert int(caught.value.response.headers["Retry-After"]) > 0


async def test_metrics_are_rendered_once_for_all_who_ask_within_a_second(server: ServerProcess) -> None:
    bodies: set[bytes] = set()
    loop = asyncio.get_running_loop()
    async with entered(server.url, "bob") as bob:
        before = loop.time()
        for _ in range(40):
            await bob.say("lobby", "a message more")
            status, came = await asked(server.port, request("GET /metrics"))
            assert status == 200
            bodies.add(came.partition(b"\r\n\r\n")[2])
        seconds = loop.time() - before
        await bob.socket.close()
    assert len(bodies) <= seconds + 2


async def test_what_strangers_send_is_counted_and_not_logged(tmp_path: Path) -> None:
    with ServerProcess(write_settings(tmp_path)) as server:
        for data in (b"\0\r\n\r\n", request("GET /metrics", ("Host: x", "Connection: upgrade", "Upgrade: h2c"))):
            for _ in range(20):
                await asked(server.port, data)
        _, came = await asked(server.port, request("GET /metrics"))
        for status in (400, 421):
            assert f'flagpost_refused_requests_total{{status="{status}"}} 20.0'.encode() in came
        assert server.log == ""
        assert KEY.encode() not in came


async def test_connection_without_a_login_is_closed_after_its_deadline(tmp_path: Path) -> None:
    assert LOGIN_SECONDS == 10
    deadlines = {"server.websocket.connection.LOGIN_SECONDS": 0.5}
    with ServerProcess(write_settings(tmp_path), deadlines=deadlines) as server:
        async with connected(server.url) as (client, _):
            assert (await client.closed())[0] == CloseCode.LOGIN_TIMEOUT
