"""Writing messages: send, quote, paste, edit in the user's editor."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic

from server.protocol import name_text, target
from server.protocol.frames import Typing
from tui.client.emojis import replace_short_names
from tui.client.entries import Line
from tui.client.own_relations import undo
from tui.client.quotation import quotation
from tui.fullscreen.editor import EditorError
from tui.fullscreen.room.interface import RoomInterface
from tui.text import clean_line
from tui.tone import Tone

TYPING_EVERY_SECONDS = 3.0


class Writing:
    """Sends messages, and puts text into the composer."""

    def __init__(self, room: RoomInterface, edit: Callable[[str], Awaitable[str]]) -> None:
        """`edit` opens a text in the user's editor and returns the result, or raises EditorError."""
        self._room = room
        self._client = room.client
        self._edit = edit
        self._typing_sent = -TYPING_EVERY_SECONDS

    def say(self, text: str, place: str) -> str | None:
        """Send a message to a channel or conversation; return the problem, or None."""
        state = self._client.state
        if state.welcome is None:
            return "Not connected yet. Your text is kept; send it once you're online."
        if (name := target.name_of(place)) is not None and name in state.relations.blocked:
            who = name_text.quoted(name)
            return f"You have blocked {who}, so neither of you can write to the other. {undo('block', name)}"
        limit = state.welcome.limits.message_chars
        if len(text) > limit:
            return f"The message has {len(text)} characters; the limit is {limit}. Shorten it or send it in parts."
        self._client.say(replace_short_names(text), place)
        return None

    def give_back(self, text: str, place: str, problem: str) -> None:
        """Put a message back into the composer, and show why it cannot be sent."""
        self._room.composer.give_back(text, self._client.state.known_as(place))
        self._room.note(problem, Tone.BAD)

    def edit_failed(self) -> None:
        """Move the latest message that failed to send back into the composer."""
        state = self._client.state
        failed = state.timeline.pop_failed()
        self._room.composer.give_back(failed.text, state.current)
        self._room.redraw()
        self._room.write()

    def reply(self, line: Line) -> None:
        """Quote a message in the composer."""
        self._room.composer.quote(quotation(line))
        self._room.write()

    def typed(self, place: str) -> None:
        """Notify the other person of a conversation that the user is typing, at most once per TYPING_EVERY_SECONDS."""
        now = monotonic()
        if self._client.online and target.is_conversation(place) and now - self._typing_sent >= TYPING_EVERY_SECONDS:
            self._typing_sent = now
            self._client.send(Typing(place))

    def edit(self, text: str, place: str) -> None:
        """Open the text in the user's editor, and put the result into the composer."""
        self._room.dialogs.start(partial(self._edit_text, text, place))

    async def _edit_text(self, text: str, place: str) -> None:
        try:
            edited = await self._edit(text)
        except EditorError as error:
            self._room.note(clean_line(str(error)), Tone.BAD)
        else:
            self._room.composer.put(edited, self._client.state.known_as(place))
            self._room.redraw()

    def paste(self, text: str) -> None:
        """Insert many pasted lines after confirmation."""
        self._room.dialogs.start(partial(self._paste, text))

    async def _paste(self, text: str) -> None:
        lines = text.strip("\n").count("\n") + 1
        if await self._room.dialogs.ask(f"Paste {lines} lines into the message?", "Paste", sends=True):
            self._room.composer.insert(text)
