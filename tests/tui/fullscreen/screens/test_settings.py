"""Changed settings apply at once and are saved; problems of the file are shown at the start."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input, Static

from server.protocol.frames import Me
from tests.support.pilots import app_of, screen_text, until, until_seen, until_told
from tests.support.scripted_server import ScriptedServer, scripted_server
from tui import times
from tui.config import Config, Hours, Level, load
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.keys import keymap
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.report_form import ReportForm
from tui.fullscreen.screens.settings import SettingsScreen
from tui.fullscreen.widgets.colours import name_colour
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.row_list import RowList
from tui.options import Options


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Reset process-wide settings after each test."""
    yield
    times.set_hours(Hours.H24)
    keymap.change({})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@asynccontextmanager
async def configured(file: Path, text: str = "") -> AsyncIterator[Pilot[None]]:
    """A client with a configuration, logged in as ada."""
    write(file, text)
    with scripted_server(ScriptedServer()) as server:
        async with FlagpostApp(Options("ada", server.url, loaded=load(file))).run_test(size=(120, 36)) as pilot:
            await until_seen(pilot, "online as ada")
            await until(pilot, lambda: app_of(pilot).state.last_seen > 0, "the echo")
            await pilot.pause()
            yield pilot


async def settings(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press("f2")
    await until_seen(pilot, "Reduced motion")
    await pilot.press(*keys)


async def test_name_colours_follow_the_theme(file: Path) -> None:
    async with configured(file) as pilot:
        people = app_of(pilot).screen.query_one(PeopleList).rows
        await settings(pilot, "right")
        await until(pilot, lambda: app_of(pilot).theme == "flagpost-light", "the theme")
        light = Color.parse(app_of(pilot).current_theme.surface or "")
        name = name_colour("bob", light, app_of(pilot).state.name_hues)
        await until(pilot, lambda: people.background_colors[1] == light, "the theme's background")

        def drawn() -> list[Color | None]:
            strips = (people.render_line(y) for y in range(len(people.rows)))
            return [
                Color.from_rich_color(segment.style.color)
                for strip in strips
                for segment in strip
                if "bob" in segment.text and segment.style and segment.style.color
            ]

        await until(pilot, lambda: drawn() == [name], "the name in a colour for this theme")


async def test_settings_apply_at_once_and_are_saved(file: Path) -> None:
    async with configured(file, "# mine\n") as pilot:
        app = app_of(pilot)
        await settings(pilot, "right")
        await until(pilot, lambda: app.theme == "flagpost-light", "the theme")
        await pilot.press("down", "space")
        await until(pilot, lambda: app.has_class("-compact"), "compact")
        await pilot.press("down", "enter", "down", "right", "down", "right", "down", "left")
        await until(
            pilot,
            lambda: app.preferences.config.level("lobby", app.client.address) is Level.NONE,
            "the channel's level",
        )
        assert app.animation_level == "none"
        assert not app.room.composer.cursor_blink
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RoomScreen), "the room")
        await until(
            pilot, lambda: " PM " in screen_text(app) or " AM " in screen_text(app), "the clock of twelve hours"
        )
        kept = load(file)
        assert kept.problems == ()
        assert kept.config == app.preferences.config
        assert (kept.config.time, kept.config.notices, kept.config.reduced_motion) == (Hours.H12, Level.NONE, True)
        assert read(file).startswith("# mine\n")


async def test_in_compact_lines_author_and_text_share_a_line(file: Path) -> None:
    def together(pilot: Pilot[None]) -> bool:
        return "Inés ⚓» Wind is" in screen_text(app_of(pilot))

    async with configured(file, "compact = true") as pilot:
        await until(pilot, lambda: together(pilot), "one line")
        await settings(pilot, "down", "left", "escape")
        await until(pilot, lambda: not together(pilot) and "NE 4" in screen_text(app_of(pilot)), "lines of their own")


async def test_name_and_server_are_saved_when_their_field_loses_the_focus(file: Path) -> None:
    async with configured(file) as pilot:
        await settings(pilot, "tab")
        screen = app_of(pilot).screen
        screen.query_one("#settings-name", Input).value = "  grace \n"
        screen.query_one("#settings-server", Input).value = "wss://chat.example"
        await pilot.press("tab", "escape")
        await until(pilot, lambda: isinstance(app_of(pilot).screen, RoomScreen), "the room")
        kept = load(file).config
        assert (kept.name, kept.server) == ("grace", "wss://chat.example")


async def test_invalid_server_address_is_refused(file: Path) -> None:
    async with configured(file) as pilot:
        await settings(pilot, "tab", "tab")
        app_of(pilot).screen.query_one("#settings-server", Input).value = "ftp://chat.example"
        await pilot.press("enter")
        await until_seen(pilot, "That isn't a server address")
        assert load(file).config.server != "ftp://chat.example"
        app_of(pilot).screen.query_one("#settings-server", Input).value = " https://chat.example "
        await pilot.press("enter")
        await until(pilot, lambda: load(file).config.server == "wss://chat.example", "kept")


async def test_setting_applies_and_shows_an_error_when_the_file_cannot_be_written(file: Path) -> None:
    async with configured(file) as pilot:
        write(file, "theme = ")
        await settings(pilot, "down", "right")
        problem = app_of(pilot).screen.query_one("#settings-problem", Static)
        await until(pilot, lambda: "nothing was written" in str(problem.content), "the problem")
        assert app_of(pilot).has_class("-compact")
        assert read(file) == "theme = "


