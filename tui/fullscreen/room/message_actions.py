"""What the user does with a message: react, edit, delete."""

from functools import partial

from server.protocol.frames import Edit, Limits, React, Takeback
from tui.client.client import OFFLINE, nonce
from tui.client.markdown import addresses
from tui.client.quotation import excerpt
from tui.client.timeline import Line
from tui.fullscreen.room.interface import RoomInterface
from tui.tone import Tone


class MessageActions:
    """Sends reactions, edits and deletions."""

    def __init__(self, room: RoomInterface) -> None:
        self._room = room
        self._client = room.client

    async def take_back(self, line: Line) -> None:
        """Delete the user's own message after confirmation."""
        if await self._room.ask(f"Delete your message “{excerpt(line)}” for everyone?", "Delete"):
            self._client.send(Takeback(line.msg_id))

    async def edit(self, line: Line) -> None:
        """Let the user edit their own message. If it cannot be sent, its new text goes to the composer."""
        from tui.fullscreen.screens.message_editor import MessageEditor

        state = self._client.state
        place, limits = state.current, state.welcome.limits if state.welcome else Limits()
        text = await self._room.result_of(MessageEditor(line.text, limits.message_chars))
        if text is None:
            return
        if self._client.online:
            self._client.send(Edit(line.msg_id, text, nonce()))
        else:
            self._room.composer.give_back(text, place)
            self._room.note(OFFLINE, Tone.BAD)

    async def open_link(self, line: Line) -> None:
        """Open an address in a message, after showing all of it: the text of a link can claim anything."""
        from tui.fullscreen import pickers

        found = addresses(line.text)
        url = found[0] if len(found) == 1 else await self._room.choose("Which link?", partial(pickers.links, found))
        if url and await self._room.ask(f"Open {url} in your browser?", "Open"):
            await self._room.open_address(url)

    async def react(self, line: Line) -> None:
        """Let the user pick an emoji; add it to the message, or remove it if the user added it before."""
        from tui.fullscreen import pickers

        if emoji := await self._room.choose("Search emoji", partial(pickers.emojis, line)):
            self.toggle(line, emoji)

    def toggle(self, line: Line, emoji: str) -> None:
        """Add an emoji to a message, or remove it if the user added it before."""
        now = self._client.state.timeline.find(line.msg_id) or line
        remove = any(each.emoji == emoji and each.mine for each in now.reactions)
        self._client.send(React(line.msg_id, emoji, remove))
