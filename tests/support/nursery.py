"""A process that has imported a program already and forks it: each start costs its work, not its imports.

What a fork begins with is what `python -m` begins with, but for its modules: its own arguments, directory, environment,
signals and standard streams.
"""

import gc
import importlib
import os
import runpy
import signal
import socket
import sys
from typing import NamedTuple, NoReturn

import msgspec

LARGEST_REQUEST = 1 << 20


class Request(NamedTuple):
    """What to run: `python -m program arguments`, in this directory, with this environment."""

    program: str
    arguments: list[str]
    directory: str
    environment: dict[str, str]
    new_session: bool


def main() -> None:
    """Fork for each request on the socket, whose descriptor is the first argument; the others are modules to import."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    # The kernel buries those who wait for the servers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, streams, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 4)
        if not data:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            *streams, report = streams
            if (pid := os.fork()) != 0:
                _wait(pid, report, streams)
            os.close(report)
            _become(msgspec.json.decode(data, type=Request), streams)
            return
        for stream in streams:
            os.close(stream)


def _wait(pid: int, report: int, streams: list[int]) -> NoReturn:
    """Report the number of the server's process, and how it ends."""
    for stream in streams:
        os.close(stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(report, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: Request, streams: list[int]) -> None:
    """Run a package as `python -m` does, in the process that this is by now."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    if request.new_session:
        os.setsid()
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = [request.program, *request.arguments]
    gc.unfreeze()
    runpy.run_module(request.program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
