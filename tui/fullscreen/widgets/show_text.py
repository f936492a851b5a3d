"""Updates a text only if it changes."""

from textual.content import Content
from textual.widgets import Static


def show_text(widget: Static, text: Content) -> None:
    """Show a text, and lay out the screen only if its size may change; Textual would do so for any text."""
    shown = widget.content
    if not (isinstance(shown, Content) and shown.is_same(text)):
        widget.update(text, layout=widget.styles.auto_dimensions)
