"""The rows of pickers."""

import pytest

from tui.fullscreen.pickers import themes


@pytest.mark.parametrize(
    ("current", "query", "offered"),
    [
        ("nord", "", ["nord", "dracula", "gruvbox"]),
        ("nord", "gru", ["gruvbox"]),
        # The configuration can name a theme that does not exist; previewing it would end the client.
        ("nosuch", "", ["dracula", "nord", "gruvbox"]),
    ],
)
def test_the_current_theme_is_offered_first_if_it_exists(current: str, query: str, offered: list[str]) -> None:
    assert [row.id for row in themes(["dracula", "nord", "gruvbox"], current, query)] == offered
