"""A compressing server: all clients read the same, whatever they negotiated, and a bomb harms only its sender."""

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from server.protocol.codes import CloseCode
from server.protocol.frames import Message
from tests.support.chat_client import ChatClient, connected, says
from tests.support.server_process import ServerProcess, write_settings

LONG = "The harbour master says: " + "wind " * 100 + "NE"
OFFERS = {
    "plain": None,
    "deflate": (ClientPerMessageDeflateFactory(),),
    "small window": (ClientPerMessageDeflateFactory(server_max_window_bits=9),),
}


@pytest.fixture(scope="module")
def compressing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(write_settings(tmp_path_factory.mktemp("compressing"), compression=True)) as server:
        yield server


@pytest.fixture
async def people(compressing: ServerProcess) -> AsyncIterator[dict[str, ChatClient]]:
    """One logged-in client for each compression offer."""
    async with AsyncExitStack() as stack:
        people: dict[str, ChatClient] = {}
        for offer, extensions in OFFERS.items():
            people[offer], _ = await stack.enter_async_context(connected(compressing.url, extensions=extensions))
            await people[offer].login(offer.replace(" ", "-"))
        yield people


async def test_everyone_reads_the_same_whatever_compression_was_negotiated(people: dict[str, ChatClient]) -> None:
    assert {offer: len(each.socket.protocol.extensions) for offer, each in people.items()} == {
        "plain": 0, "deflate": 1, "small window": 1
    }  # fmt: skip
    for author in people.values():
        for text in ("hi", LONG):
            await author.say("lobby", text)
            for reader in people.values():
                if reader is not author:
                    await reader.next(Message, says(text))


async def test_a_compression_bomb_ends_only_its_own_connection(
    compressing: ServerProcess, people: dict[str, ChatClient]
) -> None:
    async with connect(compressing.url, compression="deflate", proxy=None) as mallory:
        assert mallory.protocol.extensions
        bomb = zlib.compress(b"[" * 50_000_000, 9)[2:-4]
        mallory.transport.write(b"\xc1\xfe" + len(bomb).to_bytes(2, "big") + bytes(4) + bomb)
        await mallory.wait_closed()
        assert mallory.close_code == CloseCode.TOO_BIG
    await people["plain"].say("lobby", "Still here")
    await people["deflate"].next(Message, says("Still here"))
