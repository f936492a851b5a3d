"""Cost of many simultaneous logins: ours with login, who list and presence, compared with bare websockets."""

import argparse
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.sides import Load, Side, bare, ours, programs, table

HEADS = ["server", "CPU s", "x", "CPU us each", "seconds", "of before", "lost"]
SERVER_CORE, LOAD_CORE = 0, 1
"""Without cores of their own, the threads of a server and the load wait for each other in ways that vary by run."""


class Storm(NamedTuple):
    """Cost of the arrival of all clients, in seconds."""

    name: str
    cpu: float
    seconds: float
    lost: int


class Contender(NamedTuple):
    """A server to measure."""

    name: str
    start: Callable[[], AbstractContextManager[Side]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.connect_storm", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout to measure, as 'before'")
    options = parser.parse_args()
    contenders = [Contender("websockets broadcast()", bare), Contender("Flagpost", ours)]
    if options.against:
        contenders.insert(1, Contender("before", partial(ours, checkout=options.against.resolve())))
    with programs() as built:
        for clients in options.clients:
            rounds = [[_storm(built, each, clients) for each in contenders] for _ in range(options.rounds)]
            print(f"\n{clients} clients connect, 128 at a time; ours also logs them in and announces them\n")
            rows = [_row(column, rounds, clients) for column in range(len(contenders))]
            print(table(HEADS, rows), flush=True)


def _storm(built: Path, contender: Contender, clients: int) -> Storm:
    with ExitStack() as stack:
        os.sched_setaffinity(0, {SERVER_CORE})
        side = stack.enter_context(contender.start())
        os.sched_setaffinity(0, {LOAD_CORE})
        before = side.cpu
        load = Load(built / "load", side, clients)
        stack.callback(load.end)
        # A message to all clients arrives after everything that the logins have queued.
        lost = load.run("seq 1").gone
        return Storm(contender.name, side.cpu - before, load.arrival.seconds, lost)


def _row(column: int, rounds: list[list[Storm]], clients: int) -> list[str]:
    """Return a row of medians; the ratios compare each round with the same round of the first or second contender."""
    storms = [each[column] for each in rounds]
    cpu = median(storm.cpu for storm in storms)
    ratio = median(each[column].cpu / each[0].cpu for each in rounds)
    seconds, lost = median(storm.seconds for storm in storms), max(storm.lost for storm in storms)
    of_before = "" if column < 2 else f"{median(each[column].seconds / each[1].seconds for each in rounds):.2f}"
    each_us = f"{cpu / clients * 1e6:.0f}"
    return [storms[0].name, f"{cpu:.2f}", f"{ratio:.2f}", each_us, f"{seconds:.1f}", of_before, str(lost)]


if __name__ == "__main__":
    main()
