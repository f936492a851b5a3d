"""What the page may send: messages of a few kinds, and sizes within limits."""

import pytest

from tui.web.page_messages import (
    MAX_HEIGHT,
    MAX_WIDTH,
    BadPageMessage,
    Blur,
    Focus,
    PageMessage,
    PagePing,
    Resize,
    Size,
    Stdin,
    asked_size,
    decode,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["stdin","é\\u001b[A"]', Stdin("é\x1b[A")),
        ('["resize",{"width":80,"height":24}]', Resize(Size(80, 24))),
        ('["ping","1"]', PagePing("1")),
        ('["blur"]', Blur()),
        ('["focus"]', Focus()),
    ],
)
def test_messages_of_the_page_are_decoded(text: str, message: PageMessage) -> None:
    assert decode(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '["quit"]',
        '["stdin"]',
        '["stdin",1]',
        '["stdin","\\ud800"]',
        '["ping",{}]',
        '["resize"]',
        '["resize",{"width":"80","height":24}]',
        '["resize",{"width":80}]',
        '["resize",{"width":true,"height":24}]',
        '["resize",{"width":null,"height":24}]',
        '["resize",{"width":NaN,"height":24}]',
        '["resize",{"width":1e400,"height":24}]',
        '["resize",{"width":80.5,"height":24}]',
        '["resize",{"width":' + "9" * 5000 + ',"height":24}]',
        "[" * 100_000,
        '["blur",' + "[" * 100_000 + "]" * 100_001,
    ],
)
def test_other_messages_are_refused(text: str) -> None:
    with pytest.raises(BadPageMessage, match="not a message of the page"):
        decode(text)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        ("80", "24", Size(80, 24)),
        ("500", "200", Size(500, 200)),
        ("501", "201", Size(500, 200)),
        ("999999999", "999999999", Size(500, 200)),
        ("0", "0", Size(1, 1)),
        ("007", "1", Size(7, 1)),
    ],
)
def test_the_size_in_the_url_is_bounded(width: str, height: str, size: Size) -> None:
    assert asked_size({"width": width, "height": height}) == size


def test_the_default_size_is_used_if_none_is_requested() -> None:
    assert asked_size({}) == Size(80, 24)


@pytest.mark.parametrize(
    "cells", ["", "-1", "+1", "1.5", "1e3", "NaN", "undefined", " 80", "٣", "²", "9" * 5000, "0x50", "8_0"]
)
def test_a_size_that_is_not_a_number_is_refused(cells: str) -> None:
    for query in ({"width": cells}, {"height": cells}):
        with pytest.raises(BadPageMessage, match="numbers of cells"):
            asked_size(query)


@pytest.mark.parametrize("cells", [-(10**12), -1, 0, 1, 500, 501, 10**12])
def test_a_new_size_is_bounded(cells: int) -> None:
    size = Size(cells, cells).bounded()
    assert 1 <= size.width <= MAX_WIDTH
    assert 1 <= size.height <= MAX_HEIGHT
