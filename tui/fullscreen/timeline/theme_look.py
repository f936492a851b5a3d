"""Reads the look of a timeline from its widget's styles in the current theme."""

from collections.abc import Mapping
from dataclasses import replace

from textual.style import Style
from textual.widget import Widget

from tui.fullscreen.timeline.look import Look, Styles
from tui.times import current_hours

COMPONENTS = (
    "timeline--text", "timeline--dim", "timeline--code", "timeline--link", "timeline--good", "timeline--bad",
    "timeline--flag", "timeline--highlight", "timeline--named",
)  # fmt: skip
"""The component classes that the widget must have."""


def look_of(widget: Widget, *, reports: bool, compact: bool, words: tuple[str, ...], hues: Mapping[str, int]) -> Look:
    """Return the look of a widget that has the COMPONENTS."""
    names = ("text", "dim", "code", "link", "good", "bad", "flag", "named")
    styles, under = Styles(*(_style(widget, name) for name in names)), widget.background_colors[1]
    lit, named = (widget.get_component_rich_style(f"timeline--{name}") for name in ("highlight", "named"))
    if under.ansi is not None:
        # With the terminal's own colours no tint is possible; the mark in the margin has to suffice.
        named = widget.rich_style
    return Look(
        width=widget.size.width,
        styles=styles,
        plain=widget.rich_style,
        lit=lit,
        named=named,
        reports=reports,
        background=under,
        compact=compact,
        words=words,
        hours=current_hours(),
        hues=hues,
    )


def _style(widget: Widget, name: str) -> Style:
    under = widget.background_colors[1]
    style = widget.get_visual_style(f"timeline--{name}", partial=True)
    if style.foreground and style.foreground.a < 1:
        style = replace(style, foreground=under + style.foreground)
    # Textual's partial style has no background; and a transparent one would be drawn black and hide the highlight.
    own = widget.get_component_styles(f"timeline--{name}").background
    return replace(style, background=None if own.is_transparent else under + own)
