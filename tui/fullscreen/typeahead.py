"""Passes what the user types to the screen: in order, and to the place that it is meant for.

1. One event at a time. A key can move the focus, switch the channel or open a dialog, which takes several turns of the
   event loop. The next event is passed on only when all of that is done: typing fast has the effect of typing slowly.
2. Text goes to a text field. Outside text fields some letters are commands. Such a letter acts only if it is
   alone: if no other character follows within ALONE_SECONDS. A sentence, a letter that is not a command, and a paste
   go to the field that the screen names, and so does everything after them. What follows a letter that opens a list
   searches the list, until nothing is found: then it was a sentence.
3. A question is answered only by keys typed once it was asked, and never by those of a sentence. They are deferred:
   they go to the composer once the question is answered.
4. Enter pressed in a screen over the room, and again in the room within DOUBLE_SECONDS: the second does nothing. It was
   meant for that screen, which the first one closed. Any key between the two lifts this rule.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

from textual.app import App
from textual.events import Event, InputEvent, Key, MouseDown, Paste
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.client import graphemes
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.keys.letters import command, searches, waits
from tui.fullscreen.keys.unbracketed import lines_of
from tui.fullscreen.screen_protocols import AcceptsText, Answered, Placed, Searchable

ALONE_SECONDS = 0.4
SILENCE_SECONDS = 0.5
"""Pause in typing that is required before a letter or Enter answers a question."""
DOUBLE_SECONDS = 0.5
STUCK_SECONDS = 2.0
"""How long a widget may take to handle an event before the next one is passed on anyway."""
BUSY_SECONDS = 0.005
"""How often to check whether a dialog has opened."""
MOST_PASSES = 20
MOST_SCREENS = 5
NEVER = float("-inf")


class PastedLines(Event):
    """Several lines that the terminal sent at once as keys, without marking them as a paste."""

    def __init__(self, read: str, keys: Sequence[Key]) -> None:
        """`read` is what the terminal sent; `keys` are the key events for the same text."""
        super().__init__()
        self.text = lines_of(read) or read.replace("\r", "\n")
        self.keys = keys


class TypeAhead:
    """Queues input until the screen is ready for it."""

    def __init__(
        self, app: App[None], deliver: Callable[[Event], Awaitable[None]], now: Callable[[], float] = monotonic
    ) -> None:
        """`deliver` passes an event to the active screen."""
        self._app, self._deliver, self._now = app, deliver, now
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._works = 0
        """The number of running tasks that may open a dialog."""
        self._asking: list[Widget] = []
        """The dialogs whose results such tasks wait for."""
        self._last_text = NEVER
        """When text was typed last."""
        self._searching: list[Key] = []
        """The letter that opened a list, and what has been typed since without a pause."""
        self._entered_over_room = NEVER
        """When Enter was last pressed in a screen over the room, unless another key followed."""

    def enqueue(self, event: Event) -> None:
        """Pass an event on after those that are queued."""
        self._waiting.append(event)
        self._arrived.set()

    def replay(self, events: Sequence[Event]) -> None:
        """Pass events on before those that are queued."""
        self._waiting.extendleft(reversed(events))
        self._arrived.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold events while the block runs, except while it waits for the user in `asking`."""
        self._works += 1
        try:
            yield
        finally:
            self._works -= 1

    @contextmanager
    def asking(self, screen: Widget) -> Iterator[None]:
        """Let events through to a dialog that the block shows, from when it is open until it is closed."""
        self._asking.append(screen)
        try:
            yield
        finally:
            self._asking.remove(screen)

    async def run(self) -> None:
        """Pass events on, until cancelled."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            event = self._waiting.popleft()
            await self._pass_on(event)
            if not isinstance(event, InputEvent) or isinstance(event, Key | MouseDown):
                await self._wait_until_idle()
                await self._end_search()

    # Where an event belongs.

    async def _pass_on(self, event: Event) -> None:
        if isinstance(event, Key):
            await self._pass_key(event)
        elif isinstance(event, PastedLines):
            self.replay([Paste(event.text)] if self._is_paste(event) else event.keys)
        elif isinstance(event, Paste) and not self._is_writing:
            await self._type(event)
        else:
            await self._deliver(event)

    async def _pass_key(self, key: Key) -> None:
        if self._is_second_enter(key):
            return
        screen, before = self._app.screen, self._last_text
        if _is_text(key) or key.key == "enter":
            self._last_text = key.time
        goes_on = self._searching and _is_text(key) and key.time < before + ALONE_SECONDS
        self._searching = [*self._searching, key] if goes_on else []
        if isinstance(screen, Answered) and self._is_early(key, screen.asked_at, before):
            screen.defer(key)
        elif not _is_text(key) or self._is_writing:
            await self._deliver(key)
        elif (meant := command(key, self._where)) is None:
            await self._type(key)
        elif not waits(self._where) or await self._is_alone(key):
            # A letter that acted as a command was not text.
            self._last_text = before
            await self._deliver(meant)
        elif searches(meant, self._where):
            self._searching = [key]
            await self._deliver(meant)
        else:
            await self._type(key)

    @property
    def _is_writing(self) -> bool:
        return isinstance(self._app.focused, Input | TextArea)

    @property
    def _where(self) -> Where | None:
        """The part of the key table that applies to the focused widget."""
        nodes = self._app.focused.ancestors_with_self if self._app.focused else [self._app.screen]
        return next((node.WHERE for node in nodes if isinstance(node, Placed)), None)

    def _is_paste(self, lines: PastedLines) -> bool:
        """Return whether lines that were read at once are pasted text; if not, they are keys."""
        if isinstance(self._app.screen, Answered) or isinstance(self._app.focused, Input):
            return False
        # A single letter and Enter may be keys: one opens a form, the other chooses in it.
        return self._is_writing or lines.text.find("\n") > 1

    def _is_second_enter(self, key: Key) -> bool:
        entered, self._entered_over_room = self._entered_over_room, NEVER
        if key.key != "enter":
            return False
        if len(self._app.screen_stack) > 1:
            self._entered_over_room = key.time
            return False
        return key.time < entered + DOUBLE_SECONDS

    def _is_early(self, key: Key, asked_at: float, last_text: float) -> bool:
        """Return whether a key was typed before a question was asked, or as part of a sentence."""
        if key.key == "escape":
            # Escape is the harmless answer.
            return False
        is_text = _is_text(key) or key.key == "enter"
        return key.time < asked_at or (is_text and key.time < last_text + SILENCE_SECONDS)

    async def _is_alone(self, key: Key) -> bool:
        """Return whether no other character follows within ALONE_SECONDS; any other input ends the wait."""
        end = key.time + ALONE_SECONDS
        while (following := self._following) is None and (left := end - self._now()) > 0:
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._arrived.wait()
        return not (isinstance(following, Key) and _is_text(following) and following.time < end)

    @property
    def _following(self) -> Event | None:
        """The next input in the queue, except mouse movements."""
        return next((each for each in self._waiting if isinstance(each, Key | Paste | MouseDown)), None)

    async def _type(self, event: Key | Paste) -> None:
        """Deliver a key or paste to the text field that the screens name."""
        for _ in range(MOST_SCREENS):
            screen = self._app.screen
            if isinstance(screen, Answered):
                screen.defer(event)
                return
            if self._is_writing or not isinstance(screen, AcceptsText):
                break
            screen.accept_text()
            await self._wait_until_idle()
        if self._is_writing:
            await self._deliver(event)

    async def _end_search(self) -> None:
        """Close a list in which nothing is found, and pass what was typed on as text."""
        screen = self._app.screen
        if self._searching and isinstance(screen, Searchable) and screen.finds_nothing():
            typed, self._searching = self._searching, []
            screen.action_close()
            await self._wait_until_idle()
            for key in typed:
                # The dialog has already handled the original event.
                await self._type(key.copy())

    # When the next event can be passed on.

    async def _wait_until_idle(self) -> None:
        """Wait until everything that the last event caused is done.

        Handlers post messages to their widget and its ancestors, up to the app. Once each of these has handled its
        messages and nothing has moved, the next event finds the screen as a slow typist would.
        """
        for _ in range(MOST_PASSES):
            while self._is_busy:  # noqa: ASYNC110 - it ends as well when a screen closes, which sets no event
                await asyncio.sleep(BUSY_SECONDS)
            screen, focused = self._app.screen, self._app.focused
            quiet = [await _has_handled_all(node) for node in (focused or screen).ancestors_with_self]
            moved = (self._app.screen, self._app.focused) != (screen, focused)
            if all(quiet) and not moved and not self._is_busy:
                return

    @property
    def _is_busy(self) -> bool:
        """True while a task runs that does not wait for the user."""
        return self._works > sum(each in self._app.screen_stack for each in self._asking)


def _is_text(key: Key) -> bool:
    """Return whether a key types a character, visible or not."""
    return key.is_printable or graphemes.is_text(key.character or "")


async def _has_handled_all(pump: MessagePump) -> bool:
    """Wait until a widget has handled its queued messages; return whether none has arrived since."""
    handled, left = asyncio.Event(), False

    def reached() -> None:
        nonlocal left
        left = pump.message_queue_size > 0 or pump._pending_message is not None
        handled.set()

    if pump.call_later(reached):
        with suppress(TimeoutError):
            async with asyncio.timeout(STUCK_SECONDS):
                await handled.wait()
    return not left
