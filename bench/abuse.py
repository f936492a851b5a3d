"""Effects of abusive strangers and members on an honest member, on newcomers and on the machine.

`python -m bench.abuse [--checkout DIR] [--against DIR] [--only WORDS] [--seconds 12]`. Each attack gets a new
server process at default limits with no address exempt. A member pings every 20 ms and newcomers log in one after
another, before the attack and during it. `--against` also measures a second checkout, as "before". The exit code is 1
if an attack exceeds a limit on the first checkout.

- ping: sent whether or not the last one was answered; p50 and worst, and the worst before the attack; `>`: some were
  never answered, or the member lost the connection.
- newcomer: longest time from the connection to the echo; "never": not within 40 s, or refused.
- CPU: of the server and its children during the attack, in % of a core, minus the use before the attack.
- fds, MiB: most open descriptors (the soft limit is 1,024 at the start), peak memory.
- requests: connections, frames or chunks that were sent; an attacker opens at most 1,000 connections a second.
"""

import argparse
import math
import multiprocessing
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import NamedTuple

from bench.abuse_attacks import ATTACKS, STORAGE, Attack, Outcome
from bench.abuse_people import Timed, newcomers, pings
from bench.abuse_victim import Sample, Victim
from bench.sides import table
from tests.support.receiver import Receiver

HERE = Path(__file__).parents[1]
QUIET_SECONDS = 4.0
"""Length of the quiet period before each attack."""
SAMPLE_SECONDS = 0.1
STORAGE_SECONDS = 60.0
"""Time for one person to use up a storage budget, if there is one."""
MESSAGES_PER_SECOND = 2
"""The default limit."""
PING_LIMIT = 100.0
"""Milliseconds above the median before the attack."""
CPU_LIMIT = 25.0
NEWCOMER_LIMIT = 1000.0
"""Milliseconds above the longest time before the attack."""
QUIET_LOAD = 1.0
BUSY = ". The machine was busy, so CPU figures may be too low; repeat on an idle machine."
HEADS = (
    "attack", "by", "server", "ping p50 ms", "worst", "worst before it", "newcomer ms", "before it", "CPU %", "fds",
    "MiB", "requests", "",
)  # fmt: skip


class Seen(NamedTuple):
    """Result of one attack on one server: milliseconds, % of a core."""

    idle: list[float]
    pings: list[float]
    unanswered: int
    newcomer_idle: float
    newcomer: float
    cpu: float
    descriptors: int
    memory: float
    outcome: Outcome
    ended: bool

    @property
    def faults(self) -> list[str]:
        """Return the limits that were exceeded."""
        limits = {
            "ping": max(self.pings) <= statistics.median(self.idle) + PING_LIMIT and not self.unanswered,
            "CPU": self.cpu <= CPU_LIMIT,
            "newcomer": self.newcomer <= self.newcomer_idle + NEWCOMER_LIMIT,
            "reports": not self.outcome.undelivered,
            "does not end": self.ended,
        }
        return [name for name, kept in limits.items() if not kept]

    def row(self, attack: Attack, server: str) -> list[str]:
        """Return the cells of a row of the table."""
        worst = f"{'> ' if self.unanswered else ''}{max(self.pings):.1f}"
        ping = [f"{statistics.median(self.pings):.1f}", worst, f"{max(self.idle):.1f}"]
        newcomer = ["never" if math.isinf(each) else f"{each:.0f}" for each in (self.newcomer, self.newcomer_idle)]
        cost = [f"{self.cpu:.0f}", str(self.descriptors), f"{self.memory:.0f}", f"{self.outcome.requests}"]
        note = self.outcome.note + ("" if self.ended else "; did not end at SIGTERM")
        return [attack.name, attack.by, server, *ping, *newcomer, *cost, note]


@contextmanager
def victim(attack: Attack, checkout: Path) -> Iterator[Victim]:
    """Start a server, and a website that accepts its reports."""
    with (
        Receiver() as website,
        TemporaryDirectory(prefix="flagpost-bench-") as directory,
        Victim(checkout, Path(directory), attack.stage, website.url) as server,
    ):
        yield server


def measure(attack: Attack, checkout: Path, seconds: float, processes: Executor, quiet: float = QUIET_SECONDS) -> Seen:
    with victim(attack, checkout) as server:
        until = monotonic() + quiet + seconds
        honest = processes.submit(pings, server.target, until)
        coming = processes.submit(newcomers, server.target, until)
        samples = watch(server, quiet)
        attacking = processes.submit(attack.act, server.target, seconds)
        samples += watch(server, seconds)
        times, arrivals, outcome = honest.result(), coming.result(), attacking.result()
        memory, ended = server.peak, server.end()
    return judge(times, arrivals, samples, outcome, memory, seconds=seconds, ended=ended)


