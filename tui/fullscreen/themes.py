"""Flagpost's own themes: dark, light and high contrast."""

from textual.theme import Theme

DARK = Theme(
    name="flagpost-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#7aa2f7",
    foreground="#d5daf0",
    background="#11131a",
    surface="#161924",
    panel="#1e2231",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={"foreground-muted": "#848aa1"},
)
LIGHT = Theme(
    name="flagpost-light",
    primary="#2b4fc0",
    secondary="#005c75",
    accent="#2b4fc0",
    foreground="#1f2335",
    background="#fbfcfe",
    surface="#f1f3f8",
    panel="#e4e8f1",
    success="#2a6312",
    warning="#7a4d00",
    error="#b0123a",
    dark=False,
    # Used for borders; Textual's own value would be too light to see.
    variables={"foreground-muted": "#555b72", "panel-lighten-2": "#7d86a0"},
)
CONTRAST = Theme(
    name="flagpost-contrast",
    primary="#7fd4ff",
    secondary="#7fe9ff",
    accent="#ffe14d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#5dff8f",
    warning="#ffd23f",
    error="#ff9a9a",
    dark=True,
    variables={
        "foreground-muted": "#cfcfcf",
        "text-muted": "#e0e0e0",
        "text-disabled": "#c0c0c0",
        "panel-lighten-2": "#9a9a9a",
    },
)
THEMES = (DARK, LIGHT, CONTRAST)
