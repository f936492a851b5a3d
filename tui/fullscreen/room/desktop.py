"""Text for the user's clipboard, and addresses for their browser."""

import asyncio
import os
from collections.abc import Callable

from textual.screen import Screen

from tui.fullscreen import clipboard
from tui.fullscreen.browser import has_browser


class Desktop:
    """Copies text and opens addresses, and shows the result for a moment."""

    def __init__(self, screen: Screen[None], flash: Callable[[str], None]) -> None:
        """`flash` shows a text for a moment."""
        self._screen = screen
        self._flash = flash
        self._selected = ""
        """The selected text when the mouse button was last released; releasing it again must not copy it again."""

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard of the terminal (OSC 52), which works over SSH too."""
        self._screen.app.copy_to_clipboard(text)
        if clipboard.asks_tmux(os.environ):
            self._screen.run_worker(self._copy_in_tmux(text), group="copy", exclusive=True)
        else:
            self._flash(clipboard.sent(os.environ))

    async def _copy_in_tmux(self, text: str) -> None:
        self._flash(await clipboard.load_tmux(text, os.environ))

    def copy_selection(self) -> None:
        """Copy the selection when the mouse button is released, as terminals do."""
        text = self._screen.get_selected_text() or ""
        if text and text != self._selected:
            self.copy(text)
        self._selected = text

    async def open(self, url: str) -> None:
        """Open an address in the user's browser, or copy it if there is none."""
        app = self._screen.app
        if app.is_web:
            app.open_url(url)
        elif has_browser(os.environ):
            # This can block until the browser answers.
            await asyncio.to_thread(app.open_url, url)
            self._flash("Opened in your browser.")
        else:
            app.copy_to_clipboard(url)
            self._flash("No browser can be opened here, so the address was copied.")
