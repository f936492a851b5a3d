"""Kill the nodes and databases of a busy room repeatedly, and count what was lost.

`python -m bench.torn_cluster [--kills 200] [--crashes 100] [--stops 20] [--failovers 20] [--partitions 20] [--seed 1]`;
exits 1 if a message was lost, duplicated, out of order, or missing without a visible gap, or if the list of people is
wrong at a client.

Two nodes share a primary with a synchronous standby. Four people with the client's own connection and state, and one
with raw frames, talk all the time; they reach the nodes by a balancer, and each node reaches the databases by proxies.
The faults: a node is killed (kill -9); the database crashes, and recovers; a node stops for up to 12 s (SIGSTOP), after
which the other has declared it gone; the primary is killed, and the standby promoted half a second later; the network
between a node and the databases is interrupted for up to 12 s. A node that ends is restarted at once.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.sides import table
from tests.support.faulty_cluster import Fault, FaultyCluster, Outcome

TIMES = {Fault.KILL: 200, Fault.CRASH: 100, Fault.STOP: 20, Fault.FAILOVER: 20, Fault.PARTITION: 20}
OPTIONS = {
    Fault.KILL: "kills",
    Fault.CRASH: "crashes",
    Fault.STOP: "stops",
    Fault.FAILOVER: "failovers",
    Fault.PARTITION: "partitions",
}
COUNTED_FROM = {
    Fault.KILL: "the kill",
    Fault.CRASH: "its recovery",
    Fault.STOP: "its end",
    Fault.FAILOVER: "the promotion",
    Fault.PARTITION: "its end",
}
SHOWN = 20


async def main(times: dict[Fault, int], seed: int) -> int:
    """Cause the faults, and print the result; return the exit code."""
    with TemporaryDirectory(prefix="flagpost-bench-") as directory:
        room = FaultyCluster(Path(directory), seed)
        async with room.open():
            await room.suffer(times, lambda line: print(f"  {line}", flush=True))
            outcome = await room.settle()
    rows = [
        [fault, str(len(back)), f"{median(back):.2f}", f"{max(back):.2f}", COUNTED_FROM[fault]]
        for fault, back in room.back.items()
        if back
    ]
    print(f"\n{table(['fault', 'times', 'back after s, p50', 'max', 'counted from'], rows)}\n")
    print(f"Nodes started again: {room.ended}")
    return judge(outcome)


def judge(outcome: Outcome) -> int:
    """Print the outcome; return the exit code."""
    print(
        f"Messages: {outcome.stored} stored, {outcome.confirmed} confirmed to their authors, {len(outcome.lost)} lost"
    )
    print(f"Errors shown to users: {dict(outcome.errors)}")
    bad = [*outcome.lost, *outcome.faults, *outcome.ghosts]
    for line in bad[:SHOWN]:
        print(f"  {line}")
    print(f"Lost, duplicated, out of order, missing without a gap, wrong lists of people: {len(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for fault, name in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=TIMES[fault])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main({fault: vars(options)[name] for fault, name in OPTIONS.items()}, options.seed)))
