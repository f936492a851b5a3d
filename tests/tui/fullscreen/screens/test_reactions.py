"""Reactions: shown under the message, added and removed by a key."""

from collections.abc import Sequence

from msgspec import structs

from server.protocol.frames import ClientFrame, Echo, React, Reacted, Reaction, ServerFrame
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import PEOPLE, ScriptedServer, line
from tui.fullscreen.screens.picker import Picker

REACTED = Echo([structs.replace(line(1, "bob", "hello"), reactions=[Reaction("👍", ["bob", "Inés ⚓"])])])


def reacting(frame: ClientFrame) -> Sequence[ServerFrame]:
    return [Reacted(frame.msg_id, "ada", frame.message, frame.remove)] if isinstance(frame, React) else ()


async def test_choosing_the_same_emoji_again_removes_the_reaction() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, REACTED), answer=reacting)) as (pilot, server):
        await until_seen(pilot, "👍 2")
        await pilot.press("up", "e")
        await until_seen(pilot, "thumbs up")
        await pilot.press("enter")
        await until_seen(pilot, "👍 3✓")
        await pilot.press("e")
        await until_seen(pilot, "yours ✓")
        await pilot.press("enter")
        await until(pilot, lambda: "👍 2 " in screen_text(app_of(pilot)), "taken away")
        assert server.sent(React) == [React(1, "👍"), React(1, "👍", remove=True)]


async def test_emoji_is_found_by_its_name_and_escape_adds_none() -> None:
    async with client(ScriptedServer(answer=reacting)) as (pilot, server):
        await pilot.press("up", "e", *"otter")
        await until_seen(pilot, "🦦")
        await pilot.press("enter")
        await until_seen(pilot, "🦦 1✓")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Picker), "the list")
        await pilot.press(*"xyzzy")
        await until_seen(pilot, "No match.")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Picker), "closed")
        await pilot.press("e", "down", "down", "up", "enter")
        await until(pilot, lambda: len(server.sent(React)) == 2, "the second")
        assert server.sent(React)[1] == React(3, "👍")


async def test_deleted_message_gets_no_reaction() -> None:
    gone = Echo([structs.replace(line(1, "bob", ""), taken_back=True)])
    async with client(ScriptedServer(opening=(PEOPLE, gone))) as (pilot, _):
        await pilot.press("up", "e")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, Picker)


async def test_a_click_on_a_reaction_toggles_it_and_the_mouse_shows_whose_it_is() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, REACTED), answer=reacting)) as (pilot, server):
        await until_seen(pilot, "👍 2")
        view = app_of(pilot).room.timeline
        rows = [strip.text for strip in view.render_lines(view.size.region)]
        y = next(number for number, row in enumerate(rows) if "👍 2" in row)
        at = (rows[y].index("👍"), y)
        await pilot.hover(view, offset=at)
        await until(pilot, lambda: str(view.tooltip) == "bob, Inés ⚓", "the names")
        for shown in ("👍 3✓", "👍 2 "):
            await pilot.click(view, offset=at)
            await until_seen(pilot, shown)
        assert server.sent(React) == [React(1, "👍"), React(1, "👍", remove=True)]
        assert app_of(pilot).room.composer.has_focus
