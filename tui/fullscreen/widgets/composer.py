"""The composer: where messages are written."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import events, on
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from tui.client.quotation import is_bare
from tui.client.recall import Recall
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tui.client.completion import Completer, Completion

NEAR = 0.9
"""The share of the limit above which the character count is shown."""
MOST_PASTED_LINES = 5
MOST_HINTS = 6
FLASH_SECONDS = 3.0


class Composer(Prompt):
    """The input for messages, with a draft for each channel and conversation."""

    BINDINGS = bindings(Where.COMPOSER)

    class TargetChanged(Message, bubble=False):
        """Everything typed after this message belongs to the next channel or conversation."""

    class Submitted(Message):
        """The user sent a message, and it has left the composer; `give_back` returns it if sending fails."""

        def __init__(self, text: str, place: str) -> None:
            super().__init__()
            self.text, self.place = text, place

    class LongPaste(Message):
        """Many lines were pasted; they have not been inserted yet."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Typed(Message):
        """The user is typing in a channel or conversation."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    class NothingSaid(Message):
        """The user tried to send a quotation without a reply."""

    def __init__(self, *, placeholder: str = "", id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id)
        self._place = ""
        self._next_places: deque[str] = deque()
        """The channels and conversations to switch to, one for each `TargetChanged` on its way."""
        self._drafts: dict[str, str] = {}
        self._completer: Completer | None = None
        self._limit = 0
        self._completion: Completion | None = None
        self._recall = Recall()
        self._invitation = placeholder
        self._mode = ""
        """The text to show while keys act elsewhere; "" while they write here."""
        self._flash: Timer | None = None

    @property
    def place(self) -> str:
        """The channel or conversation that the text belongs to."""
        return self._place

    def show_mode(self, mode: str) -> None:
        """Show which keys act instead of writing here, and how to get back; "" if keys write here."""
        self._mode = mode
        self.placeholder = mode or self._invitation
        if self._flash is None:
            # The placeholder shows only while nothing is written.
            self.border_title = Content(mode if self.text else "")

    def flash(self, text: str) -> None:
        """Show a text for a few seconds, above what is written."""
        if self._flash:
            self._flash.stop()
        self.border_title = Content(text)
        self._flash = self.set_timer(FLASH_SECONDS, self.end_flash)

    def end_flash(self) -> None:
        """Show the mode again."""
        if self._flash:
            self._flash.stop()
        self._flash = None
        self.show_mode(self._mode)

    def set_target(self, place: str, completer: "Completer", limit: int) -> None:
        """Switch to the draft of a channel; `limit` is in characters (0: none)."""
        self._completer, self._limit = completer, limit
        if place != (self._next_places[-1] if self._next_places else self._place):
            self._next_places.append(place)
            # The key that switched here overtook keys typed before it, which are still queued for the composer.
            self.post_message(self.TargetChanged())

    def rename(self, old: str, new: str) -> None:
        """Keep the draft of a conversation whose target has changed."""
        if old in self._drafts:
            self._drafts[new] = self._drafts.pop(old)
        self._place = new if self._place == old else self._place
        self._next_places = deque(new if place == old else place for place in self._next_places)

    @on(TargetChanged)
    def _open_draft(self) -> None:
        place = self._next_places.popleft()
        draft = self._drafts.pop(place, "")
        if self._place:
            self._drafts[self._place] = self.text
            self._write(draft)
        elif draft:
            # Text typed before there is any channel belongs to the first one.
            self._write(f"{draft}\n{self.text}" if self.text else draft)
        self._place = place

    def action_send(self) -> None:
        """Submit the text unless it is blank, or only a quotation without a reply."""
        if is_bare(self.text):
            self.post_message(self.NothingSaid())
        elif self.text.strip():
            # Clear it at once: everything typed from now on belongs to the next message.
            text, self.text = self.text, ""
            self._recall.add(text, self._place)
            self.post_message(self.Submitted(text, self._place))

    @on(TextArea.Changed)
    def _show_count_or_hint(self) -> None:
        """Show the character count near the limit; otherwise what Tab would complete."""
        length = len(self.text)
        near = self._limit and length > self._limit * NEAR
        over = f"{length - self._limit} too many" if length > self._limit else ""
        count = (over or f"{length} of {self._limit}") if near else ""
        # Names are untrusted text; a plain string would be parsed as markup.
        self.border_subtitle = Content(count or self._hint())

    def _hint(self) -> str:
        # No hint for a bare word, which is rarely the beginning of a name.
        begun = self._complete(None, bare=False)
        if begun is None:
            return ""
        more = ["…"] if len(begun.options) > MOST_HINTS else []
        return "  ".join((pressed("composer.complete"), *begun.options[:MOST_HINTS], *more))

    def _complete(self, last: "Completion | None", *, bare: bool = True) -> "Completion | None":
        if self._completer is None:
            return None
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        return self._completer(before, last, first_line=row == 0, bare=bare)

    @on(events.Key)
    def _post_typed(self, event: events.Key) -> None:
        """Post that the user is writing."""
        if event.is_printable:
            self.post_message(self.Typed(self._place))

    @on(events.Paste)
    def _pasted(self, event: events.Paste) -> None:
        """Ask before inserting many lines."""
        if event.text.strip("\n").count("\n") >= MOST_PASTED_LINES:
            event.prevent_default().stop()
            self.post_message(self.LongPaste(event.text))

    async def action_complete(self) -> None:
        """Complete the current word. If the composer is empty, move the focus to the next widget.

        With text in the composer, a Tab that completes nothing does nothing: what follows it is part of the text.
        """
        row, column = self.cursor_location
        self._completion = self._complete(self._completion)
        if self._completion:
            self.replace(self._completion.text, (row, self._completion.start), (row, column))
        elif not self.text:
            await self.run_action("app.focus_next")

    async def action_end(self) -> None:
        """Go to the end of the line; if the cursor is at the end of the text, show the latest message."""
        if self.cursor_location == self.document.end:
            await self.run_action("screen.latest")
        else:
            self.action_cursor_line_end()

    def action_recall(self, by: int) -> None:
        """Replace the text with one that was sent before it (1) or after it (-1)."""
        text = self._recall.step(by, self.text, self._place)
        if text is not None:
            self._write(text)

    @property
    def drafts(self) -> dict[str, str]:
        """The drafts by channel; text typed before any channel is open is under ""."""
        drafts = {**self._drafts, self._place: self.text}
        return {place: text for place, text in drafts.items() if text.strip()}

    def restore(self, drafts: Mapping[str, str]) -> None:
        """Put drafts of an earlier run above what has been written since."""
        for place, text in drafts.items():
            # The client may not have seen yet that the user has typed on.
            if not self.drafts.get(place, "").startswith(text):
                self.give_back(text, place)

    def give_back(self, text: str, place: str) -> None:
        """Put a message back, on a line of its own above what was typed in its channel since."""
        since = self._drafts.get(place, "") if self._is_elsewhere(place) else self.text
        self.put(f"{text}\n{since}" if since else text, place)

    def put(self, text: str, place: str) -> None:
        """Set the draft of a channel."""
        if self._is_elsewhere(place):
            self._drafts[place] = text
        else:
            self._write(text)

    def _is_elsewhere(self, place: str) -> bool:
        return bool(place) and place != self._place

    def _write(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)

    def begin(self, command: str) -> None:
        """Insert the beginning of a command before the text."""
        self._write(f"{command}{self.text}")

    def quote(self, quotation: str) -> None:
        """Insert a one-line quotation above the text."""
        self.text = f"{quotation}\n{self.text}"
        self.move_cursor(self.document.end)

    async def action_up(self) -> None:
        """Move up a line, or from the first line to the messages.

        The focus moves at once, so that the next key acts on the message.
        """
        if self.cursor_at_first_line:
            await self.run_action("screen.read")
        else:
            self.action_cursor_up()
