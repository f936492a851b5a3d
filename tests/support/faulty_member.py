"""Members of a room with broken connections: one with the client's own connection and state, one with raw frames."""

import asyncio
import random
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

from websockets.exceptions import WebSocketException

from server.protocol.codes import ErrorCode
from server.protocol.frames import Echo, Error, Frame, Login, Me, Message, Say, Since, Welcome
from tests.support.chat_client import ChatClient, connected
from tui.client.fold import fold_frame
from tui.client.state import ClientState
from tui.net.client_session import ClientSession
from tui.net.server_connection import Connection, Event, Lost, Received

HURRY = 20.0
"""Factor by which these members reconnect sooner than a real client."""
PAUSE_SECONDS = 0.1


class HurriedSession(ClientSession):
    """Waits as a session does, but for less time."""

    def wait_seconds(self, close_code: int, chance: float) -> float | None:
        """See Session."""
        seconds = super().wait_seconds(close_code, chance)
        return None if seconds is None else seconds / HURRY


class Member:
    """Sends one message after another, faster than a person could, online and offline."""

    def __init__(
        self,
        name: str,
        url: str,
        channels: Sequence[str],
        chance: random.Random,
        session: ClientSession | None = None,
    ) -> None:
        self.name = name
        self.state = ClientState(now=lambda: datetime.now(UTC))
        self.said: dict[str, list[str]] = {channel: [] for channel in channels}
        self.refused: list[str] = []
        """The server's reasons for refusing a message."""
        self.caught_up = False
        self._chance = chance
        self._session = session or HurriedSession(name)
        self._connection = Connection(url, self._session, self.on_event)
        self._sending: set[asyncio.Task[bool]] = set()
        self._nonces = count(1)
        self._online = False

    async def live(self) -> None:
        """Stay connected until cancelled."""
        await self._connection.run()

    async def talk(self) -> None:
        """Send messages until cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(0, PAUSE_SECONDS))
            if self.state.me:
                self.say(self._chance.choice(list(self.said)))

    def say(self, channel: str) -> None:
        """Send a unique message, as the app does."""
        number = next(self._nonces)
        self.said[channel].append(f"{self.name} {number}")
        said = self.state.say(self.said[channel][-1], f"{self.name}-{number}", channel)
        if self._online:
            self._send(said)

    @property
    def settled(self) -> bool:
        """Return whether all missed messages have arrived and all sent ones are confirmed."""
        return self._online and self.caught_up and not self.state.unsent()

    def on_event(self, event: Event) -> None:
        """Handle an event of the connection, as the app does."""
        if isinstance(event, Lost):
            self._online = self.caught_up = False
            self.state.lost()
        elif isinstance(event, Received):
            for frame in event.frames:
                fold_frame(frame, self.state)
                if isinstance(frame, Welcome):
                    self._send(self._session.login(frame, self.state.since))
                elif isinstance(frame, Me):
                    self._online = True
                    self._session.entered(frame.username)
                    for unsent in self.state.unsent():
                        self._send(unsent)
                elif isinstance(frame, Echo):
                    self.caught_up = True
                elif isinstance(frame, Error) and frame.code != ErrorCode.NOTICE:
                    self.refused.append(f"{frame.code}: {frame.message}")

    def _send(self, frame: Frame) -> None:
        task = asyncio.create_task(self._connection.send(frame))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


class Stranger:
    """Sends raw frames without waiting for answers, with messages both before and after the login."""

    def __init__(self, name: str, url: str, channel: str, chance: random.Random) -> None:
        self.name = name
        self.heard: list[int] = []
        """The numbers in order of arrival."""
        self.disordered: list[int] = []
        """Numbers that arrived again, or after a later one; answers to resent messages do not count."""
        self.gaps: set[int] = set()
        """Numbers after which the server announced that it cannot send all missed messages."""
        self.waiting: list[Say] = []
        self.said: list[str] = []
        self.visits = 0
        self._url = url
        self._channel = channel
        self._chance = chance
        self._epoch = ""

    @property
    def last(self) -> int:
        """Return the number up to which everything was received."""
        return self.heard[-1] if self.heard else 0

    async def talk(self) -> None:
        """Make one visit after another, until cancelled."""
        while True:
            await self.visit(self._chance.randint(1, 3))
            await asyncio.sleep(self._chance.uniform(0, PAUSE_SECONDS))

    async def visit(self, new: int) -> None:
        """Connect, send new messages and the unconfirmed ones from before, and leave when all are answered."""
        for _ in range(new):
            self.said.append(f"{self.name} {len(self.said)}")
            self.waiting.append(Say(self._channel, self.said[-1], self.said[-1]))
        self.visits += 1
        with suppress(OSError, WebSocketException, TimeoutError, EOFError):
            async with connected(self._url) as (client, welcome):
                since = Since(welcome.epoch, self.last) if self._epoch else None
                self._epoch = welcome.epoch
                # Messages sent before the login are refused, and sent again at the next visit.
                early = self._chance.choice([0, 0, 1, 2])
                login = Login(self.name, self.name.ljust(32, "-"), since)
                for frame in (*self.waiting[:early], login, *self.waiting[early:]):
                    await client.send(frame)
                await self._listen(client)

    async def _listen(self, client: ChatClient) -> None:
        unanswered = {say.nonce for say in self.waiting}
        caught_up = False
        while unanswered or not caught_up:
            frame = await client.next(Frame)
            caught_up |= isinstance(frame, Echo)
            for message in self._messages(frame):
                self._hear(message)
                unanswered.discard(message.nonce)
            if isinstance(frame, Error) and frame.code == ErrorCode.NOT_LOGGED_IN:
                unanswered.discard(frame.nonce)

    def _messages(self, frame: Frame) -> Sequence[Message]:
        if isinstance(frame, Echo) and not frame.recovered:
            self.gaps.add(self.last)
        return frame.messages if isinstance(frame, Echo) else [frame] if isinstance(frame, Message) else []

    def _hear(self, message: Message) -> None:
        at = bisect_left(self.heard, message.msg_id)
        known = message.msg_id in self.heard[at : at + 1]
        before = self.heard[at - 1] if at else 0
        if at == len(self.heard):
            self.heard.append(message.msg_id)
        elif message.username == self.name and not known and before in self.gaps:
            # Sent before the gap opened, and confirmed now: the gap continues after it.
            self.heard.insert(at, message.msg_id)
            self.gaps.add(message.msg_id)
        elif message.username != self.name or not known:
            self.disordered.append(message.msg_id)
        self.waiting = [say for say in self.waiting if say.nonce != message.nonce]
