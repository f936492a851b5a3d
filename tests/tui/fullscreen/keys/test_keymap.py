"""The names of keys in sentences."""

from collections.abc import Iterator

import pytest

from tui.fullscreen.keys import keymap


@pytest.fixture(autouse=True)
def _no_change_remains() -> Iterator[None]:
    yield
    keymap.change({})


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ("r", "r"),
        ("R", "R"),
        ("slash", "/"),
        ("escape,ctrl+r", "Esc"),
        ("up", "Up"),
        ("f2", "F2"),
        ("pageup", "Page Up"),
        ("ctrl+k", "Ctrl+K"),
        ("alt+question_mark", "Alt+?"),
        ("ctrl+shift+left", "Ctrl+Shift+Left"),
    ],
)
def test_a_sentence_names_a_key_as_keyboards_do(keys: str, named: str) -> None:
    keymap.change({"messages.report": keys})
    assert keymap.pressed("messages.report") == named
