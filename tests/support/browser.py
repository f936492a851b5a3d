"""A headless Chromium, driven by its DevTools protocol."""

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

WAIT_SECONDS = 40.0
NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1400, 900
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", f"--window-size={WIDTH},{HEIGHT}",
)  # fmt: skip

COPY = """(() => {
  const terminal = document.querySelector('.xterm');
  const copy = new ClipboardEvent('copy', {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
  terminal?.dispatchEvent(copy);
  return copy.clipboardData.getData('text/plain').replaceAll('\\u00a0', ' ');
})()"""

Reply = dict[str, "Reply | str | int | bool | list[Reply] | None"]


class Page:
    """One page of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self.requested: list[str] = []
        """The addresses that the page requested."""
        self.complaints: list[str] = []
        """Errors in its console: of the page, or violations of its policy."""

    async def call(self, method: str, **params: object) -> Reply:
        """Call a method of the protocol, and return its result."""
        number = next(self._ids)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                reply: Reply = json.loads(await self._socket.recv())
                self._note(reply)
                if reply.get("id") == number:
                    assert "error" not in reply, reply
                    result = reply["result"]
                    assert isinstance(result, dict)
                    return result

    async def evaluate(self, expression: str) -> str:
        """Return the value of a JavaScript expression as text."""
        answer = (await self.call("Runtime.evaluate", expression=f"String({expression})", awaitPromise=True))["result"]
        assert isinstance(answer, dict)
        return str(answer.get("value", ""))

    async def until(self, text: str) -> None:
        """Wait until the page's terminal shows a text."""
        seen = ""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while text not in (seen := await self.terminal()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"never seen: {text!r}\n{seen}\n{self.requested}") from None

    async def wait_for(self, expression: str, value: str) -> None:
        """Wait until a JavaScript expression has a value."""
        seen = ""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while (seen := await self.evaluate(expression)) != value:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{expression} is {seen!r}, never {value!r}") from None

    async def terminal(self) -> str:
        """Return the text of the page's terminal. It is drawn on a canvas, so all of it is selected and copied."""
        shift = 8
        for kind, x, y in (
            ("Pressed", 1, 1),
            ("Moved", 1300, 700),
            ("Moved", WIDTH, HEIGHT),
            ("Released", WIDTH, HEIGHT),
        ):
            held = 0 if kind == "Released" else 1
            await self.call(
                "Input.dispatchMouseEvent",
                type=f"mouse{kind}", x=x, y=y, button="left", buttons=held, clickCount=1, modifiers=shift,
            )  # fmt: skip
        return await self.evaluate(COPY)

    async def press(self, text: str) -> None:
        """Press a key for each character."""
        for character in text:
            enter = character == "\r"
            key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13} if enter else {"key": character}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=character, **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def press_alt(self, letter: str) -> None:
        """Press Alt with a letter."""
        key = {"key": letter, "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": ord(letter.upper())}
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, modifiers=1, **key)

    def _note(self, reply: Reply) -> None:
        params = reply.get("params")
        if reply.get("method") == "Network.requestWillBeSent" and isinstance(params, dict):
            request = params.get("request")
            if isinstance(request, dict):
                self.requested.append(str(request.get("url")))
        entry = params.get("entry") if isinstance(params, dict) else None
        if reply.get("method") == "Log.entryAdded" and isinstance(entry, dict) and entry.get("level") == "error":
            self.complaints.append(f"{entry.get('text')} {entry.get('url', '')}")
        if reply.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params))


def find_browser() -> str | None:
    """Return the path of an installed browser, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def page(program: str, url: str, directory: Path) -> AsyncIterator[Page]:
    """Open a page at a URL; the block ends it."""
    process = await asyncio.create_subprocess_exec(
        program, *FLAGS, f"--user-data-dir={directory}", "about:blank", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            devtools = await _address(process)
        async with connect(devtools, compression=None, proxy=None, max_size=None) as browser:
            root = Page(browser)
            target = await root.call("Target.createTarget", url="about:blank")
        own = f"{devtools.partition('/devtools/')[0]}/devtools/page/{target['targetId']}"
        async with connect(own, compression=None, proxy=None, max_size=None) as socket:
            shown = Page(socket)
            for domain in ("Network", "Log", "Runtime"):
                await shown.call(f"{domain}.enable")
            await shown.call("Page.navigate", url=url)
            yield shown
    finally:
        process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Return the address of the browser's DevTools."""
    while process.stderr and (line := (await process.stderr.readline()).decode(errors="replace")):
        _, found, address = line.partition("DevTools listening on ")
        if found:
            return address.strip()
    raise AssertionError("the browser did not start")
