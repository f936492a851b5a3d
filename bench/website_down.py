"""Waiting times of a reporter while the website accepts reports, refuses connections, or hangs.

`python -m bench.website_down [--rounds 20]`. Each round has, in turn: a report to a website that accepts it, until it
is shown as delivered; one to a closed port, until "waiting" is shown (the limit is 1 s); and a ping, a message and a
page of history of the same person while a report hangs at a website that never answers (the limit is 100 ms), beside
the same three without a pending report.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from server.protocol.codes import ReportState
from server.protocol.frames import History, HistoryRequest, ReportRequest, ReportStatus
from tests.support.chat_client import ChatClient, entered
from tests.support.receiver import Receiver, closed_port_url, stays_silent
from tests.support.server_process import ServerProcess, write_settings

LIMITS = {"refused: until waiting is seen": 1000.0, "hanging: another frame": 100.0}


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    """Call `act`; return how many milliseconds it took."""
    began = perf_counter()
    await act()
    return (perf_counter() - began) * 1000


async def report(alice: ChatClient, bob: ChatClient, until: ReportState) -> float:
    """Report a new message, and wait until the report has this status; return the milliseconds."""
    message = await bob.say("lobby", "spam")

    async def act() -> None:
        await alice.send(ReportRequest(message.msg_id, "It's spam", "", alice.nonce()))
        await alice.next(ReportStatus, lambda status: status.report.status == until)

    return await timed(act)


async def other_frames(alice: ChatClient) -> list[float]:
    """Time a ping, a message and a page of history; in milliseconds each."""

    async def page() -> None:
        nonce = alice.nonce()
        await alice.send(HistoryRequest("lobby", nonce))
        await alice.next(History, lambda frame: frame.nonce == nonce)

    return [await timed(act) for act in (alice.settled, lambda: alice.say("lobby", "meanwhile"), page)]


async def main(rounds: int) -> int:
    """Measure and print the table; return 1 if a limit was exceeded."""
    seen: dict[str, list[float]] = {}
    with TemporaryDirectory(prefix="flagpost-bench-") as directory, Receiver() as up, Receiver(stays_silent) as hanging:
        urls = {"up": up.url, "refused": closed_port_url(), "hanging": hanging.url}
        for number in range(rounds):
            for name, url in urls.items():
                place = Path(directory) / f"{name}{number}"
                place.mkdir()
                with ServerProcess(write_settings(place, webhooks={"report": url})) as server:
                    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
                        await measure(name, alice, bob, seen)
    return show(seen)


async def measure(name: str, alice: ChatClient, bob: ChatClient, seen: dict[str, list[float]]) -> None:
    """Run one round with one website, and add the measured times to `seen`."""
    if name == "up":
        seen.setdefault("up: until delivered is seen", []).append(await report(alice, bob, ReportState.DELIVERED))
        seen.setdefault("no report under way: another frame", []).extend(await other_frames(alice))
    elif name == "refused":
        seen.setdefault("refused: until waiting is seen", []).append(await report(alice, bob, ReportState.WAITING))
    else:
        seen.setdefault("hanging: until received is seen", []).append(await report(alice, bob, ReportState.RECEIVED))
        seen.setdefault("hanging: another frame", []).extend(await other_frames(alice))


def show(seen: dict[str, list[float]]) -> int:
    """Print the table; return 1 if a limit was exceeded."""
    print(f"{'ms':36}{'n':>5}{'p50':>9}{'p99':>9}{'max':>9}{'limit':>8}")
    for name, values in seen.items():
        p99 = statistics.quantiles(values, n=100, method="inclusive")[98]
        limit = f"{LIMITS[name]:8.0f}" if name in LIMITS else ""
        print(f"{name:36}{len(values):5}{statistics.median(values):9.1f}{p99:9.1f}{max(values):9.1f}{limit}")
    peer = statistics.median(seen["no report under way: another frame"])
    ratio = statistics.median(seen["hanging: another frame"]) / peer
    print(f"another frame while a report hangs, beside the same without one: {ratio:.2f}x")
    return int(any(max(seen[name]) > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    sys.exit(asyncio.run(main(parser.parse_args().rounds)))
