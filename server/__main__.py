"""`python -m server`: read the settings, listen and serve; or run one of the administrator's commands."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from server import app
from server.http.listening import Listener, ListenError, bind, listen, listen_at
from server.operator import arguments, commands
from server.ops import logs, process, reload
from server.ops.tls import Certificates
from server.protocol.address import Address
from server.protocol.characters import in_one_line
from server.protocol.errors import OneLineError
from server.protocol.version import VERSION
from server.settings import DEFAULT_FILE, LoadedSettings, Settings, defaults, load
from server.settings.database_url import is_url

CHOOSE_ADDRESS = "choose another address with --address HOST:PORT, --socket PATH, or Address in the settings"


def main() -> int:
    """Run the command line, and return the exit code. See `commands.run` for those of the administrator's commands.

    0: orderly exit. 1: the site or an operator requested the shutdown, or the other servers of the room have removed
    this one. 2: the settings, the address or the database cannot be used.
    """
    options = _parser().parse_args()
    try:
        if options.command:
            return commands.run(options)
        reload.record_early_sighup()
        read = _reader(options)
        return _serve(options, read(), read)
    except OneLineError as error:
        _say_to_people(logging.ERROR, str(error))
        return 2


def _serve(options: argparse.Namespace, loaded: LoadedSettings, read: Callable[[], LoadedSettings]) -> int:
    """Serve the room with these settings, and return the exit code (see `main`). A reload calls `read`."""
    settings = loaded.settings
    say: Callable[[int, str], None] = _say_to_people
    if settings.log.format == "json":
        logs.configure(settings.log)
        say = _say_to_log
    try:
        listener = _bind(options, settings)
        for line in filter(None, (*loaded.notices, listener.plaintext_warning(settings.limits.trusted_proxies))):
            say(logging.WARNING, line)
        process.handle_signals()
        if options.child:
            process.exit_with_parent()
        # A parent waits for the URL. Any other server with a JSON log prints only the log.
        prints = options.child or settings.log.format != "json"
        process.run(partial(app.run, settings, listener, read, partial(_print_url, listener) if prints else None))
    except ListenError as error:
        say(logging.ERROR, f"{error}; {CHOOSE_ADDRESS}")
        return 2
    except OneLineError as error:
        say(logging.ERROR, str(error))
        return 2
    return process.exit_code()


def _bind(options: argparse.Namespace, settings: Settings) -> Listener:
    listener = bind_room(options, settings)
    if settings.metrics.address:
        return listener._replace(metrics=listen([Address.parse(settings.metrics.address)]).sockets)
    return listener


def bind_room(options: argparse.Namespace, settings: Settings) -> Listener:
    """Bind the socket or the addresses that the command line or the settings name. Raises ListenError."""
    if options.socket:
        # The files that this server writes are private to the user as well.
        os.umask(0o077)
        return listen_at(options.socket)
    certificates = Certificates(settings.tls) if settings.tls.on else None
    addresses = [options.address] if options.address else [Address.parse(text) for text in settings.addresses]
    # The only server of a room lets clients wait until it serves. One of several refuses them until then, so that the
    # proxy connects them to another server.
    return bind(addresses, certificates) if is_url(settings.database) else listen(addresses, certificates)


def _reader(options: argparse.Namespace) -> Callable[[], LoadedSettings]:
    """Return the function that reads the settings at startup and at each reload."""
    if options.child and not options.settings:
        # A client's own server ignores a settings file in the working directory and the key in the environment: both
        # are meant for a server that an administrator starts.
        return partial(defaults, {})
    # Decided once: if the file has disappeared, a reload fails instead of switching to the defaults.
    return partial(load, options.settings or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))


def _print_url(listener: Listener) -> None:
    # Not altered: a parent connects to it, and the path of a socket may contain any character.
    process.say(f"Chat room: {listener.websocket_url}", sys.stdout)


def _say_to_people(_level: int, line: str) -> None:
    process.say(f"flagpost: {in_one_line(line)}", sys.stderr)


def _say_to_log(level: int, line: str) -> None:
    logging.getLogger("server").log(level, line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program(), description="Flagpost's chat server.")
    parser.add_argument("--version", action="version", version=f"flagpost-server {VERSION}")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings file (default: settings.toml in the working directory, if it exists)",
    )
    parser.add_argument(
        "--address", type=arguments.address, metavar="HOST:PORT", help="address to listen on; overrides the settings"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="listen on a Unix socket that only you can connect to, without TLS"
    )
    parser.set_defaults(command=None)
    commands.add_to(parser)
    parser.add_argument(
        "--child", action="store_true", help="exit when standard input closes; read no settings except --settings"
    )
    return parser


def _program() -> str:
    """Return the command with which this program was started."""
    return "flagpost-server" if Path(sys.argv[0]).stem == "flagpost-server" else "python -m server"


if __name__ == "__main__":
    sys.exit(main())
