"""An updated stack shows the same as a new stack of the same timeline."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.style import Style as Ink
from textual.style import Style

from tui.client.entries import Line, Notice, Pending
from tui.client.hues import HUES, usual
from tui.client.timeline import Timeline
from tui.fullscreen.timeline.look import Look, Styles
from tui.fullscreen.timeline.stack import Stack, moved

LOOK = Look(40, Styles(*[Style()] * 8), Ink(), Ink(bold=True), Ink(), reports=True)
AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
HIDDEN = frozenset({"mallory"})


def line(number: int, words: int = 3) -> Line:
    author = ("ada", "bob", "bob", "mallory")[number % 4]
    return Line(number, author, f"text {number} " * words, AT + timedelta(minutes=number), author == "ada")


def filled(*numbers: int) -> Timeline:
    made = Timeline("lobby", "Lobby")
    for number in numbers:
        made.add(line(number))
    return made


def lines(stack: Stack) -> list[str]:
    """Return the lines that the stack shows, found by its index of heights."""
    stack.measure(len(stack.entries), above=10**6, below=0)
    found = []
    for at in range(stack.height):
        place = stack.at(at)
        assert place
        number, row = place
        assert stack.start(number) + row == at
        assert at < stack.end(number)
        found.append(stack.block(number).strips[row].text)
    return found


ACTS: list[Callable[[Timeline, int], object]] = [
    lambda timeline, number: timeline.add(line(number)),
    lambda timeline, number: timeline.add(line(number), f"n{number}"),
    lambda timeline, number: timeline.add(line(number, 40)),
    lambda timeline, number: timeline.note(Notice(f"notice {number}")),
    lambda timeline, number: timeline.await_confirmation(Pending(f"n{number}", "ada", "wait", AT)),
    lambda timeline, number: timeline.fail(f"n{number}", "too long\nby far"),
    lambda timeline, number: timeline.take_back([number]),
    lambda timeline, number: timeline.mark_reported({number: "waiting"}),
    lambda timeline, number: timeline.forget() if number == 1 else None,
]


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 15), st.booleans()), max_size=30))
def test_an_updated_stack_equals_a_new_one(acts: list[tuple[Callable[[Timeline, int], object], int, bool]]) -> None:
    timeline = Timeline("lobby", "Lobby")
    stack = Stack(timeline, HIDDEN, LOOK)
    awaited = set()
    for act, number, looks in acts:
        if act is ACTS[4]:
            # A nonce is used only once.
            if number in awaited:
                continue
            awaited.add(number)
        act(timeline, number)
        if looks:
            stack.apply(timeline.pop_changes())
            lines(stack)
    stack.apply(timeline.pop_changes())
    assert lines(stack) == lines(Stack(timeline, HIDDEN, LOOK))


@given(st.lists(st.integers(1, 40), unique=True, min_size=1), st.data())
def test_a_message_is_found_again_after_others_were_added(numbers: list[int], data: st.DataObject) -> None:
    timeline = filled(*numbers)
    timeline.pop_changes()
    number = data.draw(st.integers(0, len(numbers) - 1))
    entry = timeline.entries[number]
    for other in data.draw(st.lists(st.integers(1, 40))):
        timeline.add(line(other))
    timeline.note(Notice("n"))
    assert timeline.entries[moved(number, timeline.pop_changes())] == entry


def test_messages_of_hidden_people_take_no_lines_and_those_around_them_are_grouped() -> None:
    timeline = Timeline("lobby", "Lobby")
    for number, author in enumerate(["bob", "mallory", "bob"], 1):
        timeline.add(Line(number, author, f"text {number}", AT, mine=False))
    shown = [text.strip(" ⚑•") for text in lines(Stack(timeline, HIDDEN, LOOK))]
    assert shown[2:] == [f"bob  {AT.astimezone():%H:%M}", "text 1", "text 3"]


def test_the_first_message_of_each_day_has_the_day_above_it_whatever_notices_are_between() -> None:
    timeline = Timeline("lobby", "Lobby")
    for number, hours in enumerate([0, 0.01, 48, 48.01], 1):
        timeline.add(Line(number, "bob", f"text {number}", AT + timedelta(hours=hours), mine=False))
        timeline.note(Notice("n"))
    days = [AT, AT + timedelta(hours=48)]
    shown = lines(Stack(timeline, frozenset(), LOOK))
    dated = [number for number, row in enumerate(shown) if "──" in row]
    assert [shown[number].strip(" ─") for number in dated] == [f"{at.astimezone():%A, %d %B %Y}" for at in days]
    assert [shown[number + 2].strip(" ⚑") for number in dated] == ["text 1", "text 3"]


def test_only_messages_near_the_view_are_wrapped() -> None:
    timeline = Timeline("lobby", "Lobby")
    for number in range(1, 1001):
        # Takes more lines than its length suggests.
        timeline.add(Line(number, "bob", "a\nb\nc", AT, mine=False))
    stack = Stack(timeline, frozenset(), LOOK)
    estimated = [stack.end(number) - stack.start(number) for number in range(1000)]
    stack.measure(500, above=20, below=20)
    after = [stack.end(number) - stack.start(number) for number in range(1000)]
    changed = [number for number in range(1000) if estimated[number] != after[number]]
    assert changed
    assert set(changed) <= set(range(480, 521))


def test_steps_count_only_shown_messages() -> None:
    timeline = filled(1, 2, 3, 4, 5)
    timeline.note(Notice("n"))
    stack = Stack(timeline, HIDDEN, LOOK)
    assert stack.step(1, 1) == (3, 0)
    assert stack.step(6, -1) == (4, 0)
    assert stack.step(0, 9) == (4, 6)
    assert stack.step(0, -1) == (0, 1)


def test_a_changed_width_wraps_all_messages_again() -> None:
    timeline = filled(*range(1, 30))
    stack = Stack(timeline, frozenset(), LOOK)
    narrow = lines(stack)
    stack.restyle(replace(LOOK, width=80))
    assert lines(stack) == lines(Stack(timeline, frozenset(), replace(LOOK, width=80))) != narrow


def test_only_the_hue_of_an_author_restyles_what_was_rendered() -> None:
    stack = Stack(filled(1, 2, 3), frozenset(), LOOK)
    block = stack.block(0)
    others = replace(LOOK, hues={"newcomer": 3, "mallory": (usual("mallory") + 1) % HUES})
    assert not stack.restyle(others)
    assert stack.block(0) is block
    assert stack.look is others
    assert stack.restyle(replace(LOOK, hues={"bob": (usual("bob") + 1) % HUES}))
    assert stack.block(0) is not block
