"""Kill the server repeatedly under a stream of reports and an unreliable website, and count the outcome of each report.

`python -m bench.report_durability [--kills 200] [--seed 1]`; exits 1 if a report was lost, or repeated for no reason.

A report counts as received once the server has acknowledged it. It is lost if the website never accepted its content.
A repeat is a second request with the same webhook-id that the website accepted. A repeat has a reason if the server
could not know of the first: it was killed before it could record the 200, or the answer broke off on the way. A repeat
has no reason if it came after a 200 was recorded on disk, or was answered completely to a server that lived long enough
to record it.

Between kills the schedule is shortened in the database: deliveries are made due, and leases of the killed server
expire, as if hours had passed. Everything is on loopback.
"""

import argparse
import asyncio
import random
import re
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from websockets.exceptions import WebSocketException

from bench.website import Taken, Website, milliseconds
from server.protocol.frames import ReportRequest, ReportStatus
from server.storage import trail
from server.storage.sqlite_connection import SqliteConnection
from tests.support.chat_client import entered
from tests.support.server_process import UNHURRIED, ServerProcess, write_settings

REPORTERS = 4
UP_SECONDS = (0.05, 0.9)
SETTLE_SECONDS = 300.0
MESSAGES_PER_KILL = 24
GRACE_MILLISECONDS = 2
"""Both clocks are rounded."""
NOTE_MILLISECONDS = 1000
"""Far longer than the server takes to record a 200; a server that lived this long after one must have recorded it."""


@dataclass
class Tally:
    """What the server has answered to the reporters."""

    received: dict[str, str] = field(default_factory=dict)
    """ReportID -> comment."""
    asked: int = 0
    unanswered: dict[str, ReportRequest] = field(default_factory=dict)
    """Reporter -> the request without an answer; sent again with the same nonce."""


async def report_until_killed(url: str, name: str, numbers: list[int], tally: Tally) -> None:
    """Report one message after another, each as soon as the one before is confirmed."""
    with suppress(OSError, WebSocketException, TimeoutError, EOFError):
        async with entered(url, name, name.ljust(32, "-")) as client:
            while True:
                ask = tally.unanswered.get(name) or next_ask(name, numbers, tally)
                if ask is None:
                    await client.next(ReportStatus)
                    continue
                await client.send(ask)
                status = await client.next(ReportStatus, lambda found, ask=ask: found.nonce == ask.nonce)  # type: ignore[misc]
                tally.received[status.report.report_id] = ask.comment
                del tally.unanswered[name]


def next_ask(name: str, numbers: list[int], tally: Tally) -> ReportRequest | None:
    """Return a report of the next message that this person has not reported; None if there are no more."""
    if not numbers:
        return None
    tally.asked += 1
    ask = ReportRequest(numbers.pop(), "It's spam", f"no. {tally.asked}", f"{name}-{tally.asked}")
    tally.unanswered[name] = ask
    return ask


def hurry(database: Path) -> None:
    """Simulate hours passing: waiting deliveries become due, and leases expire."""
    with closing(sqlite3.connect(database, timeout=10, isolation_level=None, factory=SqliteConnection)) as connection:
        connection.execute("UPDATE delivery SET due = 0, leased_until = 0, attempts = min(attempts, 3)")
        connection.execute("DELETE FROM webhook")


def read(database: Path, query: str) -> list[tuple[str, ...]]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(database, timeout=10, factory=SqliteConnection)) as connection:
        return connection.execute(query).fetchall()


async def say_all(settings: Path, count: int) -> list[int]:
    """Send the messages to be reported; return their numbers."""
    with ServerProcess(settings) as server:
        async with entered(server.url, "mallory") as mallory:
            return [(await mallory.say("lobby", f"thing {number}")).msg_id for number in range(count)]


async def kill_again_and_again(
    settings: Path, website: Website, kills: int, tally: Tally, chance: random.Random
) -> None:
    """Run the server repeatedly, and kill it at random moments."""
    said = await say_all(settings, MESSAGES_PER_KILL * kills)
    numbers = {f"reporter {each}": list(said) for each in range(REPORTERS)}
    for kill in range(kills):
        address(settings, website, kill)
        hurry(settings.with_name("room.sqlite"))
        with ServerProcess(settings) as server:
            reporters = [
                asyncio.create_task(report_until_killed(server.url, name, left, tally))
                for name, left in numbers.items()
            ]
            await wait_for_a_bad_moment(website, chance)
            assert server.process.poll() is None, "it ended by itself"
            # Leaving the block kills the process by SIGKILL.
        website.killed.append(milliseconds())
        for reporter in reporters:
            reporter.cancel()
        await asyncio.gather(*reporters, return_exceptions=True)
        if (kill + 1) % 20 == 0:
            print(f"  {kill + 1} kills, {len(tally.received)} received", flush=True)


