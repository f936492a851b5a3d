"""Slash commands, and keys for status, visited places and the editor."""

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widget import Widget

from server.protocol.frames import (
    Block,
    ClientFrame,
    Mute,
    Presence,
    Say,
    SearchRequest,
    ServerFrame,
    SetStatus,
    WhoEntry,
)
from tests.support.pilots import app_of, case, client, screen_text, until, until_on, until_said, until_seen, until_told
from tests.support.scripted_server import WELCOME, ScriptedServer, scripted_server
from tui.client.entries import Notice
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.room.screen import RoomScreen
from tui.fullscreen.screens.help import HelpScreen
from tui.fullscreen.screens.mentions_screen import MentionsScreen
from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.question import Question
from tui.fullscreen.screens.reports_screen import ReportsScreen
from tui.fullscreen.screens.search_screen import SearchScreen
from tui.fullscreen.typeahead import SILENCE_SECONDS
from tui.fullscreen.widgets.composer import Composer


def being(frame: ClientFrame) -> list[ServerFrame]:
    """Announces ada's status, as the real server does."""
    if not isinstance(frame, SetStatus):
        return []
    return [Presence("ada", "", WhoEntry("ada", 1, frame.status or "online", dnd=bool(frame.dnd)))]


async def write(pilot: Pilot[None], text: str) -> Composer:
    composer = pilot.app.screen.query_one(Composer)
    composer.text = text
    await pilot.press("enter")
    return composer


async def until_text(pilot: Pilot[None], text: str) -> None:
    """Wait until the composer contains exactly this text."""
    composer = pilot.app.screen.query_one(Composer)
    await until(pilot, lambda: composer.text == text, text)


async def until_at(pilot: Pilot[None], place: str) -> None:
    """Wait until this channel or conversation is open."""
    await until(pilot, lambda: app_of(pilot).state.current == place, place)


async def until_sent(pilot: Pilot[None], server: ScriptedServer, frame: ClientFrame) -> None:
    """Wait until this frame is the latest that the server received."""
    await until(pilot, lambda: server.acts[-1:] == [frame], repr(frame))


async def refusal(pilot: Pilot[None], text: str) -> str:
    """Write a text that the client refuses; return the notice about it, which may replace the one before."""
    entries = app_of(pilot).state.timeline.entries
    before = entries[-1]
    await write(pilot, text)
    await until(pilot, lambda: entries[-1] is not before, f"a notice about {text}")
    notice = entries[-1]
    assert isinstance(notice, Notice)
    return notice.text


PLACES = {"/join galley": "galley", "/msg bob": "@bob", "/join #GALLEY": "galley", "/msg @inés ⚓": "@Inés ⚓"}


async def test_commands_open_channels_and_conversations() -> None:
    async with client() as (pilot, server):
        for text, place in PLACES.items():
            with case(text):
                composer = await write(pilot, text)
                await until_at(pilot, place)
                assert not composer.text
        assert not server.sent(Say)


async def test_a_message_can_be_written_to_a_person_in_one_line() -> None:
    async with client() as (pilot, server):
        await write(pilot, "/msg inés ⚓ fair winds")
        said = await until_said(pilot, server)
        assert (said.channel, said.message) == ("@Inés ⚓", "fair winds")


async def test_commands_send_their_requests() -> None:
    wanted: dict[str, ClientFrame] = {
        "/mute bob": Mute("bob"),
        "/status at sea": SetStatus("at sea"),
        "/dnd": SetStatus(dnd=True),
    }
    async with client() as (pilot, server):
        for text, frame in wanted.items():
            await write(pilot, text)
            await until_sent(pilot, server, frame)
        assert server.acts == list(wanted.values())


async def test_block_asks_first() -> None:
    async with client() as (pilot, server):
        await write(pilot, "/block BOB")
        await until(pilot, lambda: isinstance(pilot.app.screen, Question), "the question")
        assert not server.sent(Block)
        # Letters answer once nothing has been typed for a while.
        await pilot.pause(SILENCE_SECONDS)
        await pilot.press("y")
        await until(pilot, lambda: server.sent(Block) == [Block("bob")], "blocked")


