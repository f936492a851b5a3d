"""`python -m server.demo`: a site, a room and its bots. The room runs in this process, or on several nodes."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from server import app
from server.demo import settings_file
from server.demo.bots import Bots
from server.demo.chat_server import ChatServer
from server.demo.nodes import Nodes
from server.demo.postgres_process import PostgresProcess
from server.demo.site import Site
from server.http.listening import Listener, ListenError, listen
from server.operator import arguments
from server.ops import process
from server.protocol.address import DEFAULT_ADDRESS, Address
from server.protocol.errors import OneLineError
from server.settings import Settings, load

SITE_ADDRESS = "127.0.0.1:9080"
CLOSE_SECONDS = 1
MAX_NODES = 9


def main() -> int:
    """Run the demo; return 0 after a clean shutdown, 2 if it cannot start."""
    options = _parser().parse_args()
    try:
        room = _listen("--address", options.address, DEFAULT_ADDRESS)
        site = _listen("--site", options.site, SITE_ADDRESS)
        process.handle_signals()
        print(f"Chat room: {room.addresses[0].websocket_url()}", flush=True)
        print(f"Report inbox: http://{site.addresses[0]}/", flush=True)
        if options.child:
            process.exit_with_parent()
        with ExitStack() as stack:
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="flagpost-demo-")))
            shared = stack.enter_context(PostgresProcess()).url if options.nodes > 1 else ""
            file = settings_file.write(directory, f"http://{site.addresses[0]}", shared or "flagpost.sqlite")
            nodes = Nodes(options.nodes, file) if shared else None
            process.run(partial(_run, load(file, {}).settings, room, site, nodes))
    except OneLineError as error:
        print(f"flagpost: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(settings: Settings, room: Listener, site: Listener, nodes: Nodes | None) -> None:
    """Run everything until a signal ends the room; site and bots stop once the room has delivered its reports."""
    if nodes:
        await nodes.start()
    key, signing = settings.admin_api_key, settings.webhook_urls[0].secret
    website = _Website(Site(site.addresses[0], settings.title, key, signing, ChatServer(room.addresses[0], key)))
    async with asyncio.TaskGroup() as group:
        group.create_task(website.serve(list(site.sockets)))
        bots = group.create_task(Bots(settings.website_url).live(room.addresses[0].websocket_url()))
        await (nodes.run(room) if nodes else app.run(settings, room))
        bots.cancel()
        website.should_exit = True


class _Website(uvicorn.Server):
    """A web server that does not handle signals: the room handles them, and stops this server afterwards."""

    def __init__(self, site: Site) -> None:
        super().__init__(
            uvicorn.Config(
                site.app(),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=CLOSE_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


def _listen(option: str, given: Address | None, default: str) -> Listener:
    """Bind the given address, or the default one, or any free port if that is in use."""
    if given:
        try:
            return listen([given])
        except ListenError as error:
            raise ListenError(f"{error}; choose another with {option} HOST:PORT") from None
    address = Address.parse(default)
    try:
        return listen([address])
    except ListenError:
        return listen([address._replace(port=0)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server.demo",
        description="Try Flagpost on this machine: a room with scripted users, and a site that receives your reports.",
    )
    parser.add_argument(
        "--address",
        type=arguments.address,
        metavar="HOST:PORT",
        help=f"address of the room (default: {DEFAULT_ADDRESS} if free)",
    )
    parser.add_argument(
        "--site",
        type=arguments.address,
        metavar="HOST:PORT",
        help=f"address of the site (default: {SITE_ADDRESS} if free)",
    )
    parser.add_argument(
        "--nodes",
        type=int,
        choices=range(1, MAX_NODES + 1),
        default=1,
        help="number of servers; several share the room in a PostgreSQL that the demo starts (default: %(default)s)",
    )
    parser.add_argument("--child", action="store_true", help="exit when standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
