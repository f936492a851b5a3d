"""A client that tests use one after the other, because a start takes most of the time of a short test.

Each test has a server of its own. After a test, the client closes every dialog, disconnects, and forgets the room and
all that was done there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tui.client.read_marks import ReadMarks
from tui.client.recall import Recall
from tui.client.visited import Visited
from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.arrivals import Arrivals
from tui.fullscreen.themes import DARK
from tui.fullscreen.typeahead import NEVER
from tui.options import Options

Size = tuple[int, int]


class SharedClient:
    """One client that runs until `stop`; a test that fails, or quits, ends it, and the next test starts another."""

    def __init__(self) -> None:
        """Call it in the event loop of the tests."""
        self.loop = asyncio.get_running_loop()
        self._app: FlagpostApp | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def at(self, options: Options, size: Size) -> AsyncIterator[Pilot[None]]:
        """Yield a client that connects to a server, as after a start with these options."""
        app = self._app or await self._start(options, size)
        if app.client.options is not options:
            await _connect(app, options, size)
        try:
            with app._context():
                yield Pilot(app)
            if _can_go_on(app):
                await _leave(app)
        except BaseException:
            # Raises what made the client fail, if that is why the test failed.
            await self.stop()
            raise
        if not _can_go_on(app):
            await self.stop()

    async def stop(self) -> None:
        """End the client, if there is one; raises what made it fail."""
        self._stopped.set()
        task, self._app, self._task = self._task, None, None
        if task:
            await task

    async def _start(self, options: Options, size: Size) -> FlagpostApp:
        app, ready = FlagpostApp(options), asyncio.Event()
        self._stopped.clear()
        # A task of its own: the context variables of a test end with the test.
        self._task = asyncio.create_task(self._run(app, size, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((waiting, self._task), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            waiting.cancel()
            self._task.result()
        self._app = app
        return app

    async def _run(self, app: FlagpostApp, size: Size, ready: asyncio.Event) -> None:
        async with app.run_test(size=size):
            ready.set()
            await self._stopped.wait()
            if app.is_running:
                await app.leave()


def _can_go_on(app: FlagpostApp) -> bool:
    """Return whether a client still runs, and looks like a new one."""
    unchanged = app.preferences.config == app.client.options.loaded.config
    return app.is_running and not app._exit and app._exception is None and unchanged


async def _connect(app: FlagpostApp, options: Options, size: Size) -> None:
    with app._context():
        app.client.options = options
        if app.preferences.config != options.loaded.config:
            app.preferences.config = options.loaded.config
            app.preferences.apply()
        if app.size != size:
            await Pilot(app).resize_terminal(*size)
        app.action_reconnect()


async def _leave(app: FlagpostApp) -> None:
    """Close every dialog, disconnect, and forget the room and all that was done there."""
    with app._context():
        # A letter may still wait for what follows it.
        app.workers.cancel_group(app, "input")
        app._typeahead._waiting.clear()
        app.workers.cancel_group(app.room, "form")
        while app.screen is not app.room:
            await app.pop_screen()
        await app.parts.connection.end()
        app.parts.connection._ending = False
        _forget(app)
        app.redraw()
        app.room.write()
        await Pilot(app).pause()
        app._pass_input_on()


def _forget(app: FlagpostApp) -> None:
    client, room, typeahead = app.client, app.room, app._typeahead
    client.state.reset()
    if client._marks._timer:
        client._marks._timer.cancel()
    client._marks = ReadMarks(client.state, client.send, lambda: client.online)
    client._was_lost, client.status = False, "starting"
    app.parts.arrivals = Arrivals(app, client, room, app._notices, app.redraw)
    if app.theme != DARK.name:
        app.preferences.apply()
    app.clear_notifications()
    app.copy_to_clipboard("")
    app._notices._focus = None
    typeahead._last_text = typeahead._entered_over_room = NEVER
    typeahead._searching = []
    room.subjects.navigation._visited = Visited()
    room.subjects.people._muted = ""
    room.subjects.profile._before = None
    room.subjects.writing._typing_sent = NEVER
    room.clear_selection()
    composer = room.composer
    composer.text, composer._recall, composer._completion = "", Recall(), None
    composer._drafts.clear()
    composer.end_flash()
