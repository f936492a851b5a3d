"""The chat server as a separate process, with settings in the test's directory."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, Self

from tests.support.forks import Fork, Process, can_fork

ROOT = Path(__file__).parents[2]
KEY = "test-admin-key-0001"
START_SECONDS = 20.0
END_SECONDS = 20.0


UNHURRIED = {"MessagesPerSecond": 0, "PagesPerSecond": 0, "StoredKilobytesPerDay": 0, "BytesPerSecond": 0}
"""Limits for tests, which send within a second what people send within minutes."""

WITH_CONSTANTS = """
import json, runpy, sys
from tests.support.fork_server import set_constants

set_constants(json.loads(sys.argv.pop(1)))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
"""Runs `python -m program` with other values of constants. The arguments: these as JSON, the program, and its own."""


class Channel(NamedTuple):
    """A public channel in the settings."""

    id: str
    welcome: Sequence[str] = ()
    echo: int = 10


def write_settings(
    directory: Path,
    *,
    channels: Sequence[Channel] = (Channel("lobby"), Channel("tea")),
    webhooks: Mapping[str, str] | None = None,
    origins: Sequence[str] = (),
    limits: Mapping[str, int | list[str]] = UNHURRIED,
    compression: bool = False,
    database: str = "room.sqlite",
) -> Path:
    """Write settings with these channels and limits, and these webhooks (name -> URL) enabled; return their path."""
    # JSON's strings and lists of strings are valid TOML.
    lines = [f'AdminAPIKey = "{KEY}"', f'Database = "{database}"', f"AllowedOrigins = {json.dumps(list(origins))}"]
    lines += ["Compression = true"] * compression
    lines += ["[Limits]", *(f"{name} = {json.dumps(value)}" for name, value in limits.items())]
    for channel in channels:
        lines += ["[[PublicChannels]]", f'ID = "{channel.id}"', f'Name = "{channel.id.title()}"']
        lines += [f"WelcomeMessages = {json.dumps(list(channel.welcome))}", f"EchoMessagesOnJoin = {channel.echo}"]
    for name, url in (webhooks or {}).items():
        lines += ["[[WebhookURLs]]", f'Name = "{name}"', "Enabled = true", f'URL = "{url}"']
    file = directory / "settings.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child process: ours, without a key, and with the packages importable anywhere."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLAGPOST_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **(extra or {})}


def start(
    program: str,
    arguments: Sequence[str],
    directory: Path,
    log: int,
    extra: Mapping[str, str] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Process:
    """Start `python -m program` with pipes to its input and from its output, and its errors in `log`."""
    if can_fork(extra):
        return Fork.piped(program, arguments, directory, environment(extra), log, constants)
    return started([*as_module(program, constants), *arguments], directory, log, extra)


def as_module(program: str, constants: Mapping[str, float] | None) -> list[str]:
    """Return Python's arguments for `python -m program` with other values of constants."""
    return ["-c", WITH_CONSTANTS, json.dumps(constants), program] if constants else ["-m", program]


def started(
    arguments: Sequence[str], directory: Path, log: int, extra: Mapping[str, str] | None
) -> subprocess.Popen[str]:
    """Start Python with these arguments, as `start` does, without a fork."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment(extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def run(*arguments: str, directory: Path, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself."""
    # A separate home directory, for the data of a server without settings.
    environ = environment({"HOME": str(directory), "XDG_DATA_HOME": str(directory), **(extra or {})})
    if can_fork(extra):
        with Path(os.devnull).open() as nothing, TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
            fork = Fork("server", arguments, directory, environ, [each.fileno() for each in (nothing, output, errors)])
            code = fork.wait(START_SECONDS)
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class ServerProcess:
    """A running server; the context manager ends it."""

    def __init__(
        self,
        settings: Path,
        *options: str,
        extra: Mapping[str, str] | None = None,
        deadlines: Mapping[str, float] | None = None,
    ) -> None:
        """`deadlines` maps the full names of constants in the server to their values in this process."""
        self._log = settings.with_name("server.log")
        arguments = ["--settings", str(settings), "--address", "127.0.0.1:0", *options]
        with self._log.open("ab") as log:
            self.process = start("server", arguments, settings.parent, log.fileno(), extra, deadlines)
        self.url = self._read_url()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def http_url(self) -> str:
        """Return the HTTP base URL."""
        return self.url.replace("ws://", "http://").removesuffix("/ws")

    @property
    def port(self) -> int:
        """Return the port on which it listens."""
        return int(self.url.rpartition(":")[2].partition("/")[0])

    @property
    def log(self) -> str:
        """Return what it wrote to standard error."""
        return self._log.read_text(encoding="utf-8")

    def terminate(self) -> int:
        """Ask it to end, as a service manager does; return its exit code."""
        self.process.terminate()
        return self.process.wait(END_SECONDS)

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self.process.kill()
        self.process.wait(END_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def _read_url(self) -> str:
        guard = threading.Timer(START_SECONDS, self.process.kill)
        guard.start()
        line = self.process.stdout.readline() if self.process.stdout else ""
        guard.cancel()
        label, _, url = line.strip().partition(": ")
        if label != "Chat room":
            self.kill()
            raise AssertionError(f"the server did not start: {line!r} {self.log}")
        return url
