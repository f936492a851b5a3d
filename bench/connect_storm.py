"""Cost of many simultaneous logins: ours with login, who list and presence, beside bare websockets."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.sides import Load, Side, bare, ours, programs, table

HEADS = ["server", "CPU s", "x", "CPU us each", "seconds", "lost"]


class Storm(NamedTuple):
    """Cost of the arrival of all clients, in seconds."""

    name: str
    cpu: float
    seconds: float
    lost: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.connect_storm", description=__doc__)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with programs() as built:
        rounds = [[_storm(built, side, options.clients) for side in (bare, ours)] for _ in range(options.rounds)]
    print(f"\n{options.clients} clients connect, 128 at a time; ours also logs them in and tells everyone\n")
    rows = []
    for storms in zip(*rounds, strict=True):
        cpu = median(storm.cpu for storm in storms)
        ratio = median(storm.cpu / each[0].cpu for storm, each in zip(storms, rounds, strict=True))
        seconds, lost = median(storm.seconds for storm in storms), max(storm.lost for storm in storms)
        each = cpu / options.clients * 1e6
        rows.append([storms[0].name, f"{cpu:.2f}", f"{ratio:.2f}", f"{each:.0f}", f"{seconds:.1f}", str(lost)])
    print(table(HEADS, rows), flush=True)


def _storm(built: Path, start: Callable[[], AbstractContextManager[Side]], clients: int) -> Storm:
    with ExitStack() as stack:
        side = stack.enter_context(start())
        before = side.cpu
        load = Load(built / "load", side, clients)
        stack.callback(load.end)
        # One message to all clients: it arrives after everything that the logins have queued.
        lost = load.run("seq 1").gone
        return Storm(side.name, side.cpu - before, load.arrival.seconds, lost)


if __name__ == "__main__":
    main()
