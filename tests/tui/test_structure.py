"""Untrusted names and texts cannot imitate the lines around them: each line can be parsed back exactly."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style as Ink
from textual.style import Style

from server.protocol import frames, name_text
from tests.support.folding import fold
from tests.support.imitation import TEXTS
from tui.client.entries import Entry, Line, Notice
from tui.client.news import NewMessage
from tui.client.own_relations import OwnRelations
from tui.client.quotation import MARK, quotation
from tui.client.state import ClientState
from tui.fullscreen.notices import Notices
from tui.fullscreen.timeline.blocks import AUTHOR, MARKS, render
from tui.fullscreen.timeline.look import FLAG_CELLS, LEAST_COLUMN_CELLS, LEFT_CELLS, Look, Styles
from tui.plain import output
from tui.text import clean, clean_line
from tui.tone import Tone

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
NAMES, LINES = TEXTS.map(clean_line), TEXTS.map(clean)
"""Cleaned, as every frame is before the client uses it."""
NOTES = {
    (False, False): "",
    (True, False): " (deleted)",
    (False, True): " (reported)",
    (True, True): " (deleted and reported)",
}
QUOTED = r"“([^“”]*)”"


def line(author: str, text: str, *, taken_back: bool = False, reported: bool = False) -> Line:
    return Line(1, author, text, AT, mine=False, taken_back=taken_back, report="delivered" if reported else None)


def state(channel: str, place: str, text: str, author: str) -> ClientState:
    """A state with one channel and one message in it."""
    made = ClientState(now=lambda: AT)
    limits, webhooks = frames.Limits(), frames.Webhooks(report=True, profile=True)
    fold(made, frames.Welcome("e", "Room", [frames.ChannelEntry(channel, place)], webhooks, [], limits))
    fold(made, frames.Message(channel, author, text, 1, AT))
    return made


def begins_like_nothing_else(told: str) -> list[str]:
    """Return the lines of an output without the mark of continued lines; fail if one lacks it."""
    first, *others = told.split("\n")
    assert all(each.startswith(output.CONTINUED) for each in others)
    assert len(told.splitlines()) == 1 + len(others), "no other character ends a line"
    return [first, *(each.removeprefix(output.CONTINUED) for each in others)]


@given(NAMES, LINES, NAMES, st.booleans(), st.booleans())
def test_a_plain_message_parses_back_to_place_author_and_text(
    author: str, text: str, place: str, taken_back: bool, reported: bool
) -> None:
    made = state("lobby", place, text, author)
    said = line(author, text, taken_back=taken_back, reported=reported)
    told = "\n".join(begins_like_nothing_else(output.message(2, "14:02", made.place_of("lobby"), said).text))
    found = re.fullmatch(r"\[2\] 14:02 # ([^»]*), ([^,(»]*?)((?: \([^)]*\))?)»(?: (.*))?", told, re.DOTALL)
    assert found
    where, who, notes, words = found.groups()
    assert where == name_text.place(place)
    assert who == name_text.shown(author)
    assert notes == NOTES[taken_back, reported]
    assert (words or "").rstrip() == text.rstrip()


@given(NAMES, LINES)
def test_a_line_about_a_message_begins_with_its_number(author: str, text: str) -> None:
    made = state("lobby", "Lobby", text, author)
    transcript = output.Transcript(made)
    assert [begins_like_nothing_else(each.text)[0][:4] for each in transcript.news()] == ["[1] "]
    fold(made, frames.Takeback(1))
    (told,) = transcript.news()
    found = re.fullmatch(rf"\* \[1\] {QUOTED} deleted this message", told.text)
    assert found
    assert found[1] == name_text.shown(author)


@given(NAMES, NAMES, st.booleans())
def test_the_list_of_people_parses_back_to_name_and_status(name: str, status: str, dnd: bool) -> None:
    made = ClientState(now=lambda: AT)
    fold(made, frames.Who([frames.WhoEntry(name, 1, status, dnd=dnd)]))
    _, told = output.people(made)
    found = re.fullmatch(r"\* ([^(»]*?)( \(do not disturb\))?(?:» (.*))?", told.text)
    assert found
    assert (found[1], bool(found[2])) == (name_text.shown(name), dnd)
    assert (found[3] or "") == ("" if status == "online" else status)


@given(NAMES, NAMES, NAMES, LINES)
def test_a_profile_is_one_notice(name: str, headline: str, field: str, value: str) -> None:
    made = ClientState(now=lambda: AT)
    made.ask_profile(name, "n")
    fold(made, frames.Profile(name, [frames.ProfileField(field, value)], "n", headline))
    (told,) = output.profile(made)
    first, second, *others = begins_like_nothing_else(told.text)
    assert first == f"* Profile of {name_text.said(name, headline)}".rstrip()
    assert "\n".join([second, *others]) == f"{field}: {value}".replace("\n", f"\n{output.CONTINUED}")


@given(NAMES, LINES)
def test_a_quotation_parses_back_to_author_and_excerpt(author: str, text: str) -> None:
    said = quotation(line(author, text))
    assert said.startswith(MARK)
    assert len(said.splitlines()) == 1
    who, separator, excerpt = said.removeprefix(MARK).partition(name_text.SEPARATOR)
    assert (who, separator) == (name_text.shown(author), name_text.SEPARATOR)
    assert excerpt.removesuffix("…") in " ".join(text.split("\n"))


@given(NAMES, NAMES, LINES, st.integers(1, 3))
def test_a_desktop_notification_parses_back_to_author_place_and_text(
    author: str, place: str, text: str, count: int
) -> None:
    written: list[str] = []
    notices = Notices(
        written.append, {"TERM_PROGRAM": "iTerm.app"}, lambda _: "all", iter(range(0, 1000, 100)).__next__
    )
    where = state("lobby", place, "", "bob").place_of("lobby")
    notices.notify([NewMessage("lobby", where, author, text, mentioned=True, direct=False)] * count, dnd=False)
    said = next(each for each in written if each.startswith("\x1b]9;"))
    found = re.fullmatch(r"\x1b\]9;⚑ ([^(»#]*?)((?: \(and \d more\))?) in # (.*?)» (.*)\x1b\\", said)
    assert found
    assert found[1] == name_text.shown(author)
    assert bool(found[2]) == (count > 1)
    assert found[3] == name_text.place(place)
    assert found[4] == clean_line(text)


@given(NAMES)
def test_notices_about_people_name_them_between_quotation_marks(name: str) -> None:
    told = []
    relations = OwnRelations()
    relations.toggle_mute(name)
    told += relations.fold(frames.Relations([name], []))
    relations.toggle_block(name)
    told += relations.fold(frames.Relations([name], [name]))
    relations.toggle_block(name)
    told += relations.fold(frames.Relations([name], []))
    made = ClientState(now=lambda: AT)
    made.look_at(f"@{name}")
    fold(made, frames.Presence(name, "has left."))
    told += [each.text for each in made.timeline.entries if isinstance(each, Notice)]
    assert len(told) == 4
    for each in told:
        found = re.match(QUOTED, each)
        assert found
        assert found[1] == name_text.shown(name)


def rows(entry: Entry, *, compact: bool, width: int = 60) -> list[tuple[str, str]]:
    """Return the margin and the rest of each line of an entry."""
    look = Look(width, Styles(*[Style()] * 8), Ink(), Ink(), Ink(), reports=False, compact=compact)
    block = render(entry, look, above=None, before=line("zoe", "before"))
    return [(each.text[:LEFT_CELLS].strip(), each.text[LEFT_CELLS:]) for each in list(block.strips)[block.head :]]


@given(NAMES, LINES, st.integers(LEFT_CELLS + LEAST_COLUMN_CELLS + FLAG_CELLS, 80))
def test_a_compact_line_parses_back_to_its_author_and_continued_lines_are_marked(
    author: str, text: str, width: int
) -> None:
    (margin, first), *others = rows(line(author, text), compact=True, width=width)
    found = re.fullmatch(r"\d\d:\d\d ([^»]*)» .*", first)
    assert found
    shown = name_text.shown(author)
    assert found[1].lstrip() == shown.lstrip() or shown.startswith(found[1].strip().removesuffix("…"))
    # No text begins left of its column, where time and author are.
    column = cell_len(first[: found.end(1)])
    assert all(rest.startswith(" " * column + "┊ ") for _, rest in others)
    assert {margin, *(each for each, _ in others)} == {""}


@pytest.mark.parametrize("compact", [False, True])
@given(author=NAMES, text=LINES, tone=st.sampled_from(Tone))
def test_only_an_author_and_a_notice_have_their_mark_in_the_margin(
    compact: bool, author: str, text: str, tone: Tone
) -> None:
    margins = [margin for margin, _ in rows(line(author, text), compact=compact)]
    assert margins[0] == ("" if compact else AUTHOR)
    assert set(margins[1:]) <= {""}
    first, *others = rows(Notice(text, tone), compact=compact)
    assert first[0] == MARKS[tone]
    assert all(margin == "┊" for margin, _ in others)


def test_the_line_of_a_day_begins_in_the_margin() -> None:
    look = Look(60, Styles(*[Style()] * 8), Ink(), Ink(), Ink(), reports=False)
    block = render(line("ada", "x"), look, above=None, before=None, new=True)
    rules = [each.text for each in list(block.strips)[: block.head] if each.text.strip()]
    assert len(rules) == 2
    assert all(each.startswith("─" * LEFT_CELLS) for each in rules)
    forged = line("ada", rules[0].strip())
    later = render(forged, look, above=forged, before=forged)
    assert not any(each.text.startswith("─") for each in later.strips)
