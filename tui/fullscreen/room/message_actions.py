"""Actions on a message: react, edit, delete, open a link or the quoted message."""

from functools import partial

from server.protocol import name_text
from server.protocol.frames import MAX_QUERY_CHARS, Edit, Limits, React, Takeback
from tui.client.client import OFFLINE, nonce
from tui.client.entries import Line
from tui.client.fold import NOT_THERE
from tui.client.markdown import addresses
from tui.client.quotation import excerpt, original, quoted, words_of
from tui.fullscreen import pickers
from tui.fullscreen.room.desktop import Desktop
from tui.fullscreen.room.interface import RoomInterface
from tui.fullscreen.screens.message_editor import MessageEditor
from tui.tone import Tone


class MessageActions:
    """Sends reactions, edits and deletions, and opens links and quoted messages."""

    def __init__(self, room: RoomInterface, desktop: Desktop) -> None:
        self._room = room
        self._client = room.client
        self._desktop = desktop

    def take_back(self, line: Line) -> None:
        """Delete a message after confirmation: the user's own, or any if the user is an operator."""
        if self._room.can_ask():
            self._room.dialogs.start(partial(self._take_back, line))

    async def _take_back(self, line: Line) -> None:
        what, author = f"message “{excerpt(line)}”", name_text.quoted(line.author)
        named = f"your {what}" if line.mine else f"the {what} from {author}"
        epoch = self._epoch
        if not await self._room.dialogs.ask(f"Delete {named} for everyone?", "Delete"):
            return
        if problem := self._problem(epoch):
            self._room.note(problem, Tone.BAD)
        else:
            self._client.send(Takeback(line.msg_id))

    def edit(self, line: Line) -> None:
        """Let the user edit their own message. If the edit cannot be sent, the new text goes to the composer."""
        if self._room.can_ask():
            self._room.dialogs.start(partial(self._edit, line))

    async def _edit(self, line: Line) -> None:
        state, epoch = self._client.state, self._epoch
        place, limits = state.current, state.welcome.limits if state.welcome else Limits()
        text = await self._room.dialogs.result_of(MessageEditor(line.text, limits.message_chars))
        if text is None:
            return
        if problem := self._problem(epoch):
            self._room.composer.give_back(text, place)
            self._room.note(problem, Tone.BAD)
        else:
            self._client.send(Edit(line.msg_id, text, nonce()))

    def open_link(self, line: Line) -> None:
        """Open a link in a message, after showing its full address: the text of a link can claim anything."""
        self._room.dialogs.start(partial(self._open_link, line))

    async def _open_link(self, line: Line) -> None:
        found = addresses(line.text)
        url = (
            found[0]
            if len(found) == 1
            else await self._room.dialogs.choose("Which link?", partial(pickers.links, found))
        )
        if url and await self._room.dialogs.ask(f"Open {url} in your browser?", "Open"):
            await self._desktop.open(url)

    async def original(self, line: Line) -> None:
        """Go to the message that this one quotes; search for it if it is not loaded."""
        lines = [each for each in self._client.state.timeline.entries if isinstance(each, Line)]
        if found := original(line, lines):
            self._room.timeline.jump(found.msg_id)
        elif quotation := quoted(line):
            await self._room.search(words_of(quotation)[:MAX_QUERY_CHARS])

    def react(self, line: Line) -> None:
        """Let the user pick an emoji; add it to the message, or remove it if the user added it before."""
        if self._room.can_ask():
            self._room.dialogs.start(partial(self._react, line))

    async def _react(self, line: Line) -> None:
        epoch = self._epoch
        emoji = await self._room.dialogs.choose("Search emoji", partial(pickers.emojis, line))
        if emoji and (problem := self._problem(epoch)):
            self._room.note(problem, Tone.BAD)
        elif emoji:
            self.toggle(line, emoji)

    def toggle(self, line: Line, emoji: str) -> None:
        """Add an emoji to a message, or remove it if the user added it before."""
        if self._room.can_ask():
            now = self._client.state.timeline.find(line.msg_id) or line
            remove = any(each.emoji == emoji and each.mine for each in now.reactions)
            self._client.send(React(line.msg_id, emoji, remove))

    @property
    def _epoch(self) -> str:
        """The epoch of the current message numbers; "" before the login."""
        welcome = self._client.state.welcome
        return welcome.epoch if welcome else ""

    def _problem(self, epoch: str) -> str | None:
        """Return why a message cannot be changed after a dialog that was opened in this epoch; None if it can."""
        if epoch != self._epoch:
            # The number may belong to another message by now.
            return NOT_THERE
        return None if self._client.online else OFFLINE
