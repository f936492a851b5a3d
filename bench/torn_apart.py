"""Break the connections of a busy room repeatedly, and count missing, duplicated and misplaced messages afterwards.

`python -m bench.torn_apart [--times 1000] [--seed 1]`; exits 1 if there are any.

Three people with the client's own connection and state, and one with raw frames, talk all the time, each through a
proxy of their own. The faults: the server is killed (kill -9) and restarted on the same database; a connection is cut,
also within a frame; a connection stops forwarding, which only its client notices; a person is away while 600 messages
are sent. The one with raw frames sends messages before and directly after the login, at each visit.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.faulty_room import TornRoom

STEP = 50


async def main(times: int, seed: int) -> int:
    """Cause the faults, and print the result; return the exit code."""
    with TemporaryDirectory(prefix="flagpost-bench-") as directory:
        room = TornRoom(Path(directory), seed)
        async with room.open():
            while room.torn.total() < times and not room.faults():
                await room.tear(min(STEP, times - room.torn.total()))
                await room.settle()
                print(f"  torn {room.torn.total()}, messages {room.messages}, faults {len(room.faults())}", flush=True)
            return judge(room)


def judge(room: TornRoom) -> int:
    """Print the result; return the exit code."""
    faults = room.faults()
    print(", ".join(f"{tear}: {count}" for tear, count in room.torn.items()))
    print(f"visits with raw frames: {room.stranger.visits}; messages {room.messages}; gaps shown {room.gaps}")
    for fault in faults[:20]:
        print(f"  {fault}")
    print(f"faults: {len(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.times, options.seed)))
