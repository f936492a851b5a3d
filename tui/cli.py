"""The command line: start the chat client in this terminal, line by line, or in a browser."""

import argparse
import asyncio
import gc
import getpass
import io
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from types import FrameType

from server.protocol.address import MAX_PORT_DIGITS, PORTS
from server.protocol.errors import OneLineError
from server.protocol.name_text import MAX_NAME_CHARS
from server.protocol.version import VERSION
from tui import streams
from tui.config import LoadedConfig, load, place
from tui.files import FileError
from tui.options import TOKEN_VARIABLE, Options, SiteToken
from tui.streams import StartError
from tui.text import clean_line

INTERRUPTED = 130
"""Exit code that a shell reports for a program ended by Ctrl+C (128 + SIGINT)."""
UNUSABLE = 2
SERVE_PORT = 8000
QUIT_SECONDS = 5.0
"""Time for an orderly end after Ctrl+C; stopping a local server needs some of it."""


def run() -> int:
    """Run the client; return the exit code: 0, 1 after an error, UNUSABLE after a StartError.

    docs/plain.md lists the exit codes of --plain.
    """
    streams.open_closed_error()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until something else handles it, Ctrl+C ends the process without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        given = parser().parse_args()
        _require_streams(given)
        return _chat(given, options(given, _load()))
    except StartError as error:
        return _complain(error, UNUSABLE)
    except OneLineError as error:
        return _complain(error, 1)
    finally:
        _flush()


def _require_streams(given: argparse.Namespace) -> None:
    """Raise StartError if the standard streams do not suit the chosen interface."""
    if given.plain:
        streams.require_open("input", "output")
    elif given.serve:
        streams.require_open("output")
    else:
        streams.require_screen(os.environ)


def _load() -> LoadedConfig:
    """Load the configuration. Raises StartError if the file cannot be read."""
    try:
        return load(place())
    except FileError as error:
        raise StartError(str(error)) from None


def _complain(error: OneLineError, code: int) -> int:
    """Print an error, unless standard error cannot be written to; return the exit code."""
    with suppress(OSError):
        print(f"flagpost: {error}", file=sys.stderr, flush=True)
    return code


