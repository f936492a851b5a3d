"""The client in a browser: served by `python -m tui --serve`, and used in a headless Chromium."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from server.protocol.frames import Message
from tests.support.browser import find_browser, page
from tests.support.chat_client import entered, says
from tests.support.forks import Process
from tests.support.page_processes import children, given, gone, gone_all
from tests.support.server_process import ServerProcess, environment, start, started
from tui.web.access import FOREIGN_HOST, FOREIGN_PAGE, NO_TOKEN
from tui.web.page import MAX_CLIENTS

if sys.platform != "linux":
    pytest.skip("the browser is found on Linux alone, and processes in its /proc", allow_module_level=True)

NOBODY = "ws://127.0.0.1:9"
"""Nothing listens there. The client says so on its screen, which is all that these tests need."""
WAIT_SECONDS = 20.0


class Serving(NamedTuple):
    """A running `--serve`: what it printed, and where its standard error goes."""

    process: Process
    url: str
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.url).query)["token"][0]

    def open(self, name: str = "", *, origin: str | None = None, cookie: bool = True, query: str = "") -> connect:
        """Open the page's websocket, as a page under this name does."""
        name = name or f"127.0.0.1:{self.port}"
        return connect(
            f"ws://{name}/ws{query}",
            origin=Origin(origin) if origin else None,
            additional_headers={"Cookie": f"flagpost-{self.port}={self.token}"} if cookie else None,
            proxy=None,
            host="127.0.0.1",
            port=self.port,
        )


@contextmanager
def serving(
    *arguments: str, directory: Path, extra: dict[str, str] | None = None, program: str = ""
) -> Iterator[Serving]:
    """Run `python -m tui --serve`, or a program in Python, on a free port; yield it with the URL that it prints."""
    file = directory / "serve.log"
    words = ["--serve", "--port", "0", *arguments]
    with file.open("w") as log:
        if program:
            process: Process = started(["-c", program, *words], directory, log.fileno(), extra)
        else:
            process = start("tui", words, directory, log.fileno(), extra)
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        try:
            label, _, url = process.stdout.readline().strip().partition(": ")
            assert label == "Open in a browser"
            yield Serving(process, url, file)
            process.terminate()
            process.wait(WAIT_SECONDS)
        finally:
            process.kill()
            process.wait(WAIT_SECONDS)


async def test_the_chat_is_drawn_in_a_page_and_what_is_typed_there_is_sent(
    server: ServerProcess, tmp_path: Path
) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed; apt-get install chromium")
    async with entered(server.url, "bob") as bob:
        await bob.say("lobby", "Ahoy there")
        with serving("--name", "ada", server.url, directory=tmp_path) as served:
            assert urlsplit(served.url).hostname == "127.0.0.1"
            async with page(program, served.url, tmp_path / "profile") as browser:
                await browser.until("Ahoy there")
                await browser.until("online as ada")
                await browser.press("Typed in a page\r")
                said = await bob.next(Message, says("Typed in a page"))
                assert (said.username, said.channel) == ("ada", "lobby")
                await bob.say("lobby", "Read you")
                await browser.until("Read you")
                assert await browser.evaluate("document.title") == "Flagpost"
                # These replace keys that browsers use themselves.
                await browser.press_alt("t")
                await browser.until("What's your status?")
                await browser.press("at lunch\r")
                await browser.until("Status set: at lunch")
                await browser.press_alt("h")
                await browser.until("On every screen")
                await browser.press_alt("h")
                # The token is in no URL that the page or its links could pass on, and scripts cannot read it.
                assert await browser.evaluate("location.href") == served.url.partition("?")[0]
                assert await browser.evaluate("document.referrer + document.cookie") == ""
                assert await browser.evaluate("getComputedStyle(document.querySelector('#closed')).display") == "none"
                own = f"http://127.0.0.1:{served.port}/"
                assert all(each.startswith((own, "data:")) for each in browser.requested), browser.requested
                # textual-serve's script reports the focus of the page even while its websocket is still opening.
                assert [each for each in browser.complaints if "Still in CONNECTING state" not in each] == []
                served.process.terminate()
                assert served.process.wait(20) == 0
                await browser.wait_for("getComputedStyle(document.querySelector('#closed')).display", "flex")


async def test_a_page_without_the_token_says_what_to_open(tmp_path: Path) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed; apt-get install chromium")
    with serving(NOBODY, directory=tmp_path) as served:
        async with page(program, served.url.partition("?")[0], tmp_path / "profile") as browser:
            await browser.wait_for("document.body?.innerText", NO_TOKEN)
        assert not children(served.process.pid)


async def test_another_local_program_without_the_token_gets_no_page_and_starts_no_client(tmp_path: Path) -> None:
    with serving(NOBODY, directory=tmp_path) as served:
        own = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(base_url=own, trust_env=False) as stranger:
            for path in ("/", "/?token=guess", "/static/js/textual.js", "/download/x", "/ws"):
                reply = await stranger.get(path)
                assert (reply.status_code, reply.text) == (403, NO_TOKEN)
        for _ in range(MAX_CLIENTS + 1):
            for origin in (None, own):
                with pytest.raises(InvalidStatus) as refused:
                    await served.open(cookie=False, origin=origin)
                assert refused.value.response.status_code == 403
        assert not children(served.process.pid)
        # The strangers took no place from clients with the token.
        async with served.open(origin=own) as socket:
            assert await socket.recv()
            assert len(children(served.process.pid)) == 1
        await gone(served.process.pid)


