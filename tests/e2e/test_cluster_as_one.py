"""A room behaves on two servers as on one: the same tests, with each connection at the next node."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import wraps
from importlib import import_module
from inspect import getmembers, iscoroutinefunction, signature
from itertools import count, cycle
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from tests.support.cluster import Cluster
from tests.support.postgres import SharedPostgres

pytestmark = pytest.mark.slow

SUBJECTS = ("block", "keyed_login", "login", "nonces", "resume", "room", "takeback", "together", "unread")
MODULES = [import_module(f"tests.e2e.test_{subject}") for subject in SUBJECTS]
APART = {
    # These depend each time on which of two nodes is first.
    "test_a_client_that_disconnects_during_the_login_is_not_in_the_room",
    "test_a_direct_message_sent_to_a_broken_connection_waits_for_the_next_login",
    "test_a_message_by_a_blocked_person_cannot_be_requested_by_its_number",
    "test_a_reaction_reaches_the_readers_of_the_message_and_is_shown_below_it",
    "test_direct_messages_wait_for_a_person_who_is_away",
    # It expects the who list in the order of the logins.
    "test_everyone_sees_who_is_present_and_who_joins_and_leaves",
    # A node knows within two seconds whether there are others, and typing may be lost.
    "test_typing_is_sent_only_to_the_other_person",
}
TRIES = 3
"""Tests of one server may expect at once what the other node hears a moment later; a fault fails each time."""


class BothNodes:
    """Two nodes in the place of one server."""

    def __init__(self, postgres: SharedPostgres, directory: Path) -> None:
        self._postgres = postgres
        self._directory = directory
        self._stack = ExitStack()
        self._rooms = count(1)

    def renew(self) -> None:
        """Start the nodes of a new room, and end those of the last."""
        self.close()
        directory = self._directory / f"room-{next(self._rooms)}"
        directory.mkdir()
        database = self._stack.enter_context(self._postgres.schema())
        cluster = self._stack.enter_context(Cluster(directory, database, reports=False))
        self._turn = cycle([cluster.one, cluster.two])

    def close(self) -> None:
        """End the nodes."""
        self._stack.close()

    @property
    def url(self) -> str:
        """Return the address of the next node."""
        return next(self._turn).url

    @property
    def port(self) -> int:
        """Return the port of the next node."""
        return next(self._turn).port

    @property
    def http_url(self) -> str:
        """Return the HTTP base URL of the next node."""
        return next(self._turn).http_url


@pytest.fixture
def server(postgres: SharedPostgres, tmp_path: Path) -> Iterator[BothNodes]:
    """Two nodes of a new room."""
    nodes = BothNodes(postgres, tmp_path)
    nodes.renew()
    yield nodes
    nodes.close()


class RoomTest(Protocol):
    """A test of a room on one server, with its fixtures."""

    async def __call__(self, *, server: BothNodes, **others: object) -> None: ...


def _retried(test: RoomTest) -> RoomTest:
    @wraps(test)
    async def run(*, server: BothNodes, **others: object) -> None:
        for _ in range(TRIES - 1):
            with suppress(AssertionError, TimeoutError):
                await test(server=server, **others)
                return
            server.renew()
        await test(server=server, **others)

    return run


def _add(module: ModuleType) -> None:
    for name, test in getmembers(module, iscoroutinefunction):
        if name.startswith("test_") and "server" in signature(test).parameters and name not in APART:
            globals()[f"{module.__name__.rpartition('.')[2]}_{name.removeprefix('test_')}"] = _retried(test)


for each in MODULES:
    _add(each)
