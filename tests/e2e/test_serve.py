"""The client in a browser: served by `python -m tui --serve`, drawn and typed into in a headless Chromium."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from server.protocol.frames import Message
from tests.support.browser import find_browser, page
from tests.support.chat_client import entered, says
from tests.support.server_process import ServerProcess, environment

if sys.platform == "win32":
    pytest.skip("the browser is found on Linux alone", allow_module_level=True)


@contextmanager
def serving(*arguments: str, directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m tui --serve` on a free port, and the address that it says to open."""
    with (directory / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--serve", "--port", "0", *arguments],
            cwd=directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            assert process.stdout
            label, _, url = process.stdout.readline().strip().partition(": ")
            assert label == "Open in a browser"
            yield process, url
        finally:
            process.terminate()


async def test_the_chat_is_drawn_in_a_page_and_what_is_typed_there_is_sent(
    server: ServerProcess, tmp_path: Path
) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed; apt-get install chromium")
    async with entered(server.url, "bob") as bob:
        await bob.say("lobby", "Ahoy there")
        with serving("--name", "ada", server.url, directory=tmp_path) as (process, url):
            assert urlsplit(url).hostname == "127.0.0.1"
            async with page(program, url, tmp_path / "profile") as browser:
                await browser.until("Ahoy there")
                await browser.until("online as ada")
                await browser.press("Typed in a page\r")
                said = await bob.next(Message, says("Typed in a page"))
                assert (said.username, said.channel) == ("ada", "lobby")
                await bob.say("lobby", "Read you")
                await browser.until("Read you")
            process.terminate()
            assert process.wait(20) == 0


async def test_only_its_own_page_opens_the_terminal(tmp_path: Path) -> None:
    # Nothing listens at the chat's address: the client says so, and that is enough of an answer.
    with serving("ws://127.0.0.1:9", directory=tmp_path) as (_, url):
        own, port = urlsplit(url).netloc, urlsplit(url).port

        def opening(origin: str | None, name: str = own) -> connect:
            page_of = Origin(origin) if origin else None
            return connect(f"ws://{name}/ws", origin=page_of, proxy=None, host="127.0.0.1", port=port)

        for origin, name in (
            ("https://evil.example", own),
            ("http://127.0.0.1:1", own),
            ("null", own),
            # A name of theirs that they point to this machine.
            ("http://evil.example", "evil.example"),
        ):
            with pytest.raises(InvalidStatus) as refused:
                await opening(origin, name)
            assert refused.value.response.status_code == 403
        async with opening(f"http://{own}") as socket:
            assert await socket.recv()


def test_beyond_this_machine_it_warns(tmp_path: Path) -> None:
    # Any address that is not one of the usual three is taken for one that others reach; this one they do not.
    with serving("--host", "127.0.0.2", "ws://127.0.0.1:9", directory=tmp_path):
        assert "WARNING: everyone who can reach this address" in (tmp_path / "serve.log").read_text()


def test_a_port_that_is_taken_is_one_line(server: ServerProcess, tmp_path: Path) -> None:
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
    assert ended.stderr.startswith(f"flagpost: cannot listen at 127.0.0.1:{server.port}: ")
    assert ended.stderr.count("\n") == 1