def _flush() -> None:
    """Flush standard output, even if its reader is gone."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        # The interpreter would report the error again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _chat(given: argparse.Namespace, chosen: Options) -> int:
    if given.plain or given.serve:
        gc.enable()
    if given.plain:
        return _plain(chosen)
    if given.serve:
        _serve(chosen, given.host, given.port)
        return 0
    # `FlagpostApp` turns garbage collection back on after the first frame.
    from tui.fullscreen.app import FlagpostApp

    following: Options | None = chosen
    while following:
        following = FlagpostApp(following).run_to_the_end()
    return 0


async def _interruptible(chatting: Coroutine[None, None, int]) -> int:
    """Run a coroutine that Ctrl+C cancels; if it has not ended after QUIT_SECONDS, exit the process."""
    task, loop = asyncio.ensure_future(chatting), asyncio.get_running_loop()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        # Called in the main thread at any point: asyncio's own signal handlers would wait for the loop.
        loop.call_soon_threadsafe(task.cancel)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, QUIT_SECONDS)

    # SIGTERM and SIGHUP keep their default actions: a handler would not run while a call blocks.
    # Windows has no SIGALRM.
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, lambda *_: os._exit(INTERRUPTED))
        signal.signal(signal.SIGINT, interrupt)
    return await task


def _plain(chosen: Options) -> int:
    from tui.plain.chat import chat

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return asyncio.run(_interruptible(chat(chosen)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    finally:
        # Python restores the signals' default actions as it ends, and SIGALRM's would change the exit code.
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(chosen: Options, host: str, port: int) -> None:
    try:
        from tui.web.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in {"textual_serve", "aiohttp"}:
            raise
        needed = "--serve needs textual-serve; in a clone of Flagpost run: pipx install --force '.[serve]'"
        raise OneLineError(f"{needed}, or in a virtual environment: pip install '.[serve]'") from None
    if token := chosen.sign_in.token:
        # The client processes of the pages inherit the environment.
        os.environ[TOKEN_VARIABLE] = token
    serve(chosen, host, port)


def options(given: argparse.Namespace, loaded: LoadedConfig) -> Options:
    """Combine the command line with the configuration; the command line takes precedence.

    Raises StartError if the address or the sign-in link is unusable.
    """
    name = clean_line(given.name or loaded.config.name or _user()).strip()[:MAX_NAME_CHARS] or "guest"
    sign_in = _sign_in(given)
    # --settings means the server on this machine, not the last one used.
    url = _address(given.url) or sign_in.server or ("" if given.settings else loaded.config.server) or None
    asks = not (loaded.exists or given.url or given.demo or given.name or sign_in.server)
    return Options(name, url, given.settings, given.demo, asks, sign_in=sign_in, loaded=loaded)


def _sign_in(given: argparse.Namespace) -> SiteToken:
    """Return the token of the sign-in link; an empty one without a link. Raises StartError if it cannot be read."""
    if not (given.token_file or given.sign_in or TOKEN_VARIABLE in os.environ or "jwt=" in (given.url or "")):
        return SiteToken()
    # Imported late: most users never need it.
    from tui.net import sign_in
    from tui.net.server_address import AddressError

    if sign_in.is_link(given.url or ""):
        raise StartError(sign_in.IN_ARGUMENTS)
    try:
        return sign_in.find(given.token_file, os.environ, asks=given.sign_in)
    except AddressError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"{given.token_file}: {error.strerror or error}; give another with --token-file") from None
    except EOFError:
        raise StartError("no sign-in link was typed; start again and paste it") from None


def _address(typed: str | None) -> str:
    """Return a typed address as a URL; "" if none was typed. Raises StartError if it is not an address."""
    # Imported late: before the first frame, only a typed address needs it.
    from tui.net.server_address import AddressError, normal

    try:
        return normal(typed) if typed else ""
    except AddressError as error:
        raise StartError(str(error)) from None


def parser() -> argparse.ArgumentParser:
    program = "flagpost" if Path(sys.argv[0]).stem == "flagpost" else "python -m tui"
    parser = argparse.ArgumentParser(prog=program, description="Flagpost: terminal chat with accountable moderation.")
    parser.add_argument("--version", action="version", version=f"flagpost {VERSION}")
    parser.add_argument("url", nargs="?", metavar="URL", help="server, like wss://chat.example (default: the last one)")
    parser.add_argument("--name", help="your display name (default: the last one)")
    parser.add_argument("--sign-in", action="store_true", help="ask for the sign-in link from your site")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"file with the sign-in link; or set {TOKEN_VARIABLE}"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file of the server on this machine")
    parser.add_argument(
        "--demo", action="store_true", help="try everything in a room with scripted users and a small site"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--plain", action="store_true", help="chat line by line on standard input and output")
    how.add_argument("--serve", action="store_true", help="serve the client as a page for your browser")
    parser.add_argument(
        "--host", type=_host, default="127.0.0.1", help="with --serve: where to listen (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=SERVE_PORT, help="with --serve: the port, 0 for a free one (default: %(default)s)"
    )
    return parser


def _host(text: str) -> str:
    host = text.strip().removeprefix("[").removesuffix("]")
    # An empty host would mean every address of this machine, and sockets cannot use one that IDNA does not encode.
    with suppress(UnicodeError):
        if host and (host.isascii() or host.encode("idna")):
            return host
    raise argparse.ArgumentTypeError(f"{text!r} is not a host; give a name or an address, like 127.0.0.1")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_PORT_DIGITS and int(text) < PORTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 0 to {PORTS - 1}")
    return int(text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "guest"
