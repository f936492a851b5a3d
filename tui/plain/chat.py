"""Line mode: sends what is typed, line by line, and prints what arrives."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

from server.protocol import name_text
from server.protocol.codes import ErrorCode
from server.protocol.errors import OneLineError
from server.protocol.frames import Echo, Error, Places, Say, ServerFrame
from server.protocol.wording import counted
from tui.client.client import Client
from tui.client.client_events import Granted, Loss, NameRefusedError
from tui.client.profile_view import Stage
from tui.client.search import LOST
from tui.options import Options
from tui.plain import output, typed_commands
from tui.plain.line_commands import LineCommands, Wait
from tui.plain.output import OutputLine, Transcript
from tui.plain.stdin import Lines
from tui.plain.typed_commands import LineError, Text, TypedCommand
from tui.text import clean_line
from tui.tone import Tone

ANSWER_SECONDS = 15.0
"""Maximum wait for the answer to each line after the input has ended."""
READER_GONE = 141
"""Exit code that a shell reports for a program whose reader is gone (128 + SIGPIPE)."""


async def chat(options: Options, patience: float = ANSWER_SECONDS) -> int:
    """Chat until the input ends, and then wait up to `patience` seconds for the answer to each remaining line.

    Return the exit code: 0, 1 if something failed, or READER_GONE.
    """
    try:
        return await _LineMode(options, patience).run()
    except OneLineError as error:
        print_error(str(error))
        return 1


def print_error(text: str) -> None:
    """Print one line on standard error; a failure is ignored, because the terminal may be gone."""
    with suppress(OSError):
        print(f"flagpost: {text}", file=sys.stderr, flush=True)


def _fate(waiting: int, *, entered: bool) -> str:
    """Say what became of a line without an answer, and of the lines that waited after it."""
    later = counted(waiting, "later line")
    if not entered:
        return f"this and {later} were not sent" if waiting else "this was not sent"
    rest = f", and {later} {'was' if waiting == 1 else 'were'} not sent" if waiting else ""
    return f"this may not have arrived{rest}"


class _LineMode:
    """One chat; call `run` once."""

    def __init__(self, options: Options, patience: float) -> None:
        self._client = Client(
            options, on_change=self._changed, on_frame=self._received, on_login=self._logged_in, on_lost=self._lost
        )
        self._state = self._client.state
        self._patience = patience
        self._transcript = Transcript(self._state)
        self._commands = LineCommands(self._client, self._transcript, self._print)
        self._refused = False
        """True if the server refused what the last line asked for."""
        self._waits = False
        """True while the last line waits for its answer."""
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()
        """Set when something arrived, or the input ended."""
        self._entered = self._failed = self._ended = self._gave_up = False
        self._held: list[str] = []
        """The line that waits for the login, if there is one."""
        self._deadline: float | None = None
        """Time, by the event loop's clock, at which to give up on the line that waits for an answer; None: never."""

    async def run(self) -> int:
        """Chat until the input ends, the connection ends for good, or the reader is gone; return the exit code.

        Raises NoServerError if there is no server.
        """
        async with self._client:
            self._print(output.note(line) for line in self._client.notices)
            return await self._run()

    async def _run(self) -> int:
        life = asyncio.create_task(self._client.run())
        lines = Lines(self._input_ended)
        work = asyncio.create_task(self._work(lines))
        tasks: list[asyncio.Future[int] | asyncio.Task[None]] = [life, work, self._over]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await self._client.finish_sending()
        finally:
            for task in (life, work):
                task.cancel()
            # Wait, so that the closing handshake is done before the loop ends.
            faults = await asyncio.gather(life, work, return_exceptions=True)
            unsent = self._report_unsent(lines)
        for fault in faults:
            if isinstance(fault, NameRefusedError):
                print_error(f"{fault} Give another name with --name NAME.")
                return 1
            if isinstance(fault, Exception):
                raise fault
        code = self._over.result() if self._over.done() else int(self._failed)
        return code or int(unsent)

    def _report_unsent(self, lines: Lines) -> bool:
        """Print what the server has not confirmed, and the lines that were not sent; return whether there are any."""
        unconfirmed = [each.message for each in self._state.unsent() if isinstance(each, Say)]
        unsent = [*self._held, *lines.rest()]
        reader_gone = self._over.done() and self._over.result() == READER_GONE
        if not self._gave_up and not reader_gone:
            for text in unconfirmed:
                print_error(f"The server has not confirmed this: {clean_line(text)}")
            for line in unsent:
                print_error(f"This was not sent: {clean_line(line)}")
        return bool(unconfirmed or unsent)

    def _print(self, lines: Iterable[OutputLine]) -> None:
        """Print lines: results to standard output, failures to standard error."""
        try:
            for text, failed in lines:
                if failed:
                    self._failed = True
                    print_error(text)
                else:
                    print(text, flush=True)
        except BrokenPipeError:
            self._end(READER_GONE)
        except OSError as error:
            print_error(f"The output cannot be written: {error.strerror or error}. Correct that, and start again.")
            self._end(1)

    def _complain(self, text: str) -> None:
        self._print([OutputLine(text, failed=True)])

    def _end(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _work(self, lines: Lines) -> None:
        """Execute each line, waiting for the answer to the one before."""
        while (line := await lines.next()) is not None:
            if not (await self._wait_for_login(line) and await self._execute(line)):
                self._gave_up = True
                fate = _fate(lines.waiting, entered=self._entered)
                self._complain(f"No answer within {self._patience:.0f} s, so {fate}: {clean_line(line)}")
                return
        if not await self._until(lambda: self._entered):
            self._complain(
                f"The server at {self._client.address} does not answer. Check the address, or try again later."
            )

    async def _wait_for_login(self, line: str) -> bool:
        """Wait for the login; return whether the line can be sent."""
        self._held = [line]
        entered = await self._until(lambda: self._entered)
        self._held = []
        return entered

    def _input_ended(self) -> None:
        self._ended = True
        self._deadline = asyncio.get_running_loop().time() + self._patience
        self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Wait until a condition is true; return False at the deadline, which applies once the input has ended."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + self._patience if self._ended else None
        while not holds():
            self._news.clear()
            try:
                async with asyncio.timeout_at(self._deadline):
                    await self._news.wait()
            except TimeoutError:
                return False
        return True

    async def _execute(self, line: str) -> bool:
        """Execute a line; return False if it was not answered in time."""
        self._refused = False
        try:
            wait = self._begin(typed_commands.parse(line))
        except LineError as error:
            self._complain(clean_line(str(error)))
            return True
        self._print(self._transcript.news())
        self._waits = not wait.answered()
        answered = await self._until(lambda: self._all_answered() and (self._refused or wait.answered()))
        self._waits = False
        if answered and wait.answered():
            self._print(wait.results())
        self._state.profile = None
        return answered

    def _begin(self, asked: Text | TypedCommand | None) -> Wait:
        """Send what a line asks for; return the answer to wait for."""
        if isinstance(asked, TypedCommand):
            return self._commands.run(asked)
        if asked:
            self._commands.say(asked.text)
        return Wait()

    def _all_answered(self) -> bool:
        loading = self._state.profile is not None and self._state.profile.stage is Stage.LOADING
        asked = any(timeline.requests for timeline in self._state.timelines.values())
        return not (loading or asked or self._state.unsent())

    def _received(self, frame: ServerFrame) -> None:
        if isinstance(frame, Echo):
            self._entered = True
        elif isinstance(frame, Error) and frame.code != ErrorCode.NOTICE:
            self._refused = True
        elif isinstance(frame, Places):
            # Print the messages that the login loaded, and count them as read; then list what else is unread.
            self._print(self._transcript.news())
            self._state.see_loaded()
            self._print(output.unread(self._state))
        self._print(self._transcript.news())

    def _changed(self) -> None:
        self._print(self._transcript.news())
        # Remarks and loaded messages have just been printed.
        self._state.remarks.clear()
        self._state.see_loaded()
        self._client.mark_read()
        self._news.set()

    def _logged_in(self, login: Granted) -> None:
        # First print what arrived before the login.
        self._print(self._transcript.news())
        again = "again " if login.again else ""
        name, place = name_text.shown(login.name), self._state.place
        self._print([output.note(f"Connected {again}as {name}; you are writing in {place}.")])
        for text, tone in login.news:
            if tone is Tone.BAD:
                print_error(text)
            else:
                self._print([output.note(text)])

    def _lost(self, loss: Loss) -> None:
        if self._waits:
            self._refused, self._waits = True, False
            self._complain(LOST)
        if loss.retry_seconds is None:
            print_error(f"Disconnected: {loss.why}.")
            self._end(1)
        elif loss.first:
            print_error(f"No connection to {self._client.address}: {loss.why}. Reconnecting.")
