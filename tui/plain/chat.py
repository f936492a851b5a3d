"""Line mode: sends what is typed, line by line, and prints what arrives."""

import asyncio
import sys
from collections.abc import Callable, Iterable

from server.protocol import name_text, target
from server.protocol.errors import OneLineError
from server.protocol.frames import Echo, Places, ServerFrame
from server.protocol.names import key
from tui.client.client import OFFLINE, Client, Granted, Loss, NameRefusedError, nonce
from tui.client.own_reports import ReportDraft
from tui.client.slash import action, names
from tui.client.state import Stage
from tui.options import Options
from tui.plain import output, typed_commands
from tui.plain.output import OutputLine, Transcript
from tui.plain.stdin import Lines
from tui.plain.typed_commands import LineError, Text, TypedCommand
from tui.text import clean_line
from tui.tone import Tone

ANSWER_SECONDS = 15.0
"""Maximum wait for the answer to each line after the input has ended."""
READER_GONE = 141
"""Exit code that a shell gives a program whose reader is gone (128 + SIGPIPE)."""


async def chat(options: Options, patience: float = ANSWER_SECONDS) -> int:
    """Chat until the input ends, and then wait up to `patience` seconds for the answer to each remaining line.

    Return the exit code: 0, 1 if something failed, READER_GONE.
    """
    try:
        return await _LineMode(options, patience).run()
    except OneLineError as error:
        print_error(str(error))
        return 1


def print_error(text: str) -> None:
    """Print one line on standard error."""
    print(f"flagpost: {text}", file=sys.stderr, flush=True)


