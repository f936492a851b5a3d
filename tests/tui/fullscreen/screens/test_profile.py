"""The profile panel: loading, fields, errors, opening and closing."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Error,
    Profile,
    ProfileField,
    ProfileRequest,
    ServerFrame,
    Webhooks,
)
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import WELCOME, ScriptedServer
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel

FIELDS = [ProfileField("Member since", "2019 🎂"), ProfileField("名前", "ボブ"), ProfileField("[b]Bio[/b]", "one\ntwo")]


def filled(frame: ClientFrame) -> Sequence[ServerFrame]:
    return (
        [Profile(frame.username, FIELDS, frame.nonce, "Keeps the lamp lit")]
        if isinstance(frame, ProfileRequest)
        else ()
    )


async def test_the_profile_of_an_author_shows_headline_and_fields() -> None:
    async with client(ScriptedServer(answer=filled)) as (pilot, server):
        await pilot.press("up", "p")
        await until_seen(pilot, "Keeps the lamp lit")
        shown = screen_text(app_of(pilot))
        for text in ("Member since", "2019 🎂", "名前", "ボブ", "[b]Bio[/b]", "one", "two"):
            assert text in shown
        (ask,) = server.sent(ProfileRequest)
        assert isinstance(ask, ProfileRequest)
        assert ask.username == "bob"


async def test_a_long_headline_leaves_the_fields_in_sight() -> None:
    def wordy(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileRequest):
            return ()
        return [Profile(frame.username, FIELDS, frame.nonce, "Keeps the lamp lit. " * 100)]

    async with client(ScriptedServer(answer=wordy), size=(80, 24)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "Member since")
        assert "…" in screen_text(app_of(pilot))
        assert "Block" in screen_text(app_of(pilot))


async def test_profile_shows_loading_until_it_arrives() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "p")
        await until_seen(pilot, "Asking the site…")
        await until(pilot, lambda: bool(server.sent(ProfileRequest)), "the question")
        server.send(*filled(server.sent(ProfileRequest)[0]))
        await until_seen(pilot, "Keeps the lamp lit")
        assert "Asking the site…" not in screen_text(app_of(pilot))


async def test_an_error_of_the_site_is_shown() -> None:
    def error(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileRequest):
            return ()
        return [Profile(frame.username, [], frame.nonce, error="This profile is private.")]

    async with client(ScriptedServer(answer=error)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "✗ This profile is private.")


async def test_a_refusal_by_the_server_is_shown_in_the_panel() -> None:
    def refused(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileRequest):
            return ()
        return [Error("This site shows no profiles here.", ErrorCode.WEBHOOK_OFF, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(answer=refused)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "✗ This site shows no")


async def test_empty_profile_is_shown_as_empty() -> None:
    def nothing(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileRequest):
            return ()
        return [Profile(frame.username, [], frame.nonce)]

    async with client(ScriptedServer(answer=nothing)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "The site has no information about")


async def test_a_lost_connection_ends_the_loading() -> None:
    async with client() as (pilot, server):
        await pilot.press("up", "p")
        await until_seen(pilot, "Asking the site…")
        server.drop()
        await until_seen(pilot, "The connection was lost")


@pytest.mark.parametrize("way", ["escape", "p", "#profile-close"])
async def test_closing_the_profile_restores_the_focus(way: str) -> None:
    async with client(ScriptedServer(answer=filled)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "Keeps the lamp lit")
        await (pilot.click(way) if way.startswith("#") else pilot.press(way))
        await until(pilot, lambda: not pilot.app.screen.query_one(ProfilePanel).display, "closed")
        assert isinstance(pilot.app.screen.focused, TimelineView)
        assert pilot.app.screen.query_one(PeopleList).display


async def test_the_profile_of_the_highlighted_person_is_shown_from_the_list() -> None:
    async with client(ScriptedServer(answer=filled)) as (pilot, server):
        await pilot.press("ctrl+o", "down", "down", "p")
        await until_seen(pilot, "Keeps the lamp lit")
        (ask,) = server.sent(ProfileRequest)
        assert isinstance(ask, ProfileRequest)
        assert ask.username == "Inés ⚓"


async def test_profile_key_is_unavailable_without_the_webhook() -> None:
    off = ScriptedServer(welcome=structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=False)))
    async with client(off) as (pilot, server):
        await pilot.press("up", "p")
        await pilot.pause()
        assert "Profile" not in screen_text(app_of(pilot))
        await pilot.press("escape", "ctrl+o", "down", "p")
        await pilot.pause()
        assert "Profile" not in screen_text(app_of(pilot))
        assert not server.sent(ProfileRequest)


async def test_a_narrow_terminal_shows_the_panel_beside_the_timeline() -> None:
    async with client(ScriptedServer(answer=filled), size=(80, 24)) as (pilot, _):
        await pilot.press("up", "p")
        await until_seen(pilot, "Keeps the lamp lit")
        assert "buy my stuff" in screen_text(app_of(pilot))