def address(settings: Path, website: Website, life: int) -> None:
    """Set a webhook path for the next server only, because the website may read a killed server's request later."""
    text = re.sub(rf"{website.url}[/0-9]*", f"{website.url}/{life}", settings.read_text(encoding="utf-8"))
    settings.write_text(text, encoding="utf-8")


async def wait_for_a_bad_moment(website: Website, chance: random.Random) -> None:
    """Wait for a random time, or until the website has just received or just answered a request."""
    await asyncio.sleep(chance.uniform(*UP_SECONDS))
    moment = chance.choice([None, website.asked, website.answered])
    if moment:
        moment.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await moment.wait()


async def settle(settings: Path, website: Website) -> None:
    """Run a well-behaved website and a server until the outbox is empty."""
    website.behaves = True
    database = settings.with_name("room.sqlite")
    hurry(database)
    address(settings, website, len(website.killed))
    with ServerProcess(settings):
        async with asyncio.timeout(SETTLE_SECONDS):
            while read(database, "SELECT 1 FROM delivery WHERE state = 'waiting' LIMIT 1"):
                await asyncio.sleep(1)
                hurry(database)


def could_know(taken: Taken, killed: Sequence[int]) -> bool:
    """Return whether the requesting server lived long enough to record the 200."""
    end = killed[taken.life] if taken.life < len(killed) else None
    return taken.answered is not None and (end is None or end - taken.answered > NOTE_MILLISECONDS)


def judge(database: Path, website: Website, tally: Tally, kills: int) -> int:
    """Print the verdict; return the exit code."""
    deliveries = read(database, "SELECT id, report_id, state FROM delivery")
    query = "SELECT delivery_id, min(at + milliseconds) FROM attempt WHERE status = 200 GROUP BY delivery_id"
    noted = {key: int(at) for key, at in read(database, query)}
    # Judged by what the website read, not by what the database says.
    arrived = {report_id for report_id, comment in tally.received.items() if comment in website.heard}
    received, lost = set(tally.received), set(tally.received) - arrived
    unsettled = [key for key, _, state in deliveries if state != "delivered"]
    # In order of the requests: the answer to an earlier one can be slower.
    taken = {key: sorted(times, key=attrgetter("at")) for key, times in website.taken.items()}
    repeats = {key: len(times) - 1 for key, times in taken.items() if len(times) > 1}
    # A repeat is unexplained if a 200 was recorded before it, or could have been.
    unexplained = [
        key
        for key in repeats
        if (key in noted and taken[key][-1].at > noted[key] + GRACE_MILLISECONDS)
        or any(could_know(each, website.killed) for each in taken[key][:-1])
    ]
    for key in unexplained:
        print(f"  {key}: noted {noted.get(key)}, taken {taken[key]}, killed {website.killed}")
    with closing(sqlite3.connect(database, factory=SqliteConnection)) as connection:
        rows, _ = trail.verify(connection)
    print(f"kills {kills}, received {len(received)}, delivered {len(received & arrived)}, lost {len(lost)}, ", end="")
    print(f"repeats {sum(repeats.values())} (without a reason: {len(unexplained)})")
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(website.outcomes.items()))
    print(f"the website: {outcomes}; trail: {rows} rows, none altered; deliveries without an end: {len(unsettled)}")
    return 1 if lost or unsettled or unexplained else 0


async def main(kills: int, seed: int) -> int:
    """Kill servers, let the last one deliver everything, and print the verdict; return the exit code."""
    chance, tally = random.Random(seed), Tally()
    with TemporaryDirectory(prefix="flagpost-bench-") as directory:
        async with Website(random.Random(seed + 1)).serving() as website:
            limits = {**UNHURRIED, "ReportsPerHour": 0}
            settings = write_settings(Path(directory), webhooks={"report": website.url}, limits=limits)
            await kill_again_and_again(settings, website, kills, tally, chance)
            await settle(settings, website)
            return judge(settings.with_name("room.sqlite"), website, tally, kills)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.kills, options.seed)))
