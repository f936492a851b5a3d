"""`python -m server.demo`: a site, a room and its bots in one process."""

import argparse
import asyncio
import base64
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from server import app
from server.demo.bots import Bots
from server.demo.chat_server import ChatServer
from server.demo.script import CHANNELS, TITLE
from server.demo.site import Site
from server.http.listening import Listener, ListenError, listen
from server.operator import arguments
from server.ops import process
from server.protocol.address import DEFAULT_ADDRESS, Address
from server.protocol.errors import OneLineError
from server.settings import ApiKeys, Settings, SigningSecret, SigningSecrets, WebhookURL

SITE_ADDRESS = "127.0.0.1:9080"
CLOSE_SECONDS = 1


def main() -> int:
    """Run the demo; return 0 after a clean shutdown, 2 if a given address cannot be used."""
    options = _parser().parse_args()
    try:
        room = _listen("--address", options.address, DEFAULT_ADDRESS)
        site = _listen("--site", options.site, SITE_ADDRESS)
    except OneLineError as error:
        print(f"flagpost: {error}", file=sys.stderr)
        return 2
    process.handle_signals()
    print(f"Chat room: {room.addresses[0].websocket_url()}", flush=True)
    print(f"Report inbox: http://{site.addresses[0]}/", flush=True)
    if options.child:
        process.exit_with_parent()
    with TemporaryDirectory(prefix="flagpost-demo-") as directory:
        settings = _settings(f"http://{site.addresses[0]}", Path(directory))
        process.run(partial(_run, settings, room, site))
    return 0


async def _run(settings: Settings, room: Listener, site: Listener) -> None:
    """Run everything until a signal ends the room; the site and the users stop after it has delivered its reports."""
    key, signing = settings.admin_api_key, settings.webhook_urls[0].secret
    website = _Website(Site(site.addresses[0], settings.title, key, signing, ChatServer(room.addresses[0], key)))
    async with asyncio.TaskGroup() as group:
        group.create_task(website.serve(list(site.sockets)))
        bots = group.create_task(Bots().live(room.addresses[0].websocket_url()))
        await app.run(settings, room)
        bots.cancel()
        website.should_exit = True


class _Website(uvicorn.Server):
    """A web server that does not handle signals: the room does, and stops this one when it is done."""

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


def _settings(site: str, directory: Path) -> Settings:
    url = f"{site}/webhooks"
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    signing = SigningSecrets((SigningSecret(f"{SigningSecret.PREFIX}{key}"),))
    return Settings(
        title=TITLE,
        website_url=f"{site}/",
        database=str(directory / "flagpost.sqlite"),
        admin_api_key=ApiKeys(secrets.token_urlsafe(32)),
        public_channels=CHANNELS,
        webhook_urls=(
            WebhookURL("report", enabled=True, url=url, evidence=True, secret=signing),
            WebhookURL("profile", enabled=True, url=url, secret=signing),
        ),
    )


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
        description="Try Flagpost on this machine: a room with bots, and a site that receives your reports.",
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
    parser.add_argument("--child", action="store_true", help="end when standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
