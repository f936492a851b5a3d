"""Runs the nodes of a room as separate processes, and restarts each that ends, as a service manager does."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from server.demo.balancer import Balancer
from server.http.listening import Listener
from server.ops import process
from server.protocol.address import WEBSOCKET_PATH, Address
from server.protocol.errors import OneLineError

RESTART_SECONDS = 1.0
"""Pause before a node is restarted; meanwhile, its clients reconnect to another one."""
END_SECONDS = 20.0

EXPLANATION = """The room's address connects to any of the nodes. To see what happens when one dies, run: kill -9 {pid}
The users of that node are on another one within a second, nothing is lost, and the demo restarts the node."""


class NodeError(OneLineError):
    """A node did not start."""


class NodeProcess:
    """One node, which keeps its address when it restarts."""

    def __init__(self, name: str, settings: Path, log: int | None = None) -> None:
        """`log` is the file descriptor of the node's standard error; None: that of this process."""
        self.name = name
        self.address = Address("127.0.0.1", 0)
        self._settings = settings
        self._log = log
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Return the process ID; 0 before the first start."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start the process. Raises NodeError."""
        # Variables that are meant for the administrator's own server do not apply here.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FLAGPOST_")}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "--child"),
            *("--settings", str(self._settings), "--address", str(self.address)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._log,
            env=environment,
            # Ctrl+C ends the demo, which ends its nodes.
            start_new_session=True,
        )
        line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            await self._process.wait()
            raise NodeError(f"{self.name} did not start; its output above says why")
        self.address = Address.parse(line.decode().rpartition(WEBSOCKET_PATH)[0].rpartition("/")[2])

    async def watch(self, say: Callable[[str], None]) -> None:
        """Restart the process whenever it ends, and report that with `say`, until cancelled."""
        while True:
            code = await self._process.wait() if self._process else 0
            await self._restart()
            say(f"{self.name} {_ended(code)}; it was restarted as process {self.pid}")

    async def _restart(self) -> None:
        while True:
            await asyncio.sleep(RESTART_SECONDS)
            with suppress(NodeError):
                return await self.start()

    async def stop(self) -> None:
        """Shut the process down; kill it if that takes too long."""
        if not self._process or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Nodes:
    """All nodes of a room, behind one address."""

    def __init__(self, count: int, settings: Path) -> None:
        self._nodes = [NodeProcess(f"Node {number}", settings) for number in range(1, count + 1)]
        self._balancer = Balancer()

    async def start(self) -> None:
        """Start all nodes, and print what to try. Raises NodeError."""
        try:
            # One after another: the first creates the tables.
            for node in self._nodes:
                await node.start()
        except BaseException:
            await self._stop()
            raise
        self._balancer.nodes = [node.address for node in self._nodes]
        for node in self._nodes:
            _say(f"{node.name}: {node.address.websocket_url()}, process {node.pid}")
        for line in EXPLANATION.format(pid=self._nodes[0].pid).splitlines():
            _say(line)

    async def run(self, listener: Listener) -> None:
        """Serve the room until a signal ends the process."""
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        works = [self._balancer.serve(listener), *(node.watch(_say) for node in self._nodes)]
        tasks = [asyncio.ensure_future(work) for work in works]
        if not process.shutdown_requested():
            await ended.wait()
        for task in tasks:
            task.cancel()
        await self._stop()

    async def _stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self._nodes))


def _say(line: str) -> None:
    process.say(line, sys.stdout)


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