def watch(server: Victim, seconds: float) -> list[Sample]:
    """Sample the server for this many seconds."""
    samples, until = [server.sample()], monotonic() + seconds
    while monotonic() < until:
        sleep(SAMPLE_SECONDS)
        samples.append(server.sample())
    return samples


def judge(
    honest: Sequence[Timed],
    coming: Sequence[Timed],
    samples: Sequence[Sample],
    outcome: Outcome,
    memory: float,
    *,
    seconds: float,
    ended: bool,
) -> Seen:
    """Compare the measurements during the attack with those before it."""
    began = outcome.began
    before = [each for each in honest if each.at + each.seconds < began]
    during = [each for each in honest if each.at >= began]
    if not before or not during:
        raise SystemExit("the honest member could not ping; is the machine too busy?")
    return Seen(
        idle=[each.seconds * 1000 for each in before],
        pings=[each.seconds * 1000 for each in during],
        unanswered=sum(not each.answered for each in during),
        newcomer_idle=max((each.seconds for each in coming if each.at + each.seconds < began), default=math.inf) * 1000,
        newcomer=max((each.seconds for each in coming if each.at + each.seconds >= began), default=math.inf) * 1000,
        cpu=max(0.0, cpu(samples, began, began + seconds) - cpu(samples, 0, began)) * 100,
        descriptors=max(sample.descriptors for sample in samples),
        memory=memory,
        outcome=outcome,
        ended=ended,
    )


def cpu(samples: Sequence[Sample], begin: float, end: float) -> float:
    """Return the number of cores used on average in a span of time."""
    within = [sample for sample in samples if begin <= sample.at <= end]
    return (within[-1].cpu - within[0].cpu) / (within[-1].at - within[0].at)


def storage(checkout: Path) -> list[str]:
    """Return cells: how many of the longest messages were stored, bytes on disk of each, and MB a day of one person."""
    with victim(STORAGE, checkout) as server:
        outcome = STORAGE.act(server.target, STORAGE_SECONDS)
        server.end()
        size = sum(file.stat().st_size for file in server.database.parent.glob(f"{server.database.name}*"))
    each = size / max(1, outcome.stored)
    # A budget is full at first and refills once within the day. Without a budget, the message rate is the bound.
    most = 2 * outcome.stored if outcome.refused else MESSAGES_PER_SECOND * 86400
    return [outcome.note, f"{each:.0f}", f"{each * most / 1e6:.0f}"]


def main(checkout: Path, against: Path | None, only: str, seconds: float) -> int:
    """Perform the attacks on each checkout, and print the tables; return the exit code."""
    sides = {"before": against, "now": checkout} if against else {"now": checkout}
    rows: list[list[str]] = []
    failed, load = 0, os.getloadavg()[0]
    chosen = [attack for attack in ATTACKS if only in attack.name]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.abuse_attacks"])
    with ProcessPoolExecutor(3, context) as processes:
        for attack in chosen:
            for server, place in sides.items():
                seen = measure(attack, place, seconds, processes)
                rows.append(seen.row(attack, server))
                print(*rows[-1], *seen.faults, sep="; ", flush=True)
                failed += server == "now" and bool(seen.faults)
    print(table(HEADS, rows), end="\n\n")
    if only in STORAGE.name:
        disk = [[server, *storage(place)] for server, place in sides.items()]
        print(table(["server", "longest messages", "bytes on disk each", "MB a day of one person"], disk), end="\n\n")
    print(f"Load of the machine before the first attack: {load:.1f}{BUSY if load > QUIET_LOAD else ''}")
    limits = (
        f"pings up to {PING_LIMIT:.0f} ms late, {CPU_LIMIT:.0f} % of a core, newcomers {NEWCOMER_LIMIT:.0f} ms late"
    )
    print(f"FAIL: {failed} of {len(chosen)} attacks exceed a limit" if failed else f"PASS: {limits}")
    return int(failed > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=HERE, metavar="DIR")
    parser.add_argument("--against", type=Path, metavar="DIR")
    parser.add_argument("--only", default="", metavar="WORDS", help="only attacks whose name contains this")
    parser.add_argument("--seconds", type=float, default=12.0)
    options = parser.parse_args()
    sys.exit(main(options.checkout.resolve(), options.against, options.only, options.seconds))
