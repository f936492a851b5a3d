"""Text is selected with the mouse, stays selected as the timeline grows, and is copied without wrapping."""

from msgspec.structs import replace
from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.pilot import Pilot

from tests.support.timeline_app import COUNT, Viewer, line, viewer
from tui.client.entries import Notice, Pending


def where(app: Viewer, text: str, inside: int = 0) -> Offset:
    """Return the position of a text on the screen."""
    y, row = next((y, row) for y, row in enumerate(app.rows()) if text in row)
    return Offset(row.index(text) + inside, y)


async def drag(pilot: Pilot[None], start: Offset, end: Offset) -> None:
    """Drag the mouse from one cell to another."""
    await pilot.mouse_down(offset=start)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)
    await pilot.pause()


def marked(app: Viewer) -> str:
    """Return the text that looks selected, line by line."""
    ink = app.screen.get_component_rich_style("screen--selection")
    strips = app.view.render_lines(app.view.size.region)
    rows = ("".join(each.text for each in strip if (each.style or Style()).bgcolor == ink.bgcolor) for strip in strips)
    return "\n".join(row for row in rows if row)


def copied(app: Viewer) -> str:
    app.screen.action_copy_text()
    return app.clipboard


async def test_a_part_of_a_line_is_selected_and_copied() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        await drag(pilot, where(app, "story"), where(app, "story", 4))
        assert marked(app) == copied(app) == "story"


async def test_dragging_upwards_and_from_right_to_left_selects_the_same() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        start, end = where(app, "<1>"), where(app, "<2>", 2)
        await drag(pilot, end, start)
        both = copied(app)
        await drag(pilot, start, end)
        assert copied(app) == both == f"{line(1).text}\n<2>"


async def test_a_selection_across_messages_omits_what_is_not_text_and_joins_wrapped_lines() -> None:
    async with viewer(3, 4, 5, 6) as (pilot, app):
        await drag(pilot, Offset(0, where(app, "<4>").y), where(app, "<6>", 2))
        texts = [line(number).text for number in (4, 5)]
        head = next(row for row in app.rows() if "sailor 2" in row).strip(" ⚑•")
        assert copied(app) == "\n".join([*texts, "", head, "<6>"])
        assert "⚑" not in marked(app)


async def test_the_rule_of_a_day_is_not_selected() -> None:
    async with viewer(1) as (pilot, app):
        app.timeline.add(replace(line(2), at=line(2).at.replace(month=5)))
        app.show()
        await pilot.pause()
        await drag(pilot, where(app, "<1>"), where(app, "<2>", 2))
        assert "──" not in copied(app) + marked(app)
        assert app.clipboard.endswith("\n<2>")


async def test_wide_characters_are_selected_whole() -> None:
    async with viewer(1) as (pilot, app):
        app.timeline.add(replace(line(2), text="灯台の灯"))
        app.show()
        await pilot.pause()
        y = where(app, "灯台").y
        await drag(pilot, Offset(5, y), Offset(7, y))
        assert marked(app) == copied(app) == "台の"


TYPED = (
    "rm -rf build/*.o tmp/*.o", "*a* **b** ~~c~~ `d`  e", "all:\n\tgcc\t-o a\n\n\tls ", r"¯\_(ツ)_/¯ \*a\*",
    "```py\nx = 1\n```", "http://exämple.com/ä and [a](https://b.example)", "__init__ " + "word\t" * 40,
    "```insult\n" + "x" * 200, "  indented",
)  # fmt: skip


async def test_the_mouse_copies_what_was_typed() -> None:
    async with viewer(1) as (pilot, app):
        for number, text in enumerate(TYPED, 2):
            app.timeline.add(replace(line(2), msg_id=number, author=f"sailor {number}", text=text))
            app.show()
            app.view.select_block(number - 1)
            assert copied(app).partition("\n")[2] == text
            shown = "".join("".join(marked(app).split("\n")[1:]).split())
            typed = "".join(text.split())
            assert shown.replace("(xn--exmple-cua.com)", "") == typed
        await pilot.pause()


