"""The web application on a loopback socket, with a fake client process."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import httpx
import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tests.support import page_child
from tests.support.page_processes import children, gone
from tests.support.server_process import ROOT
from tui.web import page_process, pages
from tui.web.access import FOREIGN_HOST, FOREIGN_PAGE, NO_TOKEN, PageAccess
from tui.web.page import FULL, MAX_CLIENTS
from tui.web.page_messages import MAX_MESSAGE_BYTES
from tui.web.pages import Pages

if sys.platform != "linux":
    pytest.skip("processes are counted in /proc", allow_module_level=True)

TOKEN = "the-token-of-this-start"
WAIT_SECONDS = 20.0


class Served(NamedTuple):
    """Pages on a port, and the cookie of a browser that opened them."""

    port: int
    runner: web.AppRunner

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        return f"flagpost-{self.port}={TOKEN}"

    def open(self, query: str = "", origin: str | None = None) -> connect:
        return connect(
            f"ws://{self.host}/ws{query}",
            additional_headers={"Cookie": self.cookie},
            origin=Origin(origin) if origin else None,
            proxy=None,
            max_size=None,
        )

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.host}", trust_env=False, timeout=WAIT_SECONDS)


@asynccontextmanager
async def serving(mode: str = "quits", command: Sequence[str] = ()) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # Without this, each child would spend most of its time on loading modules.
        words = command or [sys.executable, "-I", "-S", page_child.__file__, mode]
        runner = web.AppRunner(
            Pages(PageAccess("127.0.0.1", port, "box", TOKEN), words).app(), access_log=None, shutdown_timeout=1
        )
        await runner.setup()
        await web.SockSite(runner, listening).start()
        try:
            yield Served(port, runner)
        finally:
            await runner.cleanup()
            assert not children()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_process, "END_SECONDS", 0.3)
    monkeypatch.setattr(pages, "STUCK_SECONDS", 1.0)
    monkeypatch.chdir(ROOT)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


async def said(page: ClientConnection) -> str:
    async with asyncio.timeout(WAIT_SECONDS):
        message = await page.recv()
    return message.decode() if isinstance(message, bytes) else message


async def ended(page: ClientConnection) -> int:
    """Wait until the page is closed; return the close code."""
    async with asyncio.timeout(WAIT_SECONDS):
        with suppress(ConnectionClosed):
            while True:
                await page.recv()
    return page.close_code or 0


async def opened(served: Served, query: str = "") -> ClientConnection:
    """Open a page as soon as a place is free."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                return await served.open(query)
            except InvalidStatus:
                await asyncio.sleep(0.05)


