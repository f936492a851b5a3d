"""Cost of a delivery: our server, compared with one send() each in C, the same with storage, and a bare broadcast()."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.sides import STORING, Load, Result, Side, bare, limit, loaded, ours, programs, storing_limit, table

DELIVERIES = 200_000
"""Deliveries in each measurement, which takes about a second of CPU."""
BURST = 50
RATE_CLIENTS = 1000
"""Number of clients for the latency measurement."""
RATE = "rate 20 100"
"""Messages a second, and their total."""
GOALS = {100: 1.4, 1000: 1.45}
"""The highest ratio to the limit that stores and indexes, one message in flight, by number of clients."""
BURST_GOAL = 1.3
BEFORE = "before"
HEADS = ["server", "one in flight, us", "x", "burst of 50, us", "x", "p50 ms", "p99 ms", "load us", "lost"]


class Costs:
    """Measurements of one side."""

    def __init__(self) -> None:
        self.single: list[float] = []
        self.burst: list[float] = []
        self.single_loop: list[float] = []
        """The share of `single` spent in the loop's thread; the other threads store."""
        self.load: list[float] = []
        self.rates: list[Result] = []
        self.lost = 0

    def row(self, name: str, base: "Costs") -> list[str]:
        """Return a row of the table; ratios to `base`, round by round."""
        single, burst = _ratio(self.single, base.single), _ratio(self.burst, base.burst)
        return [
            name,
            f"{median(self.single):.2f}",
            f"{single:.2f}",
            f"{median(self.burst):.2f}",
            f"{burst:.3f}",
            f"{median(rate.p50 for rate in self.rates):.1f}" if self.rates else "",
            f"{median(rate.p99 for rate in self.rates):.1f}" if self.rates else "",
            f"{median(self.load):.2f}",
            str(self.lost),
        ]


def main() -> None:
    """Print a table for each number of clients."""
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout to measure, as 'before'")
    options = parser.parse_args()
    with programs() as built:
        for clients in options.clients:
            print(f"\n{clients} clients: CPU of the server for each delivery\n")
            _measure(built, clients, options.rounds, options.against)


def _measure(built: Path, clients: int, rounds: int, against: Path | None) -> None:
    stored = [storing_limit(built, indexed=indexed) for indexed in (False, True)] if (built / STORING).exists() else []
    with ExitStack() as stack:
        sides = [stack.enter_context(side) for side in (limit(built), *stored, bare())]
        if against:
            sides.append(stack.enter_context(ours(checkout=against))._replace(name=BEFORE))
        sides.append(stack.enter_context(ours()))
        loads = stack.enter_context(loaded(built, sides, clients))
        costs = [Costs() for _ in sides]
        for turn in range(rounds):
            # Each round begins with another side, so that no side always runs first after a pause.
            for place in range(len(sides)):
                number = (turn + place) % len(sides)
                _round(sides[number], loads[number], clients, costs[number])
    measured = {side.name: cost for side, cost in zip(sides, costs, strict=True)}
    print(table(HEADS, [cost.row(name, costs[0]) for name, cost in measured.items()]))
    print()
    for own in [name for name in measured if name in {BEFORE, sides[-1].name}]:
        for other in [name for name in measured if name not in {BEFORE, sides[-1].name}][1:]:
            single = _ratio(measured[own].single, measured[other].single)
            burst = _ratio(measured[own].burst, measured[other].burst)
            print(f"{own} / {other}: {single:.2f} one in flight, {burst:.3f} in bursts")
    if stored and clients in GOALS:
        print(f"(goals beside {sides[len(stored)].name}: {GOALS[clients]} and {BURST_GOAL})")
    whole, loop = median(costs[-1].single) * clients, median(costs[-1].single_loop) * clients
    print(f"{sides[-1].name}: {whole:.0f} us for a message alone in flight, {loop:.0f} of them in the loop", flush=True)


def _round(side: Side, load: Load, clients: int, costs: Costs) -> None:
    singles, bursts = max(10, DELIVERIES // clients), max(4, 2 * DELIVERIES // clients // BURST)
    before = side.loop_cpu
    costs.single.append(_cost(side, load, f"seq {singles}", costs))
    costs.single_loop.append((side.loop_cpu - before) / singles / clients * 1e6)
    costs.burst.append(_cost(side, load, f"burst {bursts} {BURST}", costs))
    if clients == RATE_CLIENTS:
        costs.rates.append(load.run(RATE))


def _cost(side: Side, load: Load, command: str, costs: Costs) -> float:
    """Return the microseconds of server CPU for each delivery."""
    before = side.cpu
    result = load.run(command)
    costs.lost = max(costs.lost, result.gone + result.timed_out)
    costs.load.append(result.cpu / result.deliveries * 1e6)
    return (side.cpu - before) / result.deliveries * 1e6


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return median(one / other for one, other in zip(ours, others, strict=True))


if __name__ == "__main__":
    main()
