"""`python -m server`: read the settings, listen, serve; or do one of the operator's commands."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from server import app
from server.http.gateway import Listener, ListenError, listen, listen_at
from server.operator import arguments, commands
from server.ops import logs, process, reload
from server.ops.tls import Certificates
from server.protocol.address import Address
from server.settings import DEFAULT_FILE, Loaded, Settings, SettingsError, defaults, load
from server.storage.base import StorageError


def main() -> int:
    """The exit code: 0 after an orderly end, 2 if settings, address or database cannot be used."""
    options = _parser().parse_args()
    say: Callable[[int, str], None] = _say_to_people
    try:
        if options.command:
            return commands.run(options)
        reload.note_sighup()
        read = _reader(options)
        settings, notice = read()
        if settings.log.format == "json":
            logs.configure(settings.log)
            say = _say_to_log
        listener = _listen(options, settings)
        for line in filter(None, (notice, listener.exposure(settings.limits.trusted_proxies))):
            say(logging.WARNING, line)
        process.end_by_signal()
        print(f"Chat room: {listener.websocket_url}", flush=True)
        if options.child:
            process.end_with_parent()
        process.run(partial(app.run, settings, listener, read))
    except StorageError as error:
        say(logging.ERROR, f"Database: {error}; check the file, or choose another in the settings")
        return 2
    except ListenError as error:
        hint = "choose another with --address HOST:PORT or --socket PATH, or Address in the settings"
        say(logging.ERROR, f"{error}; {hint}")
        return 2
    except SettingsError as error:
        say(logging.ERROR, str(error))
        return 2
    return 0


def _listen(options: argparse.Namespace, settings: Settings) -> Listener:
    if options.socket:
        # Nor does anybody else read what such a server writes.
        os.umask(0o077)
        return listen_at(options.socket)
    certificates = Certificates(settings.tls) if settings.tls.on else None
    return listen(options.address or Address.parse(settings.address), certificates)


def _reader(options: argparse.Namespace) -> Callable[[], Loaded]:
    """Return what reads the settings, now and at each reload."""
    if options.child and not options.settings:
        # A client that was given no settings file obeys none that lies in the working directory, nor the key in the
        # environment, which is meant for a server that its owner starts.
        return partial(defaults, {})
    # A file that was there and is gone when it is read anew is a fault, and no wish for the defaults.
    return partial(load, options.settings or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))


def _say_to_people(_level: int, line: str) -> None:
    print(f"flagpost: {line}", file=sys.stderr)


def _say_to_log(level: int, line: str) -> None:
    logging.getLogger("server").log(level, line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Flagpost's chat server.")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings file (default: settings.toml here, if any)"
    )
    parser.add_argument(
        "--address", type=arguments.address, metavar="HOST:PORT", help="where to listen, instead of the settings'"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="listen at a Unix socket that only you can connect to, without TLS"
    )
    parser.set_defaults(command=None)
    commands.add_to(parser)
    parser.add_argument(
        "--child", action="store_true", help="end when standard input closes; read no settings but --settings"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
