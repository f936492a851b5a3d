"""The demo's balancer: nodes in turn, and past those that are down."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from server.demo.balancer import Balancer
from server.http.listening import listen
from server.protocol.address import Address
from tests.support.faulty_room import running

LOOPBACK = Address("127.0.0.1", 0)


@asynccontextmanager
async def node(name: str) -> AsyncIterator[Address]:
    """Run a server that answers each line with its name."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        # Also if the test ends while a line is awaited.
        with closing(writer):
            while await reader.readline():
                writer.write(f"{name}\n".encode())

    server = await asyncio.start_server(answer, *LOOPBACK)
    async with server:
        yield Address(*server.sockets[0].getsockname())


async def ask(address: Address, method: str = "GET") -> str:
    """Connect; return who answers, or "" if nobody does."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"{method} who?\n".encode())
    try:
        return (await reader.readline()).decode().strip()
    except ConnectionResetError:
        return ""
    finally:
        writer.close()


async def test_connections_go_to_the_running_nodes_in_turn() -> None:
    front = listen([LOOPBACK])
    (address,) = front.addresses
    balancer = Balancer()
    async with node("one") as one, running(balancer.serve(front)):
        async with node("two") as two:
            balancer.nodes = [one, two]
            assert sorted([await ask(address) for _ in range(4)]) == ["one", "one", "two", "two"]
        assert {await ask(address) for _ in range(4)} == {"one"}
        balancer.nodes = [two]
        assert await ask(address) == ""


@asynccontextmanager
async def dying_node(received: list[bytes]) -> AsyncIterator[Address]:
    """Run a server that accepts each connection, and ends it when something has arrived."""

    async def die(reader: StreamReader, writer: StreamWriter) -> None:
        received.append(await reader.read(1))
        writer.transport.abort()

    server = await asyncio.start_server(die, *LOOPBACK)
    async with server:
        yield Address(*server.sockets[0].getsockname())


@pytest.mark.parametrize(("method", "answer"), [("GET", "one"), ("POST", "")])
async def test_only_a_request_that_changes_nothing_is_repeated_at_the_next_node_if_one_dies(
    method: str, answer: str
) -> None:
    front = listen([LOOPBACK])
    balancer = Balancer()
    asked: list[bytes] = []
    async with dying_node(asked) as dying, node("one") as one, running(balancer.serve(front)):
        balancer.nodes = [one, dying]
        assert await ask(front.addresses[0], method) == answer
        assert asked == [method[:1].encode()]


async def test_simultaneous_connections_each_try_every_node() -> None:
    front = listen([LOOPBACK])
    balancer = Balancer()
    asked: list[bytes] = []
    async with dying_node(asked) as dying, node("one") as one, running(balancer.serve(front)):
        balancer.nodes = [one, dying]
        assert await asyncio.gather(*(ask(front.addresses[0]) for _ in range(6))) == ["one"] * 6


async def test_a_connection_ends_when_each_node_has_died() -> None:
    front = listen([LOOPBACK])
    balancer = Balancer()
    asked: list[bytes] = []
    async with dying_node(asked) as dying, running(balancer.serve(front)):
        balancer.nodes = [dying, dying]
        assert await ask(front.addresses[0]) == ""
        assert asked == [b"G", b"G"]
