"""`python -m tui`: the chat client in this terminal."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from server.protocol.frames import MAX_NAME_CHARS
from tui.config import Loaded, load, place
from tui.options import Options
from tui.text import clean_line


def main() -> int:
    """The exit code: 0, or 2 if the command line cannot be used."""
    chosen = options(sys.argv[1:], load(place()))
    from tui.app import FlagpostApp

    FlagpostApp(chosen).run()
    return 0


def options(arguments: Sequence[str], loaded: Loaded) -> Options:
    """What a command line and a configuration come to: what is said now goes before what was said last."""
    given = _parser().parse_args(arguments)
    name = clean_line(given.name or loaded.config.name or _user()).strip()[:MAX_NAME_CHARS] or "guest"
    # A settings file names the local server.
    url = given.url or ("" if given.settings else loaded.config.server) or None
    asks = not (loaded.exists or given.url or given.demo or given.name)
    return Options(name, url, given.settings, given.demo, asks, loaded)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tui", description="Flagpost: a chat room in the terminal.")
    parser.add_argument("url", nargs="?", metavar="URL", help="server, like wss://chat.example (default: the last one)")
    parser.add_argument("--name", help="the name to go by (default: the last one)")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file (default: settings.toml here)")
    parser.add_argument("--demo", action="store_true", help="a room with residents and a website to try everything")
    return parser


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "guest"


if __name__ == "__main__":
    sys.exit(main())
