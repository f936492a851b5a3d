"""The text that the user reads stays in place when messages arrive or vanish, or the width changes."""

import re

from msgspec.structs import replace
from textual import events
from textual.geometry import Size

from tests.support.timeline_app import COUNT, line, viewer
from tui.fullscreen.timeline.allowed import Offers


async def test_the_end_of_the_timeline_is_shown_and_followed() -> None:
    async with viewer() as (pilot, app):
        assert app.seen()[-1] == COUNT
        app.add(COUNT + 1)
        await pilot.pause()
        assert app.seen()[-1] == COUNT + 1
        assert app.rows()[-1]


async def test_code_and_messages_that_name_the_user_have_a_background_in_the_style_sheet() -> None:
    async with viewer(1) as (pilot, app):
        app.timeline.add(replace(line(2), text="```\nx\n```"))
        app.timeline.add(replace(line(3), text="a message for ada"))
        app.view.show_timeline(app.timeline, set(), Offers(reports=True, profiles=True), placeholder="", words=("ada",))
        await pilot.pause()
        strips = app.view.render_lines(app.view.size.region)
        colours = {strip.text.strip(" @⚑"): [*strip][1].style.bgcolor for strip in strips if strip.text.strip()}
        assert len({colours["x"], colours["a message for ada"], colours[line(1).text.strip()]}) == 3


async def test_pages_up_to_the_beginning_show_each_message_once() -> None:
    async with viewer(*range(1, 301)) as (pilot, app):
        pages = [app.rows()]
        while app.view.scroll_y:
            before = app.view.scroll_y
            app.view.scroll_page_up(animate=False)
            await pilot.pause()
            rows = app.rows()
            # The last step up is shorter than a page.
            pages.append(rows if app.view.scroll_y else rows[: app.view.max_scroll_y and len(rows)])
            assert app.view.scroll_y != before
        shown = [number for page in reversed(pages[:-1]) for row in page for number in re.findall(r"<(\d+)>", row)]
        assert shown == [str(number) for number in range(int(shown[0]), 301)]
        assert app.seen()[0] == 1


async def test_the_text_in_view_stays_when_messages_appear_below_or_above_or_vanish() -> None:
    async with viewer(*range(1001, 1001 + COUNT)) as (pilot, app):
        app.view.scroll_to(y=app.view.max_scroll_y // 2, animate=False)
        await pilot.pause()
        read = app.rows()
        app.add(9000, 9001)
        app.add(*range(1, 51))
        app.add(*range(51, 101))
        await pilot.pause()
        assert app.rows() == read
        app.show("sailor 1001")
        assert app.rows() == read
        app.timeline.take_back([1001, 1002, 4000])
        app.show("sailor 1001")
        assert app.rows() == read


async def test_messages_before_a_gap_do_not_move_a_view_that_does_not_follow_the_end() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        app.timeline.cover(1, 3)
        app.show()
        app.view.jump(1)
        await pilot.pause()
        assert not app.view.follows
        for number in (*range(4, 34), 90):
            app.timeline.add(line(number))
        app.timeline.cover(1, 33)
        app.timeline.cover(90, 90)
        app.show()
        await pilot.pause()
        assert app.seen()[0] == 1


async def test_a_view_of_another_width_begins_with_the_same_message() -> None:
    async with viewer() as (pilot, app):
        app.view.scroll_to(y=app.view.max_scroll_y // 2, animate=False)
        await pilot.pause()
        first = app.seen()[0]
        for width in (40, 120, 80):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert app.seen()[0] in {first, first + 1}


async def test_a_message_far_away_can_be_highlighted_and_is_shown_whole() -> None:
    async with viewer() as (pilot, app):
        for number in (1500, 10, COUNT, 1, 2990):
            app.view.jump(number)
            await pilot.pause()
            assert number in app.seen()
            assert app.view.highlighted == line(number)
            row = next(row for row in app.rows() if f"<{number}>" in row)
            assert row.startswith(" ▌")


async def test_the_last_message_is_whole_after_a_jump_and_back() -> None:
    async with viewer() as (pilot, app):
        end = app.rows()
        app.view.jump(5)
        await pilot.pause()
        app.view.action_leave()
        await pilot.pause()
        assert app.rows() == end


async def test_few_messages_are_at_the_bottom_and_an_empty_timeline_says_so() -> None:
    async with viewer(1) as (pilot, app):
        assert app.rows()[-1].startswith("   <1>")
        app.timeline.forget()
        app.show()
        await pilot.pause()
        assert any("nothing" in row for row in app.rows())


async def test_a_message_causes_no_layout_of_the_screen() -> None:
    async with viewer() as (pilot, app):
        laid_out = 0

        def count(_: object) -> None:
            nonlocal laid_out
            laid_out += 1

        app.screen.screen_layout_refresh_signal.subscribe(app.view, count, immediate=True)
        app.add(COUNT + 1)
        await pilot.pause()
        assert not laid_out
        app.post_message(events.Resize(Size(70, 20), Size(70, 20)))
        await pilot.pause()
        assert laid_out


async def test_another_theme_repaints_everything() -> None:
    async with viewer() as (pilot, app):
        rows = app.rows()
        dark = [list(strip) for strip in app.view.render_lines(app.view.size.region)]
        app.theme = "textual-light"
        await pilot.pause()
        light = [list(strip) for strip in app.view.render_lines(app.view.size.region)]
        assert app.rows() == rows
        assert all(one != other for one, other in zip(dark, light, strict=True))