class _LineMode:
    """One chat; call `run` once."""

    def __init__(self, options: Options, patience: float) -> None:
        self._client = Client(
            options, on_change=self._changed, on_frame=self._came, on_login=self._logged_in, on_lost=self._lost
        )
        self._state = self._client.state
        self._patience = patience
        self._transcript = Transcript(self._state)
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()
        """Set when something arrived, or the input ended."""
        self._entered = self._failed = self._ended = False
        self._deadline: float | None = None
        """Time of the loop at which to give up on the line that waits for an answer; None: never."""

    async def run(self) -> int:
        """Chat until the input ends, the server closes for good, or the reader is gone; return the exit code.

        Raises NoServerError if there is no server.
        """
        async with self._client:
            self._print(output.note(line) for line in self._client.notices)
            return await self._run()

    async def _run(self) -> int:
        life = asyncio.create_task(self._client.run())
        work = asyncio.create_task(self._work(Lines(self._input_ended)))
        tasks: list[asyncio.Future[int] | asyncio.Task[None]] = [life, work, self._over]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await self._client.finish_sending()
        finally:
            for task in (life, work):
                task.cancel()
            # Wait, so that the closing handshake is done before the loop ends.
            faults = await asyncio.gather(life, work, return_exceptions=True)
        for fault in faults:
            if isinstance(fault, NameRefusedError):
                print_error(f"{fault} Give another name with --name NAME.")
                return 1
            if isinstance(fault, Exception):
                raise fault
        return self._over.result() if self._over.done() else int(self._failed)

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
            print_error(f"The output cannot be written: {error.strerror or error}.")
            self._end(1)

    def _complain(self, text: str) -> None:
        self._print([OutputLine(text, failed=True)])

    def _end(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _work(self, lines: Lines) -> None:
        """Execute each line, waiting for the answer to the one before."""
        while (line := await lines.next()) is not None:
            if not (await self._until(lambda: self._entered) and await self._follow(line)):
                more = f"; {lines.waiting} more were not sent" if lines.waiting else ""
                what = "may not have arrived" if self._entered else "was not sent"
                self._complain(f"No answer within {self._patience:.0f} s, so this {what}{more}: {clean_line(line)}")
                return
        if not await self._until(lambda: self._entered):
            self._complain(f"The server at {self._client.address} does not answer.")

    def _input_ended(self) -> None:
        self._ended = True
        self._deadline = asyncio.get_running_loop().time() + self._patience
        self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Return whether a condition became true; wait without limit while input may follow, then to the deadline."""
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

    async def _follow(self, line: str) -> bool:
        """Execute a line; return False if it was not answered in time."""
        before = len(self._state.timeline.entries)
        try:
            asked = typed_commands.parse(line)
            if isinstance(asked, Text):
                self._say(asked.text)
            elif asked:
                self._command(asked)
        except LineError as error:
            self._complain(clean_line(str(error)))
            return True
        self._print(self._transcript.news())
        if not await self._until(self._all_answered):
            return False
        if isinstance(asked, TypedCommand) and asked.name == "history" and len(self._state.timeline.entries) == before:
            self._print([output.note("No older messages.")])
        self._print(output.profile(self._state))
        self._state.profile = None
        return True

    def _all_answered(self) -> bool:
        loading = self._state.profile is not None and self._state.profile.stage is Stage.LOADING
        asked = any(timeline.requests for timeline in self._state.timelines.values())
        return not (loading or asked or self._state.unsent())

    def _command(self, command: TypedCommand) -> None:
        state, rest = self._state, command.rest
        match command.name:
            case "report":
                self._report(rest)
            case "profile":
                self._ask_profile(target.without_sign(rest))
            case "join" | "read" | "close":
                {"join": self._join, "read": self._mark_read, "close": self._close}[command.name](rest)
            case "who":
                self._print(output.people(state))
            case "msg":
                name, text = typed_commands.name_and_text(rest, names(state))
                self._say(text, target.conversation(name))
            case "me":
                self._say(action(state.me, rest))
            case "history":
                self._load_older()
            case "help":
                self._print(output.commands(state))

    def _say(self, text: str, channel: str = "") -> None:
        longest = self._state.welcome.limits.message_chars if self._state.welcome else 0
        if len(text) > longest:
            raise LineError(f"The message has {len(text)} of at most {longest} characters; send it in parts.")
        self._client.send(self._state.say(text, nonce(), channel))

    def _join(self, place: str) -> None:
        wanted = key(place.removeprefix("#"))
        found = [each.id for each in self._state.timelines.values() if wanted in {key(each.id), key(each.name)}]
        if not found and not target.is_conversation(wanted):
            known = ", ".join(self._state.place_of(each) for each in self._state.timelines)
            raise LineError(f"There is no channel {place}; there are {known}, and @NAME for a person.")
        self._state.look_at(found[0] if found else place)
        self._print([output.note(f"You write in {self._state.place} now.")])

    def _mark_read(self, rest: str) -> None:
        if rest not in {"", "all"}:
            raise LineError("Usage: /read [all]")
        for place in [*self._state.timelines] if rest else [self._state.current]:
            self._state.see_all(place)
        self._client.mark_read()
        self._print(
            [output.note("Everything is marked as read." if rest else f"{self._state.place} is marked as read.")]
        )

    def _close(self, name: str) -> None:
        state = self._state
        closed = state.known_as(target.conversation(target.without_sign(name))) if name else state.current
        place = state.place_of(closed)
        if problem := state.close(closed):
            raise LineError(problem)
        if closed == state.current:
            state.look_at(next(iter(state.timelines)))
        self._client.mark_read()
        self._print([output.note(f"{place} is closed; you write in {state.place}.")])

    def _load_older(self) -> None:
        self._need_connection()
        asked = self._state.ask_older(nonce())
        if asked is None:
            raise LineError(f"{self._state.place} has no older messages.")
        self._print([output.note(f"Older messages of {self._state.place}:")])
        self._client.send(asked)

    def _ask_profile(self, name: str) -> None:
        self._need_connection()
        self._client.send(self._state.ask_profile(name, nonce()))

    def _need_connection(self) -> None:
        """Fail for a request that is not repeated after a reconnect."""
        if not self._client.online:
            raise LineError(OFFLINE)

    def _report(self, rest: str) -> None:
        welcome = self._state.welcome
        if welcome is None or not welcome.webhooks.report:
            raise LineError("Reports are turned off in this room.")
        number, behind = typed_commands.number_and_rest(rest)
        reason, comment = typed_commands.reason_and_comment(behind, welcome.report_reasons)
        found = self._transcript.find(number)
        if found is None:
            raise LineError(f"There is no message [{number}].")
        if reason.comment_required and not comment:
            raise LineError(f"{reason.reason}: add what is wrong after the reason.")
        longest = welcome.limits.comment_chars
        if len(comment) > longest:
            raise LineError(f"The comment has {len(comment)} of at most {longest} characters.")
        channel, line = found
        before, after = self._state.context_of(line, channel)
        draft = ReportDraft(reason.reason, comment, tuple(each.msg_id for each in (*before, *after)))
        along = f" {len(before)} messages before it and {len(after)} after it are included." if draft.context else ""
        self._print([output.note(f"Reporting [{number}]: {reason.reason}.{along}")])
        self._client.send(self._state.report(line, draft, nonce(), channel))

    def _came(self, frame: ServerFrame) -> None:
        if isinstance(frame, Echo):
            self._entered = True
        elif isinstance(frame, Places):
            # What was kept for the user has been printed.
            self._print(self._transcript.news())
            self._state.see_loaded()
            self._print(output.unread(self._state))
        self._print(self._transcript.news())

    def _changed(self) -> None:
        self._print(self._transcript.news())
        # They have been printed, as have all new messages that are loaded.
        self._state.remarks.clear()
        self._state.see_loaded()
        self._client.mark_read()
        self._news.set()

    def _logged_in(self, login: Granted) -> None:
        # Lines from before the login come first.
        self._print(self._transcript.news())
        again = "again " if login.again else ""
        name, place = name_text.shown(login.name), self._state.place
        self._print([output.note(f"Connected {again}as {name}; you write in {place}.")])
        for text, tone in login.news:
            if tone is Tone.BAD:
                print_error(text)
            else:
                self._print([output.note(text)])

    def _lost(self, loss: Loss) -> None:
        if loss.retry_seconds is None:
            print_error(f"Disconnected: {loss.why}.")
            self._end(1)
        elif loss.first:
            print_error(f"No connection to {self._client.address}: {loss.why}. Reconnecting.")
