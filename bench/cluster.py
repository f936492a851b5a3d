"""Several nodes compared with one: the delay of a message, and its CPU on the busiest node and in PostgreSQL.

`python -m bench.cluster [--clients 100 1000] [--nodes 1 2] [--rounds 4]` measures, in turn, a node on SQLite, and rooms
with each of these numbers of nodes, each on its own PostgreSQL. PostgreSQL waits for the disk, as SQLite does. No
process is pinned to a core: nodes, PostgreSQL and clients share the cores, so the CPU of a node shows how far a room
scales, while the delay is that of a single machine.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.sides import Load, Result, Side, ours, programs, table
from server.demo.postgres_process import PostgresProcess

SETTLED = "rate 50 100"
"""Sent to every side before the first round, so that none is measured while it starts."""
RATES = {100: (100, 500), 1000: (20,)}
"""Rates in messages a second, measured in turn, by number of clients; for other numbers, those of the nearest."""
RATE_SECONDS = 4
SINGLES = {100: 500, 1000: 150}
BURST, BURSTS = 50, {100: 20, 1000: 6}
CPU_GOAL, CPU_CLIENTS = 1.8, 1000
DELAY_GOALS, DELAY_RATE, DELAY_CLIENTS = {1: 0.7, 2: 1.5}, 500, 100
"""By number of nodes on PostgreSQL: the highest p50, in milliseconds, that they may add to that of SQLite."""
HEADS = ["load", "room", "p50 ms", "p99 ms", "busiest node, us", "its loop, us", "PostgreSQL, us", "messages/s", "lost"]


class Cost(NamedTuple):
    """A measurement: CPU microseconds for each message."""

    result: Result
    node: float
    loop: float
    postgres: float
    rate: float


class Room:
    """The nodes of a room, and the CPU that they use."""

    def __init__(self, name: str, nodes: Sequence[Side], postgres: PostgresProcess | None = None) -> None:
        self.name = name
        self.nodes = nodes
        self._postgres = postgres

    @property
    def postgres_cpu(self) -> float:
        """Return the CPU seconds of PostgreSQL's processes that still run."""
        return sum(Side("", pid, 0).cpu for pid in _family(self._postgres.pid)) if self._postgres else 0.0

    def measure(self, load: Load, command: str, messages: int) -> Cost:
        """Run a command of load.c that sends this number of messages."""
        nodes, loops = [node.cpu for node in self.nodes], [node.loop_cpu for node in self.nodes]
        postgres = self.postgres_cpu
        result = load.run(command)
        spent = [node.cpu - before for node, before in zip(self.nodes, nodes, strict=True)]
        in_loop = [node.loop_cpu - before for node, before in zip(self.nodes, loops, strict=True)]
        spent_by_postgres = self.postgres_cpu - postgres
        node, loop, shared = (cpu / messages * 1e6 for cpu in (max(spent), max(in_loop), spent_by_postgres))
        return Cost(result, node, loop, shared, messages / result.seconds)