ROUTES = ("/", "/page.js", "/ws", "/static/js/textual.js", "/static/", "/static/../app.py", "/download/x", "/nothing")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
WEBSOCKET = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip
# PORT stands for the port. The last item is the reason in the response.
REFUSED = {
    "no cookie": ({}, NO_TOKEN),
    "empty cookie": ({"Cookie": "flagpost-PORT="}, NO_TOKEN),
    "wrong cookie": ({"Cookie": f"flagpost-PORT={TOKEN[:-1]}"}, NO_TOKEN),
    "cookie that is no text": ({"Cookie": "flagpost-PORT=\udcff"}, NO_TOKEN),
    "cookie of another port": ({"Cookie": f"flagpost-1={TOKEN}"}, NO_TOKEN),
    "token in another place": ({"Authorization": f"token {TOKEN}", "X-Token": TOKEN}, NO_TOKEN),
    "foreign host": ({"Host": "evil.example:PORT", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_HOST),
    "rebound name": (
        {"Host": "evil.example:PORT", "Origin": "http://evil.example:PORT", "Cookie": f"flagpost-PORT={TOKEN}"},
        FOREIGN_HOST,
    ),
    "host of another port": ({"Host": "127.0.0.1:1", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_HOST),
    "null origin": ({"Origin": "null", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_PAGE),
    "foreign origin": ({"Origin": "https://evil.example", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_PAGE),
    "origin of another port": ({"Origin": "http://127.0.0.1:1", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_PAGE),
    "origin of https": ({"Origin": "https://127.0.0.1:PORT", "Cookie": f"flagpost-PORT={TOKEN}"}, FOREIGN_PAGE),
}  # fmt: skip


def raw(headers: dict[str, str], port: int) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode(), value.replace("PORT", str(port)).encode(errors="surrogateescape"))
        for name, value in headers.items()
    ]


@pytest.mark.parametrize("case", REFUSED)
async def test_a_stranger_gets_no_route_and_starts_no_process(served: Served, case: str) -> None:
    headers, reason = REFUSED[case]
    async with served.browser() as browser:
        for path in ROUTES:
            for method in METHODS:
                # The token counts only in the URL of the page, and does not help with a wrong name or origin.
                wrong = f"?token={TOKEN}" if reason != NO_TOKEN or path != "/" else "?token=wrong"
                for query in ("", wrong):
                    sent = raw({**headers, **(WEBSOCKET if path == "/ws" else {})}, served.port)
                    reply = await browser.request(method, path + query, headers=sent)
                    assert (reply.status_code, path, method) == (403, path, method)
                    assert method == "HEAD" or reply.text == reason
                    assert "Set-Cookie" not in reply.headers
                    assert TOKEN not in reply.text
    assert not children()


async def test_the_token_is_exchanged_for_a_cookie_that_opens_all_routes(served: Served) -> None:
    async with served.browser() as browser:
        for method in set(METHODS) - {"GET"}:
            assert (await browser.request(method, f"/?token={TOKEN}")).status_code == 403
        reply = await browser.get(f"/?token={TOKEN}")
        assert (reply.status_code, reply.headers["Location"], reply.text) == (303, "/", "")
        name, *attributes = reply.headers["Set-Cookie"].split("; ")
        assert name == served.cookie
        # No Max-Age and no Expires: the cookie ends with the browser session.
        assert {each.lower() for each in attributes} == {"httponly", "path=/", "samesite=strict"}
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        for path, status in (
            ("/", 200), ("/page.js", 200), ("/static/js/textual.js", 200), ("/static/css/xterm.css", 200),
            ("/static/", 403), ("/static/../app.py", 404), ("/static/%2e%2e/app_service.py", 404),
            ("/download/x", 404), ("/nothing", 404), ("/ws", 400),
        ):  # fmt: skip
            assert (path, (await browser.get(path)).status_code) == (path, status)
        for method in set(METHODS) - {"GET"}:
            assert (await browser.request(method, "/")).status_code == 405
        # The token of an earlier start, from a bookmark.
        assert (await browser.get("/?token=old")).status_code == 403
    assert not children()


async def test_the_page_may_load_nothing_from_other_origins(served: Served) -> None:
    async with served.browser() as browser:
        browser.headers["Cookie"] = served.cookie
        for path in ("/", "/page.js", "/static/js/textual.js", "/nothing"):
            reply = await browser.get(path)
            policy = dict(each.partition(" ")[::2] for each in reply.headers["Content-Security-Policy"].split("; "))
            websocket = f" ws://{served.host}" if path == "/" else ""
            assert policy == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self' 'unsafe-inline'",
                "img-src": "'self' data:",
                "font-src": "'self'",
                "connect-src": f"'self'{websocket}",
                "base-uri": "'none'",
                "form-action": "'none'",
                "frame-ancestors": "'none'",
            }
            assert reply.headers["Cache-Control"] == "no-store"
            assert TOKEN not in reply.text
        text = (await browser.get("/")).text
        assert "https://" not in text
        assert " on" not in text.partition("<body>")[2].replace(" one ", "")


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", "80x24"),
        ("?width=120&height=40", "120x40"),
        ("?width=501&height=201", "500x200"),
        ("?width=999999999&height=999999999", "500x200"),
        ("?width=0&height=0", "1x1"),
    ],
)
async def test_the_size_that_reaches_the_process_is_bounded(served: Served, query: str, size: str) -> None:
    async with served.open(query, origin=f"http://{served.host}") as page:
        assert await said(page) == f"starts with {size}\n"


