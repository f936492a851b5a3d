"""A film is one SVG that plays by itself, in which what frames have in common stands once."""

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from xml.etree.ElementTree import fromstring

from rich.console import Console

from docs.film import SVG, Frame, Size, compose

SIZE = Size(20, 3)
RECORDING = Path(__file__).parents[2] / "docs" / "recording.svg"


def picture(*lines: str) -> str:
    console = Console(record=True, width=SIZE.columns, file=StringIO())
    for line in lines:
        console.print(line, markup=False, highlight=False)
    return console.export_svg()


def film(*frames: Frame, still: int = 0) -> str:
    return compose(frames, SIZE, 60, still)


def frame(*lines: str, caption: str = "", keys: Sequence[str] = (), share: float = 1) -> Frame:
    return Frame(picture(*lines), caption, keys, share)


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in fromstring(svg).iter(f"{SVG}text")]


def moments(svg: str) -> list[list[tuple[str, str]]]:
    rules = re.findall(r"@keyframes f\d+ \{(.*)\}", svg)
    return [re.findall(r"([\d.]+)% \{ visibility: (\w+) \}", rule) for rule in rules]


def test_a_line_of_several_frames_stands_once_and_is_used_by_each() -> None:
    svg = film(frame("ahoy", "one"), frame("two", "ahoy"))
    assert texts(svg).count("ahoy") == 1
    ahoy = next(line.get("id") for line in fromstring(svg).iter(f"{SVG}g") if line.findtext(f"{SVG}text") == "ahoy")
    assert [use.get("y") for use in fromstring(svg).iter(f"{SVG}use") if use.get("href") == f"#{ahoy}"] == ["0", "23.2"]


def test_frames_follow_each_other_for_their_share_of_the_whole() -> None:
    svg = film(frame(share=1), frame(share=2), frame(share=1))
    assert "60s step-end infinite" in svg
    assert moments(svg) == [
        [("0.0000", "visible"), ("25.0000", "hidden")],
        [("0", "hidden"), ("25.0000", "visible"), ("75.0000", "hidden")],
        [("0", "hidden"), ("75.0000", "visible"), ("100.0000", "hidden")],
    ]


def test_where_nothing_may_move_the_chosen_frame_is_seen() -> None:
    assert "#f1 { visibility: visible }" in film(frame(), frame(), still=1)


def test_wide_letters_have_two_cells_and_move_what_follows() -> None:
    parts = {
        part.text: (part.get("x"), part.get("textLength"))
        for part in fromstring(film(frame("a 小林 b"))).iter(f"{SVG}text")
    }
    assert parts["小林"] == ("24.4", "48.8")
    assert parts["\xa0b"] == ("73.2", "24.4")


def test_what_people_wrote_is_text() -> None:
    svg = film(frame("</style><script>", caption="<b>&", keys=["<"]))
    assert {"</style><script>", "<b>&", "<"} <= set(texts(svg))


def test_the_recording_is_three_minutes_and_needs_nothing_from_elsewhere() -> None:
    svg = RECORDING.read_text(encoding="utf-8")
    assert "180s step-end infinite" in svg
    assert len(svg) < 1_500_000
    names = {element.tag.removeprefix(SVG) for element in fromstring(svg).iter()}
    assert names == {"svg", "style", "defs", "g", "rect", "circle", "text", "use"}
    assert not re.search(r"url\(|@import|@font-face", svg)
