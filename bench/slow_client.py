"""Effect of a client that stops reading on other clients and on memory, compared with bare websockets."""

import argparse
from contextlib import ExitStack

from bench.sides import PART, TEXT, Load, Side, bare, loaded, ours, programs, table

RATE = "rate 400 4000"
"""Messages a second, and their total: ten seconds."""
TEXT_BYTES = 2000
HEADS = ["server", "p99 ms before", "p99 ms after", "x", "memory MiB before", "after", "more", "others lost"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.slow_client", description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    with programs() as built, ExitStack() as stack:
        sides = [_talkative(stack.enter_context(side)) for side in (bare(), ours())]
        loads = stack.enter_context(loaded(built, sides, options.clients))
        rows = [_row(side, load) for side, load in zip(sides, loads, strict=True)]
    print(
        f"\n{options.clients} clients, {RATE.split()[1]} messages of {TEXT_BYTES} bytes a second, one stops reading\n"
    )
    print(table(HEADS, rows), flush=True)


def _talkative(side: Side) -> Side:
    """Return the same side with long messages, so that unread data piles up."""
    longer = PART[0] * (TEXT_BYTES - len(TEXT) + len(PART))
    return side._replace(message=side.message.replace(PART, longer))


def _row(side: Side, load: Load) -> list[str]:
    load.run(RATE)
    before, memory = load.run(RATE), side.memory / 2**20
    load.stall(1)
    after, later = load.run(RATE), side.memory / 2**20
    return [
        side.name,
        f"{before.p99:.1f}",
        f"{after.p99:.1f}",
        f"{after.p99 / before.p99:.2f}",
        f"{memory:.1f}",
        f"{later:.1f}",
        f"{later - memory:.1f}",
        str(after.gone),
    ]


if __name__ == "__main__":
    main()
