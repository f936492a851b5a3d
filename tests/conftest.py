"""Fixtures that tests of several packages share."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import authorities
from tests.support.golden import Golden
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings

if TYPE_CHECKING:
    from tests.support.postgres import SharedPostgres

# Hypothesis fails a slow example by default, and no test asserts a time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

authorities.trust_one()

# Workers, and the programs that tests start, share what one of them has compiled: a third of their start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


MORE_WORKERS = 4
"""The most workers beyond the number of cores."""


def pytest_xdist_auto_num_workers() -> int | None:
    """Return twice as many workers as cores, within bounds: half of the time, tests wait for screens and sockets."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(2 * cores, cores + MORE_WORKERS)


OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""A client makes many short-lived cycles; with Python's 700, a tenth of the time is spent looking for them."""


def pytest_collection_finish() -> None:
    """Run the garbage collector less often, and exclude what is loaded by now, which outlives all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 20)


STUCK_SECONDS = 300
"""Longer than any test takes; each wait has a bound of its own, and this one is for tests that forget theirs."""


@pytest.fixture(scope="session", autouse=True)
def _signals_of_children() -> None:
    """Start each child process with the default actions of signals, even under nohup or in a script's background.

    There signals are ignored, and a child inherits that. It does not inherit a handler.
    """
    for name in ("SIGHUP", "SIGINT", "SIGQUIT"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _signal, _frame: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Fail a test that never ends, at the line where it waits. A fixture would cost more in thousands of tests."""
    if sys.platform == "win32":
        return (yield)
    signal.signal(signal.SIGALRM, _stuck)
    signal.alarm(STUCK_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)


def _stuck(_signal: int, _frame: FrameType | None) -> None:
    raise AssertionError(f"not done within {STUCK_SECONDS} s")


HOMES = count()


@pytest.fixture(autouse=True)
def _data_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the files that a client saves for its next start within the test; the client creates the directories.

    They are numbered, and the variables set without `monkeypatch`, because this runs for each of thousands of tests.
    """
    base = tmp_path_factory.getbasetemp()
    for name in ("DATA", "CONFIG", "STATE"):
        os.environ[f"XDG_{name}_HOME"] = f"{base}/homes/{next(HOMES)}"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    """Expected texts in files beside the test, which must compare each of them."""
    golden = Golden(request)
    yield golden
    assert golden.unused() == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A website that accepts everything until its `behaviour` is set."""
    with Receiver() as website:
        yield website


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with the channels lobby and tea, and no webhooks."""
    with ServerProcess(write_settings(tmp_path)) as process:
        yield process


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> "SharedPostgres":
    """A PostgreSQL that all workers share; each test uses a schema or a database of its own."""
    # Loaded only by the tests that need it.
    from tests.support.postgres import running

    directory = tmp_path_factory.getbasetemp()
    return running((directory.parent if "PYTEST_XDIST_WORKER" in os.environ else directory) / "postgres")