@pytest.mark.parametrize("arguments", [(), ("--host", "0.0.0.0"), ("--host", "127.0.0.2")])
async def test_only_the_servers_own_page_can_open_the_terminal(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with serving(*arguments, NOBODY, directory=tmp_path) as served:
        port = served.port
        # All interfaces include loopback.
        own = "127.0.0.2" if "127.0.0.2" in arguments else "127.0.0.1"
        for name, origin, reason in (
            (f"{own}:{port}", "https://evil.example", FOREIGN_PAGE),
            (f"{own}:{port}", f"http://{own}:1", FOREIGN_PAGE),
            (f"{own}:{port}", "null", FOREIGN_PAGE),
            # A name owned by the attacker that resolves to this machine.
            (f"evil.example:{port}", f"http://evil.example:{port}", FOREIGN_HOST),
            ("evil.example", "http://evil.example", FOREIGN_HOST),
            (f"{own}:{port}.evil.example", None, FOREIGN_HOST),
        ):
            headers = {"Host": name, "Cookie": f"flagpost-{port}={served.token}"}
            headers |= {"Origin": origin} if origin else {}
            async with httpx.AsyncClient(base_url=f"http://{own}:{port}", trust_env=False) as browser:
                for path in ("/", f"/?token={served.token}", "/ws"):
                    reply = await browser.get(path, headers=headers)
                    assert (reply.status_code, reply.text) == (403, reason)
        assert not children(served.process.pid)


async def test_a_page_on_all_interfaces_is_served_under_the_names_of_this_machine(tmp_path: Path) -> None:
    with serving("--host", "0.0.0.0", NOBODY, directory=tmp_path) as served:
        assert "not encrypted" in served.log.read_text()
        for name in (f"127.0.0.1:{served.port}", f"localhost:{served.port}", urlsplit(served.url).netloc):
            async with served.open(name, origin=f"http://{name}".lower()) as socket:
                assert await socket.recv()


async def test_a_client_starts_with_a_bounded_size(tmp_path: Path) -> None:
    with serving(NOBODY, directory=tmp_path) as served:
        async with served.open(query="?width=100000&height=100000") as socket:
            assert await socket.recv()
            (client,) = children(served.process.pid)
            _, variables = given(client)
            assert {"COLUMNS=500", "ROWS=200"} <= set(variables)


async def test_the_token_is_in_no_argument_variable_or_log(tmp_path: Path) -> None:
    with serving(NOBODY, directory=tmp_path, extra={"PYTHONASYNCIODEBUG": "1"}) as served:
        async with httpx.AsyncClient(base_url=served.url.partition("?")[0], trust_env=False) as browser:
            assert (await browser.get(served.url)).status_code == 303
            assert (await browser.get("/")).status_code == 200
            assert (await browser.get("/nothing")).status_code == 404
        async with served.open() as socket:
            assert await socket.recv()
            processes = [served.process.pid, *children(served.process.pid)]
            assert all(served.token not in text for pid in processes for words in given(pid) for text in words)
        served.process.terminate()
        served.process.wait(20)
        assert served.token not in served.log.read_text()
        assert served.process.stdout
        assert served.token not in served.process.stdout.read()


def test_each_start_has_a_token_of_its_own(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        with serving(NOBODY, directory=tmp_path) as served:
            tokens.append(served.token)
    assert len(set(tokens)) == 2
    # 32 random bytes.
    assert [len(token) for token in tokens] == [43, 43]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
async def test_clients_end_with_the_server_however_it_ends(end: signal.Signals, tmp_path: Path) -> None:
    with serving(NOBODY, directory=tmp_path) as served:
        pages = [await served.open() for _ in range(2)]
        for socket in pages:
            assert await socket.recv()
        clients = children(served.process.pid)
        assert len(clients) == 2
        served.process.send_signal(end)
        code = served.process.wait(20)
        assert code == (0 if end in {signal.SIGTERM, signal.SIGINT} else -end)
        await gone_all(clients)
        for socket in pages:
            socket.transport.abort()


async def test_a_page_runs_this_client_and_not_one_in_the_working_directory(tmp_path: Path) -> None:
    other = tmp_path / "tui"
    other.mkdir()
    (other / "__init__.py").touch()
    (other / "__main__.py").write_text("open('posed', 'w')\n")
    program = "import sys; sys.path.remove(''); from tui.cli import run; sys.exit(run())"
    with serving(NOBODY, directory=tmp_path, program=program) as served:
        async with served.open() as socket:
            assert await socket.recv()
    assert not (tmp_path / "posed").exists()


def test_serving_beyond_this_machine_prints_a_warning(tmp_path: Path) -> None:
    # Every address but the usual three counts as reachable by others, although this one is not.
    with serving("--host", "127.0.0.2", NOBODY, directory=tmp_path) as served:
        log = served.log.read_text()
        assert "WARNING: anyone with this URL" in log
        assert log.count("\n") == 1
    with serving(NOBODY, directory=tmp_path) as served:
        assert served.log.read_text() == ""


def test_a_port_in_use_is_reported_in_one_line(server: ServerProcess, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tui", "--serve", "--port", str(server.port)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"flagpost: cannot listen on 127.0.0.1:{server.port}: ")
    assert ended.stderr.count("\n") == 1


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "textual_serve").mkdir()
    (tmp_path / "textual_serve" / "__init__.py").write_text("raise ModuleNotFoundError(name='textual_serve')\n")
    ended = subprocess.run(
        [sys.executable, "-m", "tui", "--serve"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "run: pipx install --force '.[serve]', or" in ended.stderr
    assert ended.stderr.endswith("pip install '.[serve]'\n")
    assert ended.stderr.count("\n") == 1
