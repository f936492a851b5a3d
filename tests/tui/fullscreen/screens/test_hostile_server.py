"""The client still reacts to keys, whatever the server has sent."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    Echo,
    Error,
    Message,
    Presence,
    Reacted,
    Reaction,
    ServerFrame,
    Typing,
    Who,
    WhoEntry,
)
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import line
from tui.client.entries import Line
from tui.client.state import LEFT_OUT
from tui.limits import MAX_EMOJI


@pytest.fixture(autouse=True)
def drawn_when_looked_at() -> None:
    """Draw each change."""


def reacted(count: int) -> Message:
    """A message with `count` reactions."""
    return replace(line(9, "bob", "look"), reactions=[Reaction(f"e{number}", ["a"]) for number in range(count)])


EVIDENCE: dict[str, Callable[[], Sequence[ServerFrame]]] = {
    "reactions at once": lambda: [reacted(20_000)],
    "reactions one by one": lambda: [Reacted(3, f"p{number}", f"e{number % 99}") for number in range(5_000)],
    "people": lambda: [Who([WhoEntry(f"p{number}", 1) for number in range(12_000)])],
    "people one by one": lambda: [
        Presence(f"p{number}", "is here", WhoEntry(f"p{number}", 1)) for number in range(5_000)
    ],
    "links": lambda: [line(9, "bob", "http://a-" * 7_000)],
    "brackets": lambda: [line(9, "bob", "[" * 900_000)],
    "one long word": lambda: [line(9, "bob", "x" * 1_000_000)],
    "line ends": lambda: [line(9, "bob", "\n" * 400_000)],
    "places": lambda: [line(number, "bob", "hi", f"@p{number}") for number in range(9, 5_000)],
    "notices": lambda: [Error(f"n{number}", ErrorCode.NOTICE, CHAT_SERVER) for number in range(10_000)],
    "writing": lambda: [Typing("@bob")] * 5_000,
}


@pytest.mark.parametrize("frames", EVIDENCE.values(), ids=EVIDENCE.keys())
async def test_key_is_drawn_after_whatever_a_server_sends(frames: Callable[[], Sequence[ServerFrame]]) -> None:
    async with client() as (pilot, server):
        server.send(*frames(), Error("that was all", ErrorCode.NOTICE, CHAT_SERVER))
        await until_seen(pilot, "that was all")
        await pilot.press("h", "e", "r", "e")
        await until_seen(pilot, "here")


async def test_frame_that_is_too_big_ends_the_connection_and_not_the_client() -> None:
    async with client() as (pilot, server):
        server.send(reacted(100_000))
        await until_seen(pilot, "the server sent more at once than this client")
        await pilot.press("h", "e", "r", "e")
        await until_seen(pilot, "here")


async def test_user_is_notified_once_that_something_was_left_out() -> None:
    async with client() as (pilot, server):
        server.send(reacted(20_000), Echo([line(number, "bob", "hi") for number in range(10, 3_000)]))
        await until_seen(pilot, "more than this client shows")
        timeline = app_of(pilot).state.timeline
        found = timeline.find(9)
        assert found
        assert len(found.reactions) == MAX_EMOJI
        await until(pilot, lambda: len(timeline.entries) > 2_000, "the messages")
        told = [entry.text for entry in timeline.entries if not isinstance(entry, Line)]
        assert told.count(LEFT_OUT) == 1


async def test_many_people_are_counted_and_all_of_them_can_be_reached() -> None:
    async with client() as (pilot, server):
        server.send(Who([WhoEntry(f"p{number:05}", 1) for number in range(5_000)]))
        await until_seen(pilot, "PEOPLE  5000")
        app_of(pilot).query_one("#people-rows").scroll_end(animate=False)
        await until(pilot, lambda: "p04999" in screen_text(app_of(pilot)), "the last one")
