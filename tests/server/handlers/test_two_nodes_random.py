"""Whatever people do on two servers, and however late their events arrive, both agree on who is in the room."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from server.protocol.frames import Login, SetStatus
from server.storage.sql import SqlConnection
from tests.support.node_pair import Guest, Node, Shared, shared_room

NAMES = "ada", "Ada", "\u0430da", "bob"
STEPS = 60


class Crowd:
    """People with few names and identities, on two servers."""

    def __init__(self, random: Random, shared: Shared, nodes: list[Node]) -> None:
        self._random = random
        self._shared = shared
        self._nodes = nodes
        self._guests: list[Guest] = []

    async def live(self) -> None:
        """Act at random, many times; then deliver all events."""
        acts = [self._enter, self._enter, self._leave, self._change, self._hold, self._release]
        for _ in range(STEPS):
            self._random.choice(acts)()
            if self._random.random() < 0.5:
                await self._shared.committed()
        for node in self._nodes:
            node.database.release()
        async with asyncio.timeout(20):
            while any(node.dispatcher.presence.waiting() for node in self._nodes):
                await self._shared.committed()
        await self._shared.committed()
        await self._shared.committed()

    def _enter(self) -> None:
        guest = self._random.choice(self._nodes).connect()
        guest.send(Login(self._random.choice(NAMES), f"the secret number {self._random.randrange(4)}"))
        self._guests.append(guest)

    def _leave(self) -> None:
        if self._guests:
            self._guests.pop(self._random.randrange(len(self._guests))).hang_up()

    def _change(self) -> None:
        if self._guests and (guest := self._random.choice(self._guests)).session.person:
            guest.send(SetStatus(self._random.choice(["away", "online", "brb"])))

    def _hold(self) -> None:
        self._random.choice(self._nodes).database.hold()

    def _release(self) -> None:
        self._random.choice(self._nodes).database.release()

    def present(self) -> dict[str, tuple[str, str]]:
        """Return the identity and status of each name that a connected client has."""
        sessions = [each.session for each in self._guests if each.session.person and not each.session.ended]
        return {person.name: (person.identity, each.status) for each in sessions for person in [each.logged_in_person]}


def seen_by(node: Node) -> dict[str, tuple[str, str]]:
    """Return the identity and status of each name, as a server knows them."""
    here = [(each.logged_in_person, each) for each in node.dispatcher.hub.everyone()]
    return {person.name: (person.identity, each.who_entry(person).status) for person, each in here}


def stored(connection: SqlConnection) -> list[tuple[str, str]]:
    """Return the names and identities in the database."""
    return connection.execute("SELECT name, identity FROM presence ORDER BY name").fetchall()


@pytest.mark.parametrize("seed", range(3))
async def test_servers_agree_on_who_is_present(tmp_path: Path, seed: int) -> None:
    async with shared_room(tmp_path / "room.sqlite") as shared:
        nodes = [await shared.open_node(name) for name in ("first", "second")]
        crowd = Crowd(Random(seed), shared, nodes)
        await crowd.live()
        present = crowd.present()
        assert seen_by(nodes[0]) == seen_by(nodes[1]) == present
        rows = await shared.write(stored)
        assert rows == sorted((name, identity) for name, (identity, _) in present.items())
        for node in nodes:
            taken = {name for name in (*NAMES, *present) if node.dispatcher.people.obstacle(name, "nobody")}
            assert taken >= set(present)
