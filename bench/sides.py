"""The servers and clients of the benchmarks: server processes, their resource use, and the load on them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from bench.prose import prose
from server.storage import schema
from server.storage.sqlite_connection import SqliteConnection

SETTINGS = """[Limits]
MessagesPerSecond = 0
PagesPerSecond = 0
StoredKilobytesPerDay = 0
BytesPerSecond = 0

[[PublicChannels]]
ID = "lobby"
Name = "Lobby"
"""
"""One client sends everything and is the subject of the measurement, so it has no limits."""
HERE = Path(__file__).parent
STORING = "storing_limit"
"""The file name of the limit that stores, in the directory of `programs`."""
PART = "@" * 89
"""load.c replaces this by a part of our prose."""
TEXT = f"~######### {PART}"
"""A message of 100 bytes: its number, and the part. limit_db.c stores it as its folded form as well."""
PROSE = "prose.txt"
"""The file name of the messages' text, in the directory of `programs`."""
SAY = f'{{"action":"message","channel":"lobby","message":"{TEXT}","nonce":"#########"}}'
DELIVERED = (
    f'{{"action":"message","channel":"lobby","username":"user0000","message":"{TEXT}","msgID":1000000,'
    f'"at":"2026-01-01T00:00:00.000000Z","nonce":"#########"}}'
)
"""Our frame for SAY; the other servers send it too, so that every side sends the same bytes."""
LOGIN = '{"action":"login","username":"user%04d","dialect":"flagpost"}'


SERVER_CORE, LOAD_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
"""Servers and clients each have a core, so that no side costs more because the system moved its threads."""


class Result(msgspec.Struct):
    """Result of a load: deliveries, duration and the load's CPU in seconds, latencies in milliseconds, lost clients."""

    deliveries: int
    seconds: float
    cpu: float
    p50: float
    p99: float
    max: float
    gone: int
    timed_out: int


class Arrival(msgspec.Struct):
    """Result of connecting the clients."""

    present: int
    gone: int
    seconds: float
    cpu: float


class Presence(msgspec.Struct):
    """Number of clients that still read."""

    present: int


class Load:
    """Clients of one server, or in turn of several that share a room, in a separate process."""

    def __init__(self, program: Path, side: "Side", clients: int, others: Sequence["Side"] = ()) -> None:
        ports = ",".join(str(each.port) for each in (side, *others))
        self._process = subprocess.Popen(
            [program, ports, str(clients), side.login, side.ready, side.message, program.with_name(PROSE)],
            preexec_fn=partial(os.sched_setaffinity, 0, {LOAD_CORE}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.arrival = msgspec.json.decode(self._answer(), type=Arrival)

    def run(self, command: str) -> Result:
        """Run a command of load.c: `seq`, `burst` or `rate`."""
        return msgspec.json.decode(self._ask(command), type=Result)

    def stall(self, count: int) -> int:
        """Make this many clients stop reading; return how many are left."""
        return msgspec.json.decode(self._ask(f"stall {count}"), type=Presence).present

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, command: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return line
        raise SystemExit("the load ended early")


class Side(NamedTuple):
    """A running server, and the frames that its clients send and expect."""

    name: str
    pid: int
    port: int
    login: str = ""
    ready: str = ""
    message: str = DELIVERED

    @property
    def cpu(self) -> float:
        """Return the CPU seconds of all threads of the process, by the scheduler's count."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    @property
    def loop_cpu(self) -> float:
        """Return the CPU seconds of the first thread, which is the event loop's."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    @property
    def memory(self) -> int:
        """Return the resident memory of the process in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def programs() -> Iterator[Path]:
    """Yield a directory with our C programs, compiled."""
    with TemporaryDirectory() as name:
        (Path(name) / PROSE).write_text(prose(), encoding="ascii")
        for program in ("load", "fanout_limit"):
            subprocess.run(["cc", "-O2", "-o", f"{name}/{program}", HERE / f"{program}.c"], check=True)
        sources = [str(HERE / file) for file in ("fanout_limit.c", "limit_db.c")]
        command = ["cc", "-O2", "-DDATABASE", "-o", f"{name}/{STORING}", *sources, "-lsqlite3"]
        if subprocess.run(command, check=False).returncode:
            print(
                "No limit with storage: limit_db.c was not compiled. Install libsqlite3-dev to measure it.", flush=True
            )
        yield Path(name)


@contextmanager
def limit(built: Path) -> Iterator[Side]:
    """Run the limit: a server in C that calls send() once for each delivery, and does nothing else."""
    with _process([str(built / "fanout_limit")]) as (process, line):
        yield Side("C send()", process.pid, int(line))


@contextmanager
def storing_limit(built: Path, *, indexed: bool) -> Iterator[Side]:
    """Run the limit that commits each round of messages in our tables, with or without the search index."""
    with TemporaryDirectory() as name:
        path = f"{name}/limit.sqlite"
        with closing(schema.connect(path)) as connection:
            schema.prepare(connection)
            plain_index(connection, indexed=indexed)
        with _process([str(built / STORING), path]) as (process, line):
            yield Side(f"C commit{' and index' * indexed}, send()", process.pid, int(line))


def plain_index(connection: SqliteConnection, *, indexed: bool) -> None:
    """Replace the server's delayed indexing by a trigger that indexes each inserted message, or by nothing."""
    connection.execute("DROP TRIGGER IF EXISTS message_stored")
    if indexed:
        connection.execute(
            "CREATE TRIGGER message_stored AFTER INSERT ON message BEGIN"
            " INSERT INTO message_text (rowid, folded) VALUES (new.id, new.folded); END"
        )


@contextmanager
def bare() -> Iterator[Side]:
    """Run a server that uses `broadcast()` of websockets."""
    with _process([sys.executable, "-m", "bench.bare"]) as (process, line):
        yield Side("websockets broadcast()", process.pid, int(line))


@contextmanager
def ours(more: str = "", checkout: Path = HERE.parent, *, pinned: bool = True) -> Iterator[Side]:
    """Run the complete server of a checkout: storage on disk, rules, echo; `more` goes before the other settings."""
    with TemporaryDirectory() as name:
        file = Path(name) / "settings.toml"
        file.write_text(more + SETTINGS)
        command = [sys.executable, "-m", "server", "--settings", str(file), "--address", "127.0.0.1:0"]
        with _process(command, checkout, pinned=pinned) as (process, line):
            port = int(line.rpartition(":")[2].partition("/")[0])
            yield Side("Flagpost", process.pid, port, LOGIN, 'echo"', SAY)


@contextmanager
def loaded(built: Path, sides: Sequence[Side], clients: int) -> Iterator[list[Load]]:
    """Yield a load of clients for each side."""
    with ExitStack() as stack:
        loads = []
        for side in sides:
            loads.append(Load(built / "load", side, clients))
            stack.callback(loads[-1].end)
        yield loads


@contextmanager
def _process(
    command: Sequence[str], directory: Path = HERE.parent, *, pinned: bool = True
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a process, and the first line that it printed."""
    pin = partial(os.sched_setaffinity, 0, {SERVER_CORE}) if pinned else None
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True, preexec_fn=pin)
    try:
        assert process.stdout
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
