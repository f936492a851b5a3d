"""Replying to a message, and copying text selected with the mouse."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from server.protocol.frames import ClientFrame, Echo, Mute, SearchRequest, SearchResults, ServerFrame
from tests.support.pilots import app_of, client, until, until_seen
from tests.support.scripted_server import PEOPLE, Answer, ScriptedServer, line, relating
from tui.client.entries import Line
from tui.client.quotation import MOST_CHARS, is_bare, original, quotation, words_of
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.row_list import RowList


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("one", "> bob» one"),
        ("\n  one  \n\n", "> bob» one"),
        ("one\ntwo", "> bob» one…"),
        ("> ada» zero\none", "> bob» one"),
        ("```\ncode\n```", "> bob» code"),
        ("> ada» zero", "> bob» "),
        ("a" * (MOST_CHARS + 1), f"> bob» {'a' * MOST_CHARS}…"),
    ],
)
def test_a_quotation_is_one_line_of_what_its_author_wrote(text: str, quoted: str) -> None:
    at = datetime(2026, 3, 14, tzinfo=UTC)
    assert quotation(Line(1, "bob", text, at, mine=False)) == quoted


def test_the_original_of_a_reply_is_the_latest_message_that_it_quotes() -> None:
    at = datetime(2026, 3, 14, tzinfo=UTC)
    said = ["one", "two\nlines", "one", "> bob» zero\none", "three"]
    lines = [Line(number, "bob", text, at, mine=False) for number, text in enumerate(said, 1)]
    replies = {"> bob» one\nyes": 4, "> bob» two…\n": 2, "> bob» three": 5, "one": 0, "> bob» no": 0}
    for text, number in replies.items():
        found = original(Line(9, "ada", text, at, mine=True), lines)
        assert (found.msg_id if found else 0) == number
    assert original(Line(2, "ada", "> bob» three", at, mine=True), lines) is None
    assert words_of("> bob» two…") == "two"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("> bob» one", True),
        (">one\n  > two\n\n", True),
        ("> bob» one\nyes", False),
        ("yes\n> no", False),
        (" \n", False),
    ],
)
def test_a_bare_quotation_has_quoted_lines_only(text: str, bare: bool) -> None:
    assert is_bare(text) is bare


async def test_enter_quotes_a_message_above_what_is_written() -> None:
    async with client() as (pilot, _):
        await pilot.press(*"yes", "up", "enter")
        composer = pilot.app.screen.query_one(Composer)
        await until(pilot, lambda: composer.has_focus, "writing")
        assert composer.text == "> bob» buy my stuff\nyes"
        await pilot.press("!")
        assert composer.text == "> bob» buy my stuff\nyes!"


async def test_a_quotation_leads_to_its_original_or_to_a_search_for_it() -> None:
    replies = Echo([line(1, "bob", "rope"), line(2, "ada", "> bob» rope\nyes"), line(3, "bob", "> ada» old news…\nno")])
    async with client(ScriptedServer(opening=(PEOPLE, replies))) as (pilot, server):
        await pilot.press("up", "up", "g")
        view = app_of(pilot).room.timeline
        await until(pilot, lambda: view.highlighted is not None and view.highlighted.msg_id == 1, "the original")
        await pilot.press("end", "g")
        asked = await asyncio.to_thread(server.next_sent, SearchRequest)
        assert isinstance(asked, SearchRequest)
        assert asked.query == "old news"


async def test_deleted_message_cannot_be_quoted() -> None:
    async with client() as (pilot, _):
        app_of(pilot).state.timeline.take_back([3])
        app_of(pilot).redraw()
        await pilot.press("up", "enter")
        assert pilot.app.screen.query_one(TimelineView).has_focus
        assert pilot.app.screen.query_one(Composer).text == ""


async def test_a_mouse_selection_is_copied_on_release_and_the_composer_keeps_the_focus() -> None:
    async with client() as (pilot, _):
        view = pilot.app.screen.query_one(TimelineView)
        rows = [strip.text for strip in view.render_lines(view.size.region)]
        y = next(number for number, row in enumerate(rows) if "Wind is" in row)
        x = rows[y].index("Wind")
        await pilot.mouse_down(view, offset=(x, y))
        await pilot.hover(view, offset=(x + 6, y))
        await pilot.mouse_up(view, offset=(x + 6, y))
        await until(pilot, lambda: app_of(pilot).clipboard == "Wind is", "copied")
        assert pilot.app.screen.query_one(Composer).has_focus
        app_of(pilot).copy_to_clipboard("")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app_of(pilot).clipboard == "Wind is", "copied again")


MENTIONING = Echo(
    [
        line(1, "bob", "@ada come up"),
        line(2, "Inés ⚓", "@adam is not you, nor is x@ada.example"),
        line(3, "bob", "ada: the galley", "galley"),
        line(4, "ada", "I am @ada"),
        line(5, "Inés ⚓", "and (@Ada)!", "galley"),
        line(6, "bob", "LAST"),
    ]
)


async def test_mentions_are_listed_newest_first_and_enter_opens_one() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MENTIONING))) as (pilot, _):
        await pilot.press("alt+m")
        await until_seen(pilot, "Mentions")
        screen = pilot.app.screen
        await until_seen(pilot, "come up")
        ids = [row.id for row in screen.query_one(RowList).rows]
        assert ids == ["5", "3", "1"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "galley", "in its channel")
        view = app_of(pilot).room.timeline
        await until(pilot, lambda: view.highlighted is not None and view.highlighted.msg_id == 3, "at it")


def searched(frame: ClientFrame) -> Sequence[ServerFrame]:
    """Find one mention in all messages, and an older one after it."""
    if not isinstance(frame, SearchRequest) or not frame.mentions:
        return ()
    if frame.before_id:
        return [SearchResults([line(20, "bob", "Ada, the oldest")], more=False, nonce=frame.nonce)]
    return [SearchResults([line(30, "bob", "old news for @ada", "galley")], more=True, nonce=frame.nonce)]


async def test_mentions_that_are_not_loaded_are_found_by_the_server() -> None:
    async with client(ScriptedServer(answer=searched)) as (pilot, server):
        await pilot.press("alt+m")
        await until_seen(pilot, "old news for @ada")
        await until_seen(pilot, "Ada, the oldest")
        assert [frame.before_id for frame in server.sent(SearchRequest) if isinstance(frame, SearchRequest)] == [0, 30]


def nothing_found() -> Answer:
    """Find nothing, and mute as the real server does."""
    relate = relating()

    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        if isinstance(frame, SearchRequest):
            return [SearchResults([], more=False, nonce=frame.nonce)]
        return relate(frame)

    return answer


async def test_mentions_by_hidden_people_are_left_out_and_an_empty_list_says_so() -> None:
    async with client(ScriptedServer(answer=nothing_found())) as (pilot, server):
        await pilot.press("alt+m")
        await until_seen(pilot, "Nobody has mentioned you.")
        server.send(line(9, "bob", "@ada!"))
        await until_seen(pilot, "@ada!")
        await pilot.press("alt+m")
        app_of(pilot).client.send(Mute("bob"))
        await until(pilot, lambda: "bob" in app_of(pilot).state.relations.hidden, "muted")
        await pilot.press("alt+m")
        await until_seen(pilot, "Nobody has mentioned you.")
        await pilot.press("escape")
        await until_seen(pilot, "online as")