async def test_search_with_words_searches_at_once() -> None:
    async with client() as (pilot, server):
        await write(pilot, "/search wind NE")
        await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen), "the search")
        await until(pilot, lambda: bool(server.sent(SearchRequest)), "asked")
        (asked,) = server.sent(SearchRequest)
        assert isinstance(asked, SearchRequest)
        assert asked.query == "wind NE"


SCREENS: dict[str, type[Widget]] = {
    "/help": HelpScreen,
    "/reports": ReportsScreen,
    "/search": SearchScreen,
    "/status": Picker,
    "/mentions": MentionsScreen,
}


async def test_commands_open_the_screens_of_their_keys() -> None:
    async with client() as (pilot, _):
        for text, screen in SCREENS.items():
            await write(pilot, text)
            await until_on(pilot, screen)
            await pilot.press("escape")
            await until_on(pilot, RoomScreen)


async def test_quit_closes_the_connection_normally() -> None:
    async with client() as (pilot, server):
        await write(pilot, "/quit")
        await until(pilot, lambda: server.closes == [1000], "a goodbye")


REFUSED = {
    "/dance now": "Unknown command /dance",
    "/": "Unknown command /",
    "/join nowhere": "There is no channel “nowhere”",
    "/join": "Usage: /join CHANNEL",
    "/dnd please": "/dnd takes no arguments.",
    "/mute No Body": "No one named “No Body” is here",
    "/msg No Body hello": "No one named “No Body hello” is here",
    "/block ada": "That's you",
    "/status " + "x" * 33: "33 characters; the limit is 32",
    "/search " + "x" * 129: "129 characters; the limit is 128",
}
"""What cannot be done, and why not."""


async def test_refused_command_shows_the_reason_and_stays_in_the_composer() -> None:
    async with client() as (pilot, server):
        for text, told in REFUSED.items():
            with case(text):
                assert told in await refusal(pilot, text)
                await until_told(pilot, told)
                await until_text(pilot, text)
        assert server.acts == []


async def test_two_slashes_at_the_beginning_are_sent_as_one() -> None:
    async with client() as (pilot, server):
        await write(pilot, "//join is a command")
        said = await until_said(pilot, server)
        assert said.message == "/join is a command"


async def test_a_command_that_needs_a_connection_stays_in_the_composer_without_one() -> None:
    async with client() as (pilot, server):
        server.login = lambda frame: WhoNobody
        server.drop()
        await until(pilot, lambda: not app_of(pilot).client.online, "offline")
        composer = await write(pilot, "/dnd")
        await until_told(pilot, "You are offline.")
        await until(pilot, lambda: composer.text == "/dnd", "kept")


WhoNobody = Presence("nobody", "waits", None)
"""An answer to a login that does not log in."""


async def test_the_status_is_chosen_by_a_key_and_shown_beside_the_name() -> None:
    async with client(ScriptedServer(answer=being)) as (pilot, server):
        await pilot.press("ctrl+t", *"at sea")
        await until_seen(pilot, "your status")
        await pilot.press("enter")
        await until(pilot, lambda: server.sent(SetStatus) == [SetStatus("at sea")], "said")
        await until_seen(pilot, "  at sea")


async def test_do_not_disturb_is_turned_on_and_off_by_a_key() -> None:
    async with client(ScriptedServer(answer=being)) as (pilot, server):
        await pilot.press("ctrl+t", *"not", "enter")
        await until_seen(pilot, "busy")
        await pilot.press("ctrl+t", *"turn off", "enter")
        await until(pilot, lambda: "busy" not in screen_text(app_of(pilot)), "disturbed again")
        assert server.sent(SetStatus) == [SetStatus(dnd=True), SetStatus(dnd=False)]


async def test_the_status_is_shown_in_a_line_where_the_list_of_people_is_hidden() -> None:
    async with client(ScriptedServer(answer=being), size=(80, 24)) as (pilot, _):
        await write(pilot, "/dnd")
        await until_told(pilot, "Do not disturb is on: no direct messages")
        await until(pilot, lambda: app_of(pilot).state.dnd, "known")
        await write(pilot, "/dnd")
        await until_told(pilot, "Do not disturb is off.")
        await write(pilot, "/status at sea")
        await until_told(pilot, "Status set: at sea")