@pytest.mark.parametrize("query", ["?width=x", "?height=-1", "?width=1e9", "?width=" + "9" * 4000, "?width=80&height="])
async def test_a_size_that_is_not_a_number_starts_nothing(served: Served, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await served.open(query)
    assert refused.value.response.status_code == 400
    assert not children()


@pytest.mark.parametrize(
    ("cells", "width", "height"), [(100, 100, 100), (10**9, 500, 200), (2**63, 500, 200), (0, 1, 1), (-(10**9), 1, 1)]
)
async def test_a_later_size_is_bounded_too(served: Served, cells: int, width: int, height: int) -> None:
    async with served.open() as page:
        await said(page)
        await page.send(json.dumps(["resize", {"width": cells, "height": cells}]))
        assert json.loads(await said(page)) == {"type": "resize", "width": width, "height": height}


async def test_input_of_the_page_reaches_the_process(served: Served) -> None:
    async with served.open() as page:
        await said(page)
        for message, echo in (
            (["stdin", "é\x1b[A"], "é\x1b[A\n"),
            (["blur"], '{"type": "blur"}\n'),
            (["focus"], '{"type": "focus"}\n'),
            (["ping", "12"], '["pong", "12"]'),
        ):
            await page.send(json.dumps(message))
            assert await said(page) == echo


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('["resize",{"width":"80","height":24}]', 1008),
        ('["resize",{"width":null,"height":24}]', 1008),
        ("[" * 100_000, 1008),
        ('["quit"]', 1008),
        (b"bytes", 1003),
        (json.dumps(["stdin", "x" * MAX_MESSAGE_BYTES]), 1009),
    ],
    ids=["text as a size", "null as a size", "nested", "unknown", "bytes", "too long"],
)
async def test_other_messages_close_the_page_and_end_its_process(
    served: Served, message: str | bytes, code: int
) -> None:
    async with served.open() as page:
        await said(page)
        await page.send(message)
        # Data that is still unsent when the server closes can hide the close code from the client.
        assert await ended(page) in {code, 1006 if len(message) > MAX_MESSAGE_BYTES else code}
    await gone()


async def test_pages_beyond_the_limit_are_refused_with_a_reason(served: Served) -> None:
    pages = [await served.open() for _ in range(MAX_CLIENTS)]
    for page in pages:
        await said(page)
    assert len(children()) == MAX_CLIENTS
    for _ in range(3):
        with pytest.raises(InvalidStatus) as refused:
            await served.open()
        assert refused.value.response.status_code == 503
        assert refused.value.response.body == FULL.encode()
    assert len(children()) == MAX_CLIENTS
    await pages.pop().close()
    pages.append(await opened(served))
    await asyncio.gather(*(page.close() for page in pages))


async def closes(page: ClientConnection) -> None:
    await page.close()


async def vanishes(page: ClientConnection) -> None:
    page.transport.abort()


async def breaks_the_rules(page: ClientConnection) -> None:
    await page.send("nonsense")


async def floods_and_vanishes(page: ClientConnection) -> None:
    for _ in range(10):
        await page.send(json.dumps(["stdin", "x" * 60_000]))
    page.transport.abort()


async def waits(page: ClientConnection) -> None:
    await ended(page)


@pytest.mark.parametrize(
    ("mode", "end"),
    [
        ("quits", closes), ("quits", vanishes), ("quits", breaks_the_rules),
        ("hangs", closes), ("hangs", vanishes), ("hangs", breaks_the_rules),
        ("deaf", closes), ("deaf", vanishes), ("deaf", floods_and_vanishes),
        ("leaves", waits), ("fails", waits),
    ],
)  # fmt: skip
async def test_every_end_releases_the_slot_and_leaves_no_process(
    mode: str, end: Callable[[ClientConnection], Awaitable[None]]
) -> None:
    async with serving(mode) as served:
        for _ in range(2):
            for page in [await opened(served) for _ in range(MAX_CLIENTS)]:
                await end(page)
            await gone()
        assert (await opened(served)).close_code is None


async def test_a_failed_handshake_releases_its_slot(served: Served) -> None:
    async with served.browser() as browser:
        browser.headers["Cookie"] = served.cookie
        for _ in range(MAX_CLIENTS + 1):
            assert (await browser.get("/ws")).status_code == 400
    async with served.open() as page:
        assert await said(page)


async def test_a_command_that_cannot_run_releases_its_slot() -> None:
    async with serving(command=["/nonexistent/program"]) as served:
        for _ in range(MAX_CLIENTS + 1):
            async with served.open() as page:
                assert await ended(page) in {1000, 1006, 1011}


@pytest.mark.parametrize(
    ("mode", "typed"), [("quits", 0), ("quits", 600_000), ("hangs", 0), ("deaf", 0), ("deaf", 600_000)]
)
async def test_the_end_of_the_server_ends_all_processes(mode: str, typed: int) -> None:
    async with serving(mode) as served:
        pages = [await served.open() for _ in range(3)]
        for page in pages:
            await said(page)
            for _ in range(typed // 60_000):
                await page.send(json.dumps(["stdin", "x" * 60_000]))
        assert len(children()) == 3
        await served.runner.cleanup()
        assert not children()
        # A connection is aborted if input is still unread.
        assert {await ended(page) for page in pages} <= ({1001, 1006} if typed else {1001})
