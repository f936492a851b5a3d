"""Time to the client's first frame, compared with a bare Textual app, and the imports that it waits for."""

import argparse
import fcntl
import os
import re
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.server_process import environment

COLUMNS, LINES = 120, 36
LIMIT_SECONDS = 30.0
GOAL = 1.25
BARE = """
from textual.app import App
from textual.widgets import Footer, Input, Static

class Bare(App):
    def compose(self):
        yield Static("first frame")
        yield Input()
        yield Footer()

Bare().run()
"""
# The widgets of the room's first frame, as Textual provides them, without style, keys or behaviour.
FURNISHED = """
from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.scroll_view import ScrollView
from textual.widgets import Footer, Static, TextArea

class Furnished(App):
    CSS = "#top, #write { height: 1; } #left, #side { width: 20; }"

    def compose(self):
        with Horizontal(id="top"):
            yield Static("title")
            yield Static()
            yield Static("connection")
        with Horizontal():
            yield Vertical(id="left")
            with Vertical():
                yield ScrollView()
                yield TextArea(placeholder="first frame", id="write", compact=True)
            yield Vertical(id="side")
        yield Footer()

Furnished().run()
"""
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")


class Rival(NamedTuple):
    """Arguments for Python, and texts in the first usable frame."""

    arguments: Sequence[str]
    seen: Sequence[str]


class Sample(NamedTuple):
    """Milliseconds from the start of the process to the first frame, and its CPU time until it ended."""

    wall: float
    cpu: float


RIVALS = {
    "bare Textual app": Rival(["-c", BARE], ["first frame"]),
    "same widgets": Rival(["-c", FURNISHED], ["first frame"]),
    # Nothing listens at this address: the first frame does not wait for a server. The cursor covers the W of "Write a
    # message"; the last text is a corner of the frame around it.
    "client": Rival(
        ["-m", "tui", "--name", "ada", "ws://127.0.0.1:9"], ["Flagpost", "starting", "rite a message", "╯"]
    ),
}


def first_frame(rival: Rival, directory: Path) -> Sample:
    """Start a process in a terminal and end it when its frame appears."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *rival.arguments], cwd=directory, env=_environment(directory),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        _wait_for_frame(master, rival.seen)
        wall = time.perf_counter() - begin
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(wall * 1000, cpu * 1000)


def _environment(directory: Path) -> dict[str, str]:
    # As in an installation: byte code is cached, even if this shell disables writing it.
    extra = {"TERM": "xterm-256color", "XDG_DATA_HOME": str(directory), "PYTHONPYCACHEPREFIX": str(directory)}
    found = environment(extra)
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def _wait_for_frame(master: int, seen: Sequence[str]) -> None:
    raw, end = b"", time.monotonic() + LIMIT_SECONDS
    while not all(each.encode() in raw for each in seen):
        if time.monotonic() > end or not select.select([master], [], [], LIMIT_SECONDS)[0]:
            raise SystemExit(f"it was not painted: {raw!r}")
        raw += os.read(master, 1 << 16)


def slowest(directory: Path, count: int) -> list[tuple[float, str]]:
    """Return the packages that take longest to import before the first frame, with milliseconds.

    Nested imports of other packages count for those; the standard library is left out.
    """
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import gc; gc.disable(); import tui.cli, tui.fullscreen.app"],
        cwd=directory, env=_environment(directory), capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    spent: dict[str, float] = {}
    for own, _, name in IMPORT.findall(ended.stderr):
        parts = name.split(".")
        package = ".".join(parts[:2]) if parts[0] in {"tui", "server"} else parts[0]
        if package not in sys.stdlib_module_names:
            spent[package] = spent.get(package, 0.0) + int(own) / 1000
    return sorted(((ms, name) for name, ms in spent.items()), reverse=True)[:count]


def main() -> None:
    """Measure in turn, and print medians, ratios and the slowest imports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--imports", type=int, default=12, help="number of slowest imports to list")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for rival in RIVALS.values():
            # Writes the byte code, which later starts reuse.
            first_frame(rival, directory)
        samples = [{who: first_frame(rival, directory) for who, rival in RIVALS.items()} for _ in range(given.rounds)]
        print(f"first frame, {given.rounds} rounds in turn, medians\n")
        for who in RIVALS:
            wall = statistics.median(each[who].wall for each in samples)
            cpu = statistics.median(each[who].cpu for each in samples)
            print(f"{who:18} {wall:7.0f} ms   {cpu:7.0f} ms of CPU")
        for who in list(RIVALS)[1:]:
            walls = statistics.median(each[who].wall / each["bare Textual app"].wall for each in samples)
            cpus = statistics.median(each[who].cpu / each["bare Textual app"].cpu for each in samples)
            print(f"{who}: {walls:.2f} times the bare app by the clock, {cpus:.2f} times by CPU")
        print(f"goal for the client: {GOAL}\n")
        for ms, package in slowest(directory, given.imports):
            print(f"{ms:7.1f} ms  {package}")


if __name__ == "__main__":
    main()