async def test_the_status_is_restored_after_a_lost_connection() -> None:
    async with client(ScriptedServer(answer=being)) as (pilot, server):
        await write(pilot, "/status at sea")
        await until_seen(pilot, "  at sea")
        server.drop()
        await until(pilot, lambda: len(server.sent(SetStatus)) == 2, "said again")
        assert server.sent(SetStatus)[1] == SetStatus("at sea", dnd=False)


async def test_back_and_forward_go_through_visited_channels() -> None:
    async with client() as (pilot, _):
        state = app_of(pilot).state
        await pilot.press("alt+2")
        await write(pilot, "/msg bob")
        await until(pilot, lambda: state.current == "@bob", "the conversation")
        for key, place in [("left", "galley"), ("left", "lobby"), ("left", "lobby"), ("right", "galley")]:
            await pilot.press(f"alt+{key}")
            assert state.current == place
        await pilot.press("alt+1", "alt+right")
        assert state.current == "lobby"
        await pilot.press("alt+left")
        assert state.current == "galley"


async def test_going_back_skips_a_removed_channel() -> None:
    async with client() as (pilot, server):
        state = app_of(pilot).state
        await pilot.press("alt+2")
        await write(pilot, "/msg bob")
        await until(pilot, lambda: state.current == "@bob", "the conversation")
        server.send(structs.replace(WELCOME, channels=WELCOME.channels[:1]))
        await until(pilot, lambda: "galley" not in state.timelines, "the channel is gone")
        assert "Galley" not in screen_text(app_of(pilot))
        await pilot.press("alt+left")
        assert state.current == "lobby"


async def test_without_an_editor_the_text_stays_and_a_line_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    async with client() as (pilot, _):
        await pilot.press(*"draft")
        for editor, told in (("", "No editor is set"), ("vi 'x", "is malformed"), ("vi", "cannot be suspended")):
            with case(editor):
                monkeypatch.setenv("EDITOR", editor)
                await pilot.press("ctrl+e")
                await until_told(pilot, told)
                assert pilot.app.screen.query_one(Composer).text == "draft"


COMPLETED = {"/jo": "/join ", ":tada": "🎉 ", "so :thumbsu": "so 👍 ", "/msg @bo": "/msg @bob "}


async def test_tab_completes_commands_and_emoji() -> None:
    async with client() as (pilot, _):
        composer = pilot.app.screen.query_one(Composer)
        for keys, text in COMPLETED.items():
            with case(keys):
                composer.text = ""
                await pilot.press(*keys)
                await until_seen(pilot, f"Tab  {text.split()[-1].lstrip('@')}")
                await pilot.press("tab")
                await until_text(pilot, text)
                assert composer.has_focus


async def test_more_completions_than_fit_end_in_an_ellipsis() -> None:
    async with client() as (pilot, _):
        await pilot.press("/")
        await until_seen(pilot, "/help  /join  …")


async def test_text_sent_before_the_first_login_stays_in_the_composer() -> None:
    with scripted_server(ScriptedServer()) as server:
        url = server.url
    from tui.options import Options

    async with FlagpostApp(Options("ada", url)).run_test() as pilot:
        composer = await write(pilot, "hello")
        await until_told(pilot, "Not connected yet")
        await until(pilot, lambda: composer.text == "hello", "kept")
        await write(pilot, "/help")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen), "the keys")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoomScreen), "the room")


async def test_an_operator_has_the_commands_of_the_server() -> None:
    async with client() as (pilot, server):
        await write(pilot, "/kick bob")
        await until_seen(pilot, "Unknown command /kick")
        server.send(Presence("ada", "", WhoEntry("ada", 1, op=True, nickname="The Chief")))
        await until_seen(pilot, "The Chief")
        await write(pilot, '/ban "Some Body" 2')
        await until_sent(pilot, server, Say("", '/ban "Some Body" 2'))
