"""Queries of tests with several people: departures, history, received frames."""

from collections.abc import Callable

from server.protocol.frames import Frame, History, HistoryRequest, Message, Presence
from tests.support.chat_client import ChatClient

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
