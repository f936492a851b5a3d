"""Memory of an idle connection: ours, logged in, compared with a bare websockets server."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from time import sleep

from bench.sides import Load, Side, bare, ours, programs, table

WARM = 100
"""Clients connected before the measurement, so that one-time allocations do not count."""
SETTLE_SECONDS = 2.0
HEADS = ["server", "KiB each", "x"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with programs() as built:
        for clients in options.clients:
            rounds = [[_each(built, side, clients) for side in (bare, ours)] for _ in range(options.rounds)]
            others, own = (median(sizes) / 1024 for sizes in zip(*rounds, strict=True))
            rows = [["websockets", f"{others:.1f}", "1.00"], ["Flagpost", f"{own:.1f}", f"{own / others:.2f}"]]
            print(f"\n{clients} idle connections: memory of the server's process\n\n{table(HEADS, rows)}", flush=True)


def _each(built: Path, start: Callable[[], AbstractContextManager[Side]], clients: int) -> float:
    """Return the bytes of memory that each idle client needs."""
    with ExitStack() as stack:
        side = stack.enter_context(start())
        stack.callback(Load(built / "load", side, WARM).end)
        sleep(SETTLE_SECONDS)
        before = side.memory
        stack.callback(Load(built / "load", side, clients).end)
        sleep(SETTLE_SECONDS)
        return (side.memory - before) / clients


if __name__ == "__main__":
    main()