SEVERAL = 'compcat = true\ntheme = "no\\u202esuch"\nkeys.messages.report = "p"\n'


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (SEVERAL, ["compcat: there is no such", 'theme: unknown theme "nosuch"', "keys.messages.report: "]),
        ("a = ", ["this is not TOML"]),
    ],
    ids=["settings", "syntax"],
)
async def test_problems_of_the_configuration_are_shown_at_startup(file: Path, text: str, problems: list[str]) -> None:
    async with configured(file, text) as pilot:
        for problem in problems:
            await until_told(pilot, problem)
        assert app_of(pilot).theme == "flagpost-dark"


async def test_texts_name_a_key_as_it_is_bound(file: Path) -> None:
    keys = 'everywhere.switch = "f8"\neverywhere.settings = "f9"\ncomposer.complete = "f10"\nmessages.leave = "f6"\n'
    async with configured(file, f'theme = "nope"\n[keys]\n{keys}') as pilot:
        await until_told(pilot, "Settings (F9) lists all themes")
        await pilot.press(*"/join x", "enter")
        await until_told(pilot, "There is no channel “x”. Press F8 for the list.")
        await pilot.press("ctrl+u", *"@b")
        await until_seen(pilot, "F10  @bob")
        await pilot.press("up")
        await until_seen(pilot, "Message keys · F6 to write")


async def test_a_rebound_key_works_and_is_shown_wherever_keys_are_named(file: Path) -> None:
    text = '[keys]\nmessages.report = "f7"\ncomposer.send = "f8"\neverywhere.search = "f9"\n'
    async with configured(file, text) as pilot:
        app = app_of(pilot)
        await pilot.press("h", "i", "enter")
        assert app.room.composer.text == "hi\n"
        await pilot.press("f8")
        await until(pilot, lambda: not app.query_one(Composer).text, "sent")
        # The key of the table means nothing any more, so it is text.
        await pilot.press("up", "up", "r")
        await until(pilot, lambda: app.room.composer.text == "r", "a letter")
        await pilot.press("up", "up")
        await until_seen(pilot, "f7 Report")
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(app.screen, ReportForm), "the form")
        await pilot.press("escape", "f9")
        await until_seen(pilot, "Type words")
        await pilot.press("escape", "f1")
        await until_seen(pilot, "f9")


async def test_reduced_motion_stops_the_cursor_of_fields_opened_later(file: Path) -> None:
    async with configured(file, "reduced_motion = true") as pilot:
        await pilot.press("ctrl+f")
        await until_seen(pilot, "Type words")
        await until(pilot, lambda: not app_of(pilot).screen.query_one(Input).cursor_blink, "calm")


async def test_the_server_of_a_successful_login_is_remembered(file: Path) -> None:
    async with configured(file, 'name = "bob"\n') as pilot:
        await until(pilot, lambda: load(file).config.name == "ada", "the name")
        assert load(file).config.server == app_of(pilot).client.options.url


async def test_requested_name_is_saved_instead_of_the_granted_one(file: Path) -> None:
    granted = iter(["ada 2", "ada 3"])
    with scripted_server(ScriptedServer(login=lambda _: Me(next(granted), op=False))) as server:
        write(file, "")
        async with FlagpostApp(Options("ada", server.url, loaded=load(file))).run_test() as pilot:
            await until_seen(pilot, "online as ada 2")
            server.drop()
            await until_seen(pilot, "online as ada 3")
    assert load(file).config.name == "ada"


async def test_server_of_a_settings_file_is_not_saved(tmp_path: Path, file: Path) -> None:
    with scripted_server(ScriptedServer()) as server:
        settings = tmp_path / "settings.toml"
        write(settings, f'Address = "{server.url[5:-3]}"')
        write(file, 'server = "wss://kept.example"')
        async with FlagpostApp(Options("ada", settings=settings, loaded=load(file))).run_test() as pilot:
            await until(pilot, lambda: load(file).config.name == "ada", "the name")
    assert load(file).config.server == "wss://kept.example"


@pytest.mark.parametrize("mark", ["ada:secret@", "?token=secret"])
async def test_a_secret_in_a_url_is_not_saved(file: Path, mark: str) -> None:
    place: Callable[[str], str] = lambda url: (  # noqa: E731 - a table of two
        url.replace("//", f"//{mark}") if mark.endswith("@") else url + mark
    )
    with scripted_server(ScriptedServer()) as server:
        app = FlagpostApp(Options("ada", place(server.url), loaded=load(file)))
        async with app.run_test() as pilot:
            await until(pilot, file.exists, "kept")
            assert "secret" not in read(file)


async def test_the_settings_open_from_the_palette(file: Path) -> None:
    async with configured(file) as pilot:
        await pilot.press("ctrl+g", *"Settings")
        await until(pilot, lambda: len(app_of(pilot).screen.query_one(RowList).rows) == 1, "the command")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app_of(pilot).screen, SettingsScreen), "the settings")


async def test_themes_are_chosen_from_a_list_that_previews_them(file: Path) -> None:
    async with configured(file) as pilot:
        app = app_of(pilot)
        await settings(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, Picker), "the list")
        await pilot.press("down")
        await until(pilot, lambda: app.theme != "flagpost-dark", "the preview")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "flagpost-dark", "the theme of before")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Picker), "the list again")
        await pilot.press(*"nord", "enter")
        await until(pilot, lambda: load(file).config.theme == "nord", "kept")
        assert app.theme == "nord"


async def test_the_settings_show_the_present_name_and_that_changes_are_saved(file: Path) -> None:
    with scripted_server(ScriptedServer()) as server:
        options = Options("ada", server.url, loaded=load(file), demo=False)
        async with FlagpostApp(options).run_test(size=(120, 36)) as pilot:
            await until_seen(pilot, "online as ada")
            app_of(pilot).preferences.config = Config()
            await pilot.press("f2")
            await until_seen(pilot, "ada (now)")
            await until_seen(pilot, "Changes are saved at once in")
