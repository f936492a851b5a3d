"""The rows of pickers."""

from datetime import UTC, datetime

import pytest

from tui.client.state import ClientState
from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.pickers import commands, statuses, themes

ROW_CELLS = 52
"""The width of a row in the picker, without its border, sides and scrollbar."""


def test_no_key_or_status_is_cut() -> None:
    rows = commands([key for key in KEYS if key.in_palette], (), "") + statuses(
        ClientState(now=lambda: datetime(2026, 3, 14, tzinfo=UTC)), ""
    )
    assert not [row.left.plain for row in rows if "…" in row.fit(ROW_CELLS)[0].plain]


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
