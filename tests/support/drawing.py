"""The screen of a client as text, for tests that look at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget


class Frames:
    """Draws a client's screen only when a test looks, and then once for each change."""

    def __init__(self) -> None:
        self._changes = 0
        self._drawn: tuple[list[object], str] | None = None

    @contextmanager
    def saved(self) -> Iterator[None]:
        """Do not draw each change, since no terminal shows it; drawing takes a quarter of the time of such tests."""
        draw = Compositor.render_update

        def update(
            compositor: Compositor,
            full: bool = False,
            screen_stack: list[Screen[object]] | None = None,
            simplify: bool = False,
        ) -> object:
            self._changes += 1
            if full:
                return draw(compositor, full, screen_stack, simplify)
            visible_screen_stack.set(screen_stack or [])
            compositor._dirty_regions.clear()
            return None

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Compositor, "render_update", update)
            yield
        self._changes, self._drawn = 0, None

    def text(self, app: App[None]) -> str:
        """Return the text of the screen, line by line."""
        # What a dialog leaves visible is drawn from here.
        visible_screen_stack.set(app._background_screens)
        screens = [app.screen, *app._background_screens]
        if not self._changes or any(map(_changes, screens)):
            return _text(app)
        now = [self._changes, *screens]
        if self._drawn is None or self._drawn[0] != now:
            self._drawn = now, _text(app)
        return self._drawn[1]


FRAMES = Frames()


def _text(app: App[None]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def _changes(screen: Screen[object]) -> bool:
    """Return whether something on a screen has changed since its last frame."""
    widgets = (node for node in screen.walk_children(with_self=True) if isinstance(node, Widget))
    return bool(screen._dirty_widgets or screen.message_queue_size) or any(map(_waits, widgets))


def _waits(widget: Widget) -> bool:
    return (
        widget._repaint_required
        or widget._layout_required
        or widget._scroll_required
        or widget._recompose_required
        or widget._refresh_styles_required
    )
