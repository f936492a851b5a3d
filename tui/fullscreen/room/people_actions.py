"""Status, mute, block and profile."""

from functools import partial

from server.protocol import name_text
from server.protocol.frames import Frame, SetStatus
from tui.client.client import OFFLINE, nonce
from tui.client.entries import Line
from tui.client.own_status import problem_of
from tui.fullscreen import pickers
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.room.interface import RoomInterface
from tui.tone import Tone

BLOCKED = "You won't see each other in the list of people, in messages or in history."
DND_ON = "Do not disturb is on: no direct messages, no notifications. /dnd turns it off."
DND_OFF = "Do not disturb is off."


class PeopleActions:
    """Sends requests about people; the server's answer decides what applies."""

    def __init__(self, room: RoomInterface) -> None:
        self._room = room
        self._client = room.client
        self._state = room.client.state
        self._muted = ""
        """The person whom the user last muted or unmuted by the key on a message."""

    def choose_status(self) -> None:
        """Let the user choose a status from a list, or type one."""
        self._room.dialogs.start(self._choose_status)

    async def _choose_status(self) -> None:
        if chosen := await self._room.dialogs.choose("What's your status?", partial(pickers.statuses, self._state)):
            problem = self.toggle_dnd() if chosen == pickers.DND else self.set_status(chosen)
            if problem:
                self._room.note(problem, Tone.BAD)

    def set_status(self, words: str) -> str | None:
        """Set the status; return the problem, or None."""
        return problem_of(words) or self._send(SetStatus(words), f"Status set: {words}")

    def toggle_dnd(self) -> str | None:
        """Turn Do not disturb on or off; return the problem, or None."""
        return self._send(SetStatus(dnd=not self._state.dnd), DND_OFF if self._state.dnd else DND_ON)

    def _send(self, frame: Frame, notice: str) -> str | None:
        if not self._client.online:
            return OFFLINE
        self._client.send(frame)
        # The list of people shows the change too, but is hidden in a narrow terminal.
        self._room.note(notice)
        return None

    def mute(self, username: str) -> None:
        """Mute a person, or unmute them."""
        if self._room.can_ask():
            self._client.send(self._state.toggle_mute(username))
            self._room.redraw()

    def mute_author(self, line: Line) -> None:
        """Mute the author of a message; called again before the highlight has moved, unmute them."""
        person = self._muted if self._room.timeline.moved_by_itself else line.author
        if self._room.can_ask():
            self._muted = person
            what = "is no longer muted" if person in self._state.relations.muted else "is muted"
            self.mute(person)
            self._room.composer.flash(f"{name_text.quoted(person)} {what}. Press {pressed('messages.mute')} to undo.")

    def accept_offer(self) -> None:
        """Mute the person who was just reported."""
        offered = self._state.mute_offer
        if offered and self._room.can_ask():
            self._client.send(self._state.toggle_mute(offered))
        self.decline_offer()

    def decline_offer(self) -> None:
        """Close the offer to mute."""
        self._state.mute_offer = None
        self._room.redraw()
        self._room.write()

    def block(self, username: str) -> None:
        """Block a person after confirmation, or unblock them."""
        if self._room.can_ask():
            self._room.dialogs.start(partial(self._block, username))

    async def _block(self, username: str) -> None:
        blocked = username in self._state.relations.blocked
        question = f"Block {name_text.quoted(username)}? {BLOCKED}"
        if not blocked and not await self._room.dialogs.ask(question, "Block"):
            return
        # Since the question, the connection may have been lost, and another client of the user may have answered it.
        if self._room.can_ask() and blocked == (username in self._state.relations.blocked):
            self._client.send(self._state.relations.toggle_block(username))

    def ask_profile(self, username: str) -> bool:
        """Show the profile of a person, and request it if necessary; return False if the client is offline."""
        if not self._room.can_ask():
            return False
        if asked := self._state.ask_profile(username, nonce()):
            self._client.send(asked)
        self._room.redraw()
        return True

    def close_profile(self) -> None:
        """Show the list of people again."""
        self._state.profile = None
        self._room.redraw()
