"""The client survives any narrow terminal, and shows everything again once it is wider."""

import pytest

from tests.support.pilots import client, until_seen

ROOM: list[str] = []
PEOPLE, FORM, PALETTE = ["ctrl+o"], ["up", "r"], ["ctrl+g"]


@pytest.fixture(autouse=True)
def drawn_when_looked_at() -> None:
    """Draw each change."""


@pytest.mark.parametrize(
    ("keys", "widths", "seen"),
    [
        pytest.param(ROOM, range(24, 17, -1), "Write a message", id="room"),
        pytest.param(PEOPLE, range(50, 43, -1), "PEOPLE", id="people"),
        pytest.param(FORM, range(12, 2, -1), "Report a message", id="form"),
        pytest.param(PALETTE, range(9, 0, -1), "Find a command", id="palette"),
    ],
)
async def test_client_survives_any_width(keys: list[str], widths: range, seen: str) -> None:
    async with client(size=(80, 24)) as (pilot, _):
        await pilot.press(*keys)
        await until_seen(pilot, seen)
        for width in widths:
            await pilot.resize_terminal(width, 12)
            await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await until_seen(pilot, seen)