async def test_the_selection_stays_when_messages_appear_above_and_below() -> None:
    async with viewer(*range(1001, 1001 + COUNT)) as (pilot, app):
        app.view.scroll_to(y=app.view.max_scroll_y // 2, animate=False)
        await pilot.pause()
        await drag(pilot, Offset(0, 4), Offset(40, 9))
        before = marked(app)
        text = copied(app)
        app.add(9000, *range(1, 51))
        await pilot.pause()
        assert marked(app) == before
        assert copied(app) == text


async def test_notices_and_what_is_not_sent_yet_can_be_selected() -> None:
    async with viewer(1) as (pilot, app):
        app.timeline.note(Notice("one\ntwo"))
        app.timeline.await_confirmation(Pending("n", "ada", "my words", line(1).at))
        app.show()
        await pilot.pause()
        await drag(pilot, where(app, "two"), where(app, "my words", 7))
        text = copied(app)
        assert text.startswith("two\n")
        assert text.endswith("my words")
        assert text == marked(app).replace("\nada", "\n\nada")


async def test_messages_of_hidden_people_are_not_copied() -> None:
    async with viewer(1, 2, 3, 4, 5, 6) as (pilot, app):
        app.show("sailor 1")
        await pilot.pause()
        await drag(pilot, where(app, "<1>"), where(app, "<6>"))
        assert "<4>" not in copied(app)


async def test_a_click_clears_the_selection_and_highlights_a_message() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        await drag(pilot, where(app, "<1>"), where(app, "<3>"))
        assert app.view.highlighted is None
        assert marked(app)
        await pilot.click(offset=where(app, "<2>"))
        await pilot.pause()
        assert app.view.highlighted == line(2)
        assert app.view.has_focus
        assert not marked(app)


async def test_a_click_after_scrolling_highlights_what_is_under_the_mouse() -> None:
    async with viewer() as (pilot, app):
        app.view.scroll_to(y=app.view.max_scroll_y // 2, animate=False)
        await pilot.pause()
        number = app.seen()[1]
        await pilot.click(offset=where(app, f"<{number}>"))
        await pilot.pause()
        assert app.view.highlighted == line(number)


async def test_two_clicks_select_a_message() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        await pilot.click(app.view, offset=where(app, "<2>"), times=2)
        await pilot.pause()
        assert copied(app) == line(2).text


async def test_another_timeline_and_another_width_end_the_selection() -> None:
    async with viewer(1, 2, 3) as (pilot, app):
        await drag(pilot, where(app, "<1>"), where(app, "<3>"))
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        assert not marked(app)
        await drag(pilot, where(app, "<1>"), where(app, "<3>"))
        assert marked(app)
        app.timeline = type(app.timeline)("galley", "Galley")
        app.add(1, 2, 3)
        await pilot.pause()
        assert not marked(app)


async def test_dragging_to_the_edge_scrolls_and_the_selection_grows() -> None:
    async with viewer() as (pilot, app):
        start = app.seen()[-1]
        await pilot.mouse_down(offset=where(app, f"<{start}>"))
        await pilot.hover(offset=Offset(3, 10))
        top = app.view.max_scroll_y
        # A pilot's mouse events have no delta, but Textual scrolls only if the mouse moved up or down.
        move = events.MouseMove(None, 3, 1, 0, -9, 1, shift=False, meta=False, ctrl=False)
        app.screen._forward_event(move)
        for _ in range(500):
            if app.view.scroll_y < top - 60:
                break
            await pilot.pause(0.02)
        await pilot.hover(offset=Offset(3, 2))
        await pilot.mouse_up(offset=Offset(3, 2))
        await pilot.pause()
        text = copied(app)
        assert text.endswith("<")
        assert text.count("<") > 20
