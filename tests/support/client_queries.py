"""Queries of tests with several people: departures, history, received frames."""

import asyncio
from collections.abc import Callable

from server.protocol.frames import Frame, History, HistoryRequest, Message, Presence, Who
from tests.support.chat_client import WAIT_SECONDS, ChatClient

TOKENS = {"alice": "a" * 32, "bob": "b" * 32}


def gone(name: str) -> Callable[[Presence], bool]:
    """Return a predicate: this person has left."""
    return lambda presence: presence.username == name and presence.who is None


async def history(client: ChatClient, channel: str) -> list[Message]:
    """Return the newest messages of a channel."""
    nonce = client.nonce()
    await client.send(HistoryRequest(channel, nonce))
    return (await client.next(History, lambda frame: frame.nonce == nonce)).messages


async def heard(client: ChatClient, kind: type[Frame]) -> list[Frame]:
    """Return all frames of a kind so far."""
    return [frame for frame in await client.settled() if isinstance(frame, kind)]


def here(client: ChatClient, name: str) -> bool:
    """Return whether a person was in the room as of the last frame that says so."""
    listed = False
    for frame in client.seen:
        if isinstance(frame, Who):
            listed = any(entry.username == name for entry in frame.who_list)
        elif isinstance(frame, Presence) and frame.username == name:
            listed = frame.who is not None
    return listed


async def meet(client: ChatClient, *names: str) -> None:
    """Wait until a client sees these people, who may be on another node."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(here(client, name) for name in names):
            await client.settled()
            await asyncio.sleep(0.01)
