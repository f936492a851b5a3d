"""Containers that paint one line for all, compared with Textual's painting of each."""

import pytest
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tests.support.pilots import app_of, client, until
from tui.fullscreen.widgets.backdrop import HorizontalBackdrop, VerticalBackdrop
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.people_list import PeopleList


def simplified(strips: list[Strip]) -> list[Strip]:
    return [strip.simplify() for strip in strips]


# In the narrow one, the list of people has a border at its left.
@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_containers_look_as_if_each_of_their_lines_were_painted(size: tuple[int, int]) -> None:
    async with client(size=size) as (pilot, _):
        room = app_of(pilot).room
        await pilot.press("ctrl+o")
        await until(pilot, lambda: bool(room.query_one("#people").region), "the list of people")
        containers = [
            node for kind in (VerticalBackdrop, HorizontalBackdrop, PlaceLists, PeopleList) for node in room.query(kind)
        ]
        for each in (room, *containers):
            whole = Region(0, 0, *each.region.size)
            assert simplified(each.render_lines(whole)) == simplified(Widget.render_lines(each, whole)), each
