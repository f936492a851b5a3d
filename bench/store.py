"""Speed of storing messages: ours, one by one through the writer thread, compared with SQLite with a fixed batch.

The other side writes to the same tables, and maintains the same search index in a trigger.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import uvloop

from bench import prose
from bench.sides import plain_index, table
from server.ops import process
from server.rules.messages import MessageDraft, Person
from server.storage import schema
from server.storage.broker import Broker
from server.storage.sqlite_connection import SqliteConnection
from server.storage.sqlite_database import SqliteDatabase

MESSAGES = 10_000
BATCH = 100
"""Rows in a commit of the other side."""
TURN = 50
"""Messages submitted in one turn of the loop."""
CHARS = 100
INSERT = (
    "INSERT INTO message (at, author, author_identity, channel, text, folded, nonce, author_key)"
    " VALUES (1, 'ada', 'ada-1', 'lobby', ?1, ?1, ?2, 'ada')"
)
GOAL = 2.0
HEADS = ["store", "messages/s", "x", "loop late ms, p99", "worst", "in order"]


class Burst(NamedTuple):
    """Result of a burst: messages a second, delay of the loop (ms), and whether the order was preserved."""

    speed: float
    late: Sequence[float]
    ordered: bool


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    process.tune_garbage_collection()
    texts = prose.messages(MESSAGES, CHARS)
    speeds, bursts = [], []
    for _ in range(options.rounds):
        with TemporaryDirectory() as name:
            speeds.append(_plain(Path(name) / "plain.sqlite", texts))
            bursts.append(uvloop.run(_burst(str(Path(name) / "ours.sqlite"), texts)))
    late = sorted(delay for burst in bursts for delay in burst.late)
    own, ratio = (
        median(burst.speed for burst in bursts),
        median(burst.speed / speed for burst, speed in zip(bursts, speeds, strict=True)),
    )
    print(f"\n{MESSAGES} messages at once, {TURN} in each turn of the loop, every commit on disk; goal: {GOAL}\n")
    rows = [
        [f"sqlite3, {BATCH} rows a commit", f"{median(speeds):.0f}", "1.00", "", "", ""],
        [
            "Flagpost",
            f"{own:.0f}",
            f"{ratio:.2f}",
            f"{late[int(len(late) * 0.99)]:.1f}",
            f"{late[-1]:.1f}",
            "yes" if all(burst.ordered for burst in bursts) else "NO",
        ],
    ]
    print(table(HEADS, rows), flush=True)


def _plain(path: Path, texts: Sequence[str]) -> float:
    connection = schema.connect(str(path))
    schema.prepare(connection)
    plain_index(connection, indexed=True)
    start = time.perf_counter()
    for first in range(0, MESSAGES, BATCH):
        _commit(connection, first, texts[first : first + BATCH])
    seconds = time.perf_counter() - start
    connection.close()
    return MESSAGES / seconds


def _commit(connection: SqliteConnection, first: int, texts: Sequence[str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, [(text, str(first + number)) for number, text in enumerate(texts)])
    connection.execute("COMMIT")


async def _burst(path: str, texts: Sequence[str]) -> Burst:
    database = SqliteDatabase(path)
    broker, author, delivered = Broker(database), Person("ada", "ada-1"), list[str | None]()
    broker.subscribe(lambda news: delivered.extend(one.publication.nonce for one in news))
    late: list[float] = []
    watch = asyncio.create_task(_watch(late))
    start = time.perf_counter()
    published = []
    for number, text in enumerate(texts):
        published.append(broker.publish(MessageDraft(author, "lobby", None, text, str(number))))
        if number % TURN == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*published)
    seconds = time.perf_counter() - start
    watch.cancel()
    await database.close()
    return Burst(MESSAGES / seconds, late, delivered == [str(number) for number in range(MESSAGES)])


async def _watch(late: list[float]) -> None:
    """Sleep for a millisecond repeatedly, and record the delay beyond it."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append((time.perf_counter() - start) * 1000 - 1)


if __name__ == "__main__":
    main()
