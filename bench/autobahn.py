"""Run Autobahn's websocket suite against our connection and bare `websockets` side by side, and compare.

`python -m bench.autobahn --wstest PATH [--cases 1.*,2.* ...]`; exits 1 if ours fails a case that the other passes.

The suite needs Python 2.7: `pip install virtualenv`, and in a Python 2.7 environment `pip install
autobahntestsuite==0.8.2`; `--wstest` is the resulting program. Both servers run in this process, echo, and do not
compress.

Ours is `server.websocket.connection.WebsocketConnection` behind uvicorn and our HTTP connection, as in the server,
with an echo in place of the room. The limits of the room are lifted, since the suite sends 16 MiB at once. A binary
message is refused by design (close code 1003), so the cases that need one are counted separately, and must end with
that code.
"""

import argparse
import asyncio
import json
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from server.http.http_connection import HttpConnection
from server.pacing.limiter import Limiter
from server.protocol.address import WEBSOCKET_PATH
from server.protocol.codes import CloseCode
from server.room.session import Session
from server.settings import RoomLimits
from server.websocket import connection
from server.websocket.connection import WebsocketConnection
from server.websocket.handler import ConnectionPolicy

OURS, BARE = "flagpost", "websockets"
BINARY = ("1.2.", "9.2.", "9.4.", "9.6.", "9.8.")
"""Cases that send binary messages."""
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
SUITE_SECONDS = 1800
MESSAGE_BYTES = 32 * 1024 * 1024


class Outcome(TypedDict):
    """The suite's result for a case."""

    behavior: str
    behaviorClose: str
    remoteCloseCode: int | None


class Echo:
    """A room that echoes each message to its sender."""

    policy = ConnectionPolicy()
    limiter = Limiter(RoomLimits(bytes_per_second=0, frame_bytes=MESSAGE_BYTES))

    def on_open(self, session: Session) -> None:
        """See ConnectionHandler."""

    def on_message(self, session: Session, data: bytes) -> None:
        """See ConnectionHandler."""
        session.write_now(Frame(Opcode.TEXT, data).serialize(mask=False))

    def on_close(self, session: Session, code: int) -> None:
        """See ConnectionHandler."""


@asynccontextmanager
async def our_server() -> AsyncIterator[str]:
    """Run our server, and yield its URL."""
    # The suite leaves far more unread than a client of a room may.
    connection.MAX_UNSENT_BYTES = 2 * MESSAGE_BYTES

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[Mapping[str, Echo]]:
        yield {"handler": Echo()}

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(Starlette(lifespan=lifespan), http=HttpConnection, ws=WebsocketConnection, log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"ws://127.0.0.1:{listening.getsockname()[1]}{WEBSOCKET_PATH}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """Run bare `websockets`, and yield its URL."""

    async def echo(client: ServerConnection) -> None:
        try:
            async for message in client:
                await client.send(message)
        except ConnectionClosed:
            return

    async with serve(echo, "127.0.0.1", 0, compression=None, max_size=MESSAGE_BYTES) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def prepare(directory: Path, urls: Mapping[str, str], cases: Sequence[str]) -> Path:
    """Write the suite's specification, without compression, which neither server supports; return its path."""
    servers = [{"agent": agent, "url": url} for agent, url in urls.items()]
    wanted = {"cases": list(cases), "exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {}}
    spec = directory / "spec.json"
    spec.write_text(json.dumps({"outdir": str(directory), "servers": servers, **wanted}), encoding="utf-8")
    return spec


def results(directory: Path) -> dict[str, dict[str, Outcome]]:
    """Return the outcomes: server -> case -> outcome."""
    found: dict[str, dict[str, Outcome]] = json.loads((directory / "index.json").read_text(encoding="utf-8"))
    return found


async def run_suite(wstest: Path, spec: Path) -> None:
    arguments = ("-m", "fuzzingclient", "-s", spec)
    process = await asyncio.create_subprocess_exec(wstest, *arguments, cwd=spec.parent, stdout=DEVNULL)
    try:
        async with asyncio.timeout(SUITE_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


def judge(outcomes: Mapping[str, Mapping[str, Outcome]]) -> int:
    """Print the comparison; return the exit code."""
    ours, bare = outcomes[OURS], outcomes[BARE]
    binary = [case for case in ours if case.startswith(BINARY)]
    refused = [case for case in binary if ours[case]["remoteCloseCode"] == CloseCode.UNSUPPORTED_DATA]
    compared = [case for case in ours if case not in binary]
    for agent, found in outcomes.items():
        counts = Counter(found[case]["behavior"] for case in compared)
        closes = Counter(found[case]["behaviorClose"] for case in compared)
        print(f"{agent}: {len(compared)} cases: {dict(counts)}; close: {dict(closes)}")
    worse = [
        case
        for case in compared
        if any(ours[case][what] not in GOOD and bare[case][what] in GOOD for what in ("behavior", "behaviorClose"))
    ]
    print(f"binary: {len(binary)} cases, refused with 1003: {len(refused)}")
    for case in [*worse, *sorted(set(binary) - set(refused))]:
        print(f"  {case}: ours {ours[case]}, bare websockets {bare[case]}")
    print(f"failures of ours alone: {len(worse)}")
    return 1 if worse or len(refused) < len(binary) else 0


async def main(wstest: Path, cases: Sequence[str]) -> int:
    """Run the suite on both servers, and print the comparison; return the exit code."""
    with TemporaryDirectory(prefix="flagpost-bench-") as name:
        async with our_server() as ours, bare_server() as bare:
            await run_suite(wstest, prepare(Path(name), {OURS: ours, BARE: bare}, cases))
        return judge(results(Path(name)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wstest", type=Path, required=True, metavar="PATH")
    parser.add_argument("--cases", default="*", help="cases to run, such as 1.*,7.* (default: all except compression)")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.wstest.absolute(), options.cases.split(","))))
