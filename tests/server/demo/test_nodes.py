"""`python -m server.demo --nodes 2`: a room on two nodes and a PostgreSQL of its own, one of which is killed."""

import os
import re
import signal

from server.protocol.frames import Say
from tests.server.demo.visitor import ANYWHERE, DemoProcess, running, visit

GONE = "a server of the room is gone"
NODE = re.compile(r"^Node (\d): (ws://\S+), process (\d+)$")


async def read(process: DemoProcess, pattern: re.Pattern[str]) -> re.Match[str]:
    """Return the next line that the demo prints; it must match."""
    line = await process.line()
    found = pattern.match(line)
    assert found, line
    return found


def runs(pid: int) -> bool:
    """Return whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_node_loses_nothing_and_is_restarted() -> None:
    async with running("--nodes", "2", *ANYWHERE) as demo:
        nodes = [await read(demo.process, NODE) for _ in range(2)]
        await read(demo.process, re.compile(f".*kill -9 {nodes[0][3]}$"))
        await read(demo.process, re.compile("The users of that node are on another one within a second"))
        async with visit(nodes[0][2], "ada") as ada, visit(nodes[1][2], "bob") as bob:
            await ada.meet({"ada", "bob"})
            await ada.send(Say("lobby", "stored before the kill"))
            await bob.message("ada", "stored before the kill")
            os.kill(int(nodes[0][3]), signal.SIGKILL)
        # By the room's address, which leads to the other node until this one runs again.
        async with visit(demo.room, "carol") as carol:
            await carol.message("ada", "stored before the kill")
        again = await read(demo.process, re.compile(r"Node 1 was ended by SIGKILL; it was restarted as process (\d+)"))
        assert again[1] != nodes[0][3]
        async with visit(nodes[0][2], "dora") as dora:
            await dora.message("ada", "stored before the kill")
        demo.process.send_signal(signal.SIGTERM)
        code, output, log = await demo.process.ended()
        assert (code, output) == (0, "")
        # On a slow machine, the other node notices before the node is back.
        assert all(GONE in line for line in log.splitlines()), log
    assert not [pid for pid in (int(each[3]) for each in nodes) if runs(pid)]