def main() -> None:
    """Print a table for each number of clients, and whether the goals are met."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with programs() as built:
        for clients in options.clients:
            print(f"\n{clients} clients, medians of {options.rounds} rounds\n", flush=True)
            _compare(built, clients, options.nodes, options.rounds)


def _compare(built: Path, clients: int, nodes: Sequence[int], rounds: int) -> None:
    loads = dict(_commands(clients))
    with ExitStack() as stack:
        rooms = [stack.enter_context(on_sqlite()), *(stack.enter_context(on_postgres(count)) for count in nodes)]
        crowds = [Load(built / "load", room.nodes[0], clients, room.nodes[1:]) for room in rooms]
        for crowd in crowds:
            stack.callback(crowd.end)
            crowd.run(SETTLED)
        costs: dict[tuple[str, str], list[Cost]] = {}
        for turn in range(rounds):
            for command, messages in loads.items():
                # Each round begins with another room, so that no room always runs first after a pause.
                for number in (*range(turn % len(rooms), len(rooms)), *range(turn % len(rooms))):
                    cost = rooms[number].measure(crowds[number], command, messages)
                    costs.setdefault((command, rooms[number].name), []).append(cost)
    print(table(HEADS, [_row(command, name, found) for (command, name), found in costs.items()]))
    for line in _goals(clients, nodes, costs):
        print(f"\n{line}", flush=True)


def _commands(clients: int) -> Iterator[tuple[str, int]]:
    """Yield the commands of load.c, each with the number of messages that it sends."""
    size = min(RATES, key=lambda known: abs(known - clients))
    for rate in RATES[size]:
        yield f"rate {rate} {rate * RATE_SECONDS}", rate * RATE_SECONDS
    yield f"seq {SINGLES[size]}", SINGLES[size]
    yield f"burst {BURSTS[size]} {BURST}", BURSTS[size] * BURST


def _row(command: str, name: str, costs: Sequence[Cost]) -> list[str]:
    def middle(value: Callable[[Cost], float]) -> float:
        return median(map(value, costs))

    burst = command.startswith("burst")
    return [
        command,
        name,
        "" if burst else f"{middle(lambda cost: cost.result.p50):.2f}",
        "" if burst else f"{middle(lambda cost: cost.result.p99):.1f}",
        f"{middle(lambda cost: cost.node):,.0f}",
        f"{middle(lambda cost: cost.loop):,.0f}",
        f"{middle(lambda cost: cost.postgres):,.0f}" if any(cost.postgres for cost in costs) else "",
        "" if command.startswith("rate") else f"{middle(lambda cost: cost.rate):,.0f}",
        str(max(cost.result.gone + cost.result.timed_out for cost in costs)),
    ]


def _goals(clients: int, nodes: Sequence[int], costs: dict[tuple[str, str], list[Cost]]) -> Iterator[str]:
    """Yield a line for each goal: the median of the ratios or differences of each round."""
    for (command, name), found in costs.items():
        base = costs[command, SQLITE]
        if clients == CPU_CLIENTS and name == on_nodes(2) and not command.startswith("burst"):
            ratios = {
                one: median(a.node / b.node for a, b in zip(costs[command, one], found, strict=True))
                for one in (SQLITE, on_nodes(1))
                if (command, one) in costs
            }
            shown = ", ".join(f"{ratio:.2f}x less than {one}" for one, ratio in ratios.items())
            yield f"`{command}`: a message costs the busiest of two nodes {shown} (goal {CPU_GOAL})"
        for count in nodes:
            delay_rate = clients == DELAY_CLIENTS and command.startswith(f"rate {DELAY_RATE} ")
            if delay_rate and name == on_nodes(count) and count in DELAY_GOALS:
                added = median(a.result.p50 - b.result.p50 for a, b in zip(found, base, strict=True))
                yield f"`{command}`: {name} adds {added:.2f} ms at p50 (goal {DELAY_GOALS[count]})"


SQLITE = "SQLite, 1 node"


def on_nodes(count: int) -> str:
    """Return the name of a room with this number of nodes."""
    return f"PostgreSQL, {count} node{'s' if count > 1 else ''}"


@contextmanager
def on_sqlite() -> Iterator[Room]:
    """Run a node on SQLite."""
    with ours(pinned=False) as side:
        yield Room(SQLITE, [side])


@contextmanager
def on_postgres(count: int) -> Iterator[Room]:
    """Run this number of nodes on a PostgreSQL of their own."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresProcess())
        nodes = [stack.enter_context(ours(f'Database = "{postgres.url}"\n', pinned=False)) for _ in range(count)]
        yield Room(on_nodes(count), nodes, postgres)


def _family(pid: int) -> Iterator[int]:
    """Yield the IDs of a process and of its children."""
    yield pid
    yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


if __name__ == "__main__":
    main()
