"""Asking the user: a question, a choice from a list, or any other screen over the room."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from textual.screen import Screen
from textual.worker import Worker

from tui.fullscreen.screens.picker import Picker
from tui.fullscreen.screens.question import Question
from tui.fullscreen.typeahead import TypeAhead
from tui.fullscreen.widgets.rows import ListRow

Result = TypeVar("Result")


class Dialogs:
    """Opens dialogs over a screen, one at a time; input that is typed before a dialog is open waits for it."""

    def __init__(self, screen: Screen[None], typeahead: TypeAhead, write: Callable[[], None]) -> None:
        """`write` focuses the composer."""
        self._screen = screen
        self._typeahead = typeahead
        self._write = write

    def start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a coroutine that asks the user, and cancel the previous one if it is still running."""

        async def run() -> None:
            with self._typeahead.working():
                await work()

        _: Worker[None] = self._screen.run_worker(run, group="form", exclusive=True)

    async def ask(self, question: str, yes: str, *, sends: bool = False) -> bool:
        """Ask a yes/no question; return True for yes. Call it only in a coroutine run by `start`.

        Input that does not answer the question goes to the composer afterwards. This includes Enter only if `sends` is
        set and the answer is yes.
        """
        asked = Question(question, yes, "Cancel")
        answer = await self.result_of(asked)
        if typed := asked.deferred(send=sends and answer):
            self._write()
            self._typeahead.replay(typed)
        return answer

    async def choose(self, placeholder: str, offer: Callable[[str], Sequence[ListRow]]) -> str | None:
        """Return the ID of the row that the user picks, or None. Call it only in a coroutine run by `start`."""
        return await self.result_of(Picker(placeholder, offer))

    async def result_of(self, screen: Screen[Result]) -> Result:
        """Show a screen and return its result. Call it only in a coroutine run by `start`."""
        with self._typeahead.asking(screen):
            return await self._screen.app.push_screen_wait(screen)
