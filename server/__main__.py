"""`python -m server`: read the settings, listen, serve; or do one of the operator's commands."""

import argparse
import sys
from functools import partial
from pathlib import Path

from server import app, arguments, process, reload
from server.engine.base import StorageError
from server.gateway import ListenError, listen
from server.operator import commands
from server.protocol.address import Address
from server.settings import DEFAULT_FILE, SettingsError, load
from server.tls import Certificates


def main() -> int:
    """The exit code: 0 after an orderly end, 2 if settings, address or database cannot be used."""
    options = _parser().parse_args()
    try:
        if options.command:
            return commands.run(options)
        reload.note_sighup()
        # A file that was there and is gone when it is read anew is a fault, and no wish for the defaults.
        file = options.settings or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
        settings, notice = load(file)
        certificates = Certificates(settings.tls) if settings.tls.on else None
        listener = listen(options.address or Address.parse(settings.address), certificates)
        for line in filter(None, (notice, listener.exposure(settings.limits.trusted_proxies))):
            print(f"flagpost: {line}", file=sys.stderr)
        process.end_by_signal()
        print(f"Chat room: {listener.websocket_url}", flush=True)
        if options.child:
            process.end_with_parent()
        process.run(partial(app.run, settings, listener, partial(load, file)))
    except StorageError as error:
        print(f"flagpost: Database: {error}; check the file, or choose another in the settings", file=sys.stderr)
        return 2
    except ListenError as error:
        hint = "choose another with --address HOST:PORT, or Address in the settings"
        print(f"flagpost: {error}; {hint}", file=sys.stderr)
        return 2
    except SettingsError as error:
        print(f"flagpost: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Flagpost's chat server.")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings file (default: settings.toml here, if any)"
    )
    parser.add_argument(
        "--address", type=arguments.address, metavar="HOST:PORT", help="where to listen, instead of the settings'"
    )
    parser.set_defaults(command=None)
    commands.add_to(parser)
    parser.add_argument("--child", action="store_true", help="end when standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
