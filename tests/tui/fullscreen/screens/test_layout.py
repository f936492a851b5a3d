"""The layout of the room at 80x24, and in smaller and larger terminals."""

import re

from msgspec.structs import replace

from server.protocol.frames import ChannelEntry, ServerFrame, Who, WhoEntry
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import OPENING, PEOPLE, WELCOME, ScriptedServer, line, scripted_server
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.row_list import RowList
from tui.net.client_session import LONGEST_SECONDS
from tui.options import Options

NUMBERS = range(1, 23)
CHANNELS = [ChannelEntry("lobby", "Lobby"), *(ChannelEntry(f"c{number}", f"Channel {number}") for number in NUMBERS)]


def busy(*more: ServerFrame) -> ScriptedServer:
    """Return a server with more channels than lines, each with unread messages, and two unread conversations."""
    said = [line(10 + number, "bob", "hi", f"c{number}") for number in NUMBERS]
    direct = [line(40, "bob", "psst", "@bob"), line(41, "tove", "psst", "@tove")]
    return ScriptedServer(replace(WELCOME, channels=CHANNELS), (PEOPLE, OPENING, *said, *direct, *more))


async def test_conversations_and_the_numbers_of_channels_stay_in_sight() -> None:
    async with client(busy(), size=(80, 24)) as (pilot, _):
        await until_seen(pilot, "@tove")
        places = app_of(pilot).screen.query_one(PlaceLists)
        column = [row[: places.size.width] for row in screen_text(app_of(pilot)).splitlines()]
        assert [row.split()[0] for row in column if "@" in row] == ["@bob", "@tove"]
        shown = [row for row in column if row.strip().startswith("# Cha")]
        assert [re.findall(r"\d+", row) for row in shown] == [[str(number), "1"] for number in NUMBERS[: len(shown)]]
        assert len(shown) > len(column) // 2


async def test_the_arrow_keys_go_from_the_channels_to_the_conversations_and_beyond() -> None:
    async with client(busy(), size=(80, 24)) as (pilot, _):
        await until_seen(pilot, "@tove")
        screen = app_of(pilot).screen
        channels, conversations = (screen.query_one(f"#{each}", RowList) for each in ("channels", "conversations"))
        screen.set_focus(channels)
        for list_, key, chosen in (
            (conversations, "up", "@tove"),
            (channels, "down", "lobby"),
            (channels, "end", f"c{NUMBERS[-1]}"),
            (conversations, "down", "@bob"),
            (channels, "up", f"c{NUMBERS[-1]}"),
        ):
            await pilot.press(key)
            await until(pilot, lambda: list_.has_focus and list_.chosen == chosen, f"{chosen} after {key}")  # noqa: B023
        await pilot.press("down", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "@bob", "the conversation")


async def test_lists_cover_the_room_without_changing_its_width() -> None:
    async with client(size=(80, 24)) as (pilot, _):
        timeline = app_of(pilot).screen.query_one(TimelineView)
        width = timeline.size.width
        for keys, seen in ((["ctrl+o"], "PEOPLE"), (["escape", "up", "p"], "Asking the site")):
            await pilot.press(*keys)
            await until_seen(pilot, seen)
            assert timeline.size.width == width
            assert "# Galley" in screen_text(app_of(pilot))


async def test_do_not_disturb_shows_at_80_columns() -> None:
    silent = Who([WhoEntry("ada", 1, dnd=True)])
    async with client(size=(80, 24)) as (pilot, server):
        assert "do not disturb" not in screen_text(app_of(pilot))
        server.send(silent)
        await until_seen(pilot, "◐ do not disturb · ada")


async def test_the_longest_wait_before_another_attempt_shows_at_80_columns() -> None:
    async with client(size=(80, 24)) as (pilot, _):
        app = app_of(pilot)
        app.client._lost("the connection was lost", LONGEST_SECONDS)
        app.redraw()
        await until_seen(pilot, "○ offline, retry in 30 s")


async def test_a_toast_appears_at_the_top_and_leaves_the_composer_in_sight() -> None:
    with scripted_server() as server:
        app = FlagpostApp(Options("ada", server.url))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until_seen(pilot, "online as")
            app.notify("A remark of some length. " * 5)
            await until_seen(pilot, "A remark")
            assert "A remark" in "".join(screen_text(app).splitlines()[:4])
            assert "Write a message" in screen_text(app)
            assert "f1 Keys" in screen_text(app)
            await app.leave()


async def test_the_report_form_shows_its_keys() -> None:
    async with client(size=(80, 24)) as (pilot, _):
        await pilot.press("up", "r")
        await until_seen(pilot, "⏎ Comment")
        line = screen_text(app_of(pilot)).splitlines()[-1]
        assert all(each in line for each in ("^s Submit", "esc Cancel", "f1 Keys"))
        await pilot.press("enter")
        await until_seen(pilot, "⏎ Submit")


async def test_tiny_terminal_shows_only_messages() -> None:
    async with client(size=(60, 24)) as (pilot, _):
        assert "CHANNELS" in screen_text(app_of(pilot))
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: "CHANNELS" not in screen_text(app_of(pilot)), "the messages alone")
        assert app_of(pilot).screen.query_one(TimelineView).size.width >= 38
        await pilot.press("ctrl+k", *"gall", "enter")
        await until(pilot, lambda: not isinstance(app_of(pilot).screen, Picker), "the room")
        assert app_of(pilot).state.current == "galley"
