"""A process that imports a program once and forks it for each start, so that a start does not repeat the imports.

Except for the imported modules, and what a module has prepared, a fork begins as `python -m` does: with its own
arguments, directory, environment, signals and standard streams.
"""

import gc
import importlib
import os
import runpy
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

import msgspec

from tests.support import authorities

LARGEST_REQUEST = 1 << 20
END_SECONDS = 20.0


class Request(NamedTuple):
    """What to run: `python -m program arguments`, in this directory, with this environment."""

    program: str
    arguments: list[str]
    directory: str
    environment: dict[str, str]
    new_session: bool
    constants: dict[str, float]
    """Values for constants of the program, by their full names."""


def main() -> None:
    """Import the modules of the arguments, then fork for each request on the socket of the first argument.

    A module with a function `prepare_forks` can do what each fork would repeat.
    """
    requests = socket.socket(fileno=int(sys.argv[1]))
    authorities.trust_one()
    for module in map(importlib.import_module, sys.argv[2:]):
        if prepare := getattr(module, "prepare_forks", None):
            prepare()
    _end_threads()
    gc.collect()
    gc.freeze()
    # The kernel reaps the children, each of which waits for a program.
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


def _end_threads() -> None:
    """Wait for the threads of what has run, because a fork has only the thread that forks."""
    # The threads of a websockets server still end while its `shutdown` returns.
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(END_SECONDS)
    assert threading.active_count() == 1, threading.enumerate()


def set_constants(constants: Mapping[str, float]) -> None:
    """Give constants other values, in their modules and in those that have imported them."""
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        before = getattr(importlib.import_module(module), constant)
        for each in list(sys.modules.values()):
            if getattr(each, constant, None) is before:
                setattr(each, constant, value)


def _wait(pid: int, report: int, streams: list[int]) -> NoReturn:
    """Write the process ID of the program to `report`, then its exit code; exit."""
    for stream in streams:
        os.close(stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(report, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: Request, streams: list[int]) -> None:
    """Run a package in this process, as `python -m` does."""
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
    set_constants(request.constants)
    gc.unfreeze()
    runpy.run_module(request.program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
