"""What the user does with a message: react, delete."""

from functools import partial

from server.protocol.frames import React, Takeback
from tui.client.quotation import excerpt
from tui.client.timeline import Line
from tui.fullscreen.room.interface import RoomInterface


class MessageActions:
    """Sends reactions and deletions."""

    def __init__(self, room: RoomInterface) -> None:
        self._room = room
        self._client = room.client

    async def take_back(self, line: Line) -> None:
        """Delete the user's own message after confirmation."""
        if await self._room.ask(f"Delete your message “{excerpt(line)}” for everyone?", "Delete"):
            self._client.send(Takeback(line.msg_id))

    async def react(self, line: Line) -> None:
        """Let the user pick an emoji; add it to the message, or remove it if the user added it before."""
        from tui.fullscreen import pickers

        if emoji := await self._room.choose("Search emoji", partial(pickers.emojis, line)):
            now = self._client.state.timeline.find(line.msg_id) or line
            remove = any(each.emoji == emoji and each.mine for each in now.reactions)
            self._client.send(React(line.msg_id, emoji, remove))
