"""A place to write, where Enter means "done"."""

from collections.abc import Collection

from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import TextArea

from tui.client.completion import COMMAND, Completion, complete
from tui.client.emojis import named
from tui.fullscreen.keys.bindings import bindings, is_meant
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.messages import AboutDraft, AboutPlace, AboutText

NEAR = 0.9
"""The share of the limit from which on the characters are counted."""
MOST_PASTED_LINES = 5
MOST_HINTS = 6


class Prompt(TextArea):
    """A text area that grows with its text and posts what it is told to do by keys."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, highlight_cursor_line=False)

    async def on_key(self, event: events.Key) -> None:
        """Run what the key is bound to before the text area takes it, and in its turn.

        A priority binding would do so too, but overtake what was typed or pasted before it.
        """
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and not binding.priority and is_meant(binding, event.key):
                event.prevent_default().stop()
                await self.run_action(binding.action)

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class Composer(Prompt):
    """Where messages are written."""

    BINDINGS = bindings(Where.COMPOSER)

    class Turned(AboutPlace, bubble=False):
        """What is typed from here on is for this channel."""

    class Submitted(AboutDraft):
        """A message is ready, and has left the composer; `give_back` if it cannot be sent."""

    class LongPaste(AboutText):
        """Many lines were pasted; they are not in the text yet."""

    class Typed(AboutPlace):
        """The person writes for a channel."""

    class EditorWanted(AboutDraft):
        """The text shall be opened in an editor; `put` takes it back."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id)
        self._place = ""
        self._next_place = ""
        self._drafts: dict[str, str] = {}
        self._words: Collection[str] = ()
        self._limit = 0
        self._completion: Completion | None = None

    def turn(self, place: str, words: Collection[str], limit: int) -> None:
        """Write for a channel: with its draft, the words that can be completed, and at most `limit` characters."""
        self._words, self._limit = words, limit
        if place != self._next_place:
            self._next_place = place
            # The key that turned here has overtaken the ones typed before it, which still wait for the composer.
            self.post_message(self.Turned(place))

    @on(Turned)
    def _turn(self, event: Turned) -> None:
        # What is typed before there is a channel is for the first one.
        if self._place:
            self._drafts[self._place] = self.text
            self._write(self._drafts.pop(event.place, ""))
        self._place = event.place

    def action_send(self) -> None:
        """Post the text, if there is any."""
        if self.text.strip():
            # At once: what is typed from here on belongs to the next message.
            text, self.text = self.text, ""
            self.post_message(self.Submitted(text, self._place))

    def on_text_area_changed(self) -> None:
        """Count near the limit; else say what Tab would complete."""
        length = len(self.text)
        near = self._limit and length > self._limit * NEAR
        over = f"{length - self._limit} too many" if length > self._limit else ""
        count = (over or f"{length} of {self._limit}") if near else ""
        # Names are other people's text: a string would be parsed as markup.
        self.border_subtitle = Content(count or self._hint())

    def _hint(self) -> str:
        begun = self._complete(None)
        if begun is None:
            return ""
        more = ["…"] if len(begun.options) > MOST_HINTS else []
        return "  ".join((pressed("composer.complete"), *begun.options[:MOST_HINTS], *more))

    def _complete(self, last: Completion | None) -> Completion | None:
        row, column = self.cursor_location
        # Only at the very beginning is a slash a command.
        words = self._words if row == 0 else [word for word in self._words if not word.startswith(COMMAND)]
        return complete(self.document.get_line(row)[:column], words, last, named)

    async def on_key(self, event: events.Key) -> None:
        """Say that something is written."""
        if event.is_printable:
            self.post_message(self.Typed(self._place))

    def on_paste(self, event: events.Paste) -> None:
        """Many lines are asked about first."""
        if event.text.strip("\n").count("\n") >= MOST_PASTED_LINES:
            event.prevent_default().stop()
            self.post_message(self.LongPaste(event.text))

    async def action_complete(self) -> None:
        """Complete what is begun, or go on to the next part of the screen."""
        row, column = self.cursor_location
        self._completion = self._complete(self._completion)
        if self._completion:
            self.replace(self._completion.text, (row, self._completion.start), (row, column))
        else:
            await self.run_action("app.focus_next")

    def action_edit(self) -> None:
        """Ask for an editor."""
        self.post_message(self.EditorWanted(self.text, self._place))

    def give_back(self, text: str, place: str) -> None:
        """Put a message back, on a line of its own before what was typed since for its channel."""
        since = self._drafts.get(place, "") if self._is_elsewhere(place) else self.text
        self.put(f"{text}\n{since}" if since else text, place)

    def put(self, text: str, place: str) -> None:
        """Let this be the draft of a channel."""
        if self._is_elsewhere(place):
            self._drafts[place] = text
        else:
            self._write(text)

    def _is_elsewhere(self, place: str) -> bool:
        return bool(place) and place != self._place

    def _write(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)

    def quote(self, quotation: str) -> None:
        """Put a quotation of one line above what is written."""
        self.text = f"{quotation}\n{self.text}"
        self.move_cursor(self.document.end)

    async def action_up(self) -> None:
        """Up a line, or out of the composer: at once, so that the next key goes to the message already."""
        if self.cursor_at_first_line:
            await self.run_action("screen.read")
        else:
            self.action_cursor_up()
