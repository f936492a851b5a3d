"""Textual's driver for a page, which ends together with the process that serves the page."""

import os

from textual.drivers.web_driver import WebDriver

LOST = 1


class Driver(WebDriver):
    """Ends the client when its input ends, which happens if the serving process is killed.

    Otherwise the client would stay in the room although no page shows it.
    """

    def run_input_thread(self) -> None:
        """See WebDriver."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            # There is no terminal to restore, and an orderly end would fail to write to the closed pipe.
            os._exit(LOST)
