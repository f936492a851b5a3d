"""Keeps the chat of lines going: takes what is typed one after the other, sends it, and prints what comes."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from server.protocol import name_text
from server.protocol.frames import Echo, Frame, Me, Relations, ServerFrame, Welcome
from tui.client.reports import Draft
from tui.client.slash import names
from tui.client.state import Stage, State
from tui.net.address import shown
from tui.net.connection import Connecting, Connection, Event, Lost
from tui.net.discovery import find
from tui.net.identity import take
from tui.net.local_server import LocalServerError
from tui.net.session import NOT_SENT, Keys, ServerNews, Session
from tui.options import Options
from tui.plain import commands, printing
from tui.plain.commands import Command, CommandError, Text
from tui.plain.printing import Teller, Told
from tui.plain.stdin import Lines
from tui.text import clean, clean_line
from tui.tone import Tone

ANSWER_SECONDS = 15.0
"""How long each line is waited for once the input has ended."""
READER_GONE = 141
"""The exit code that a shell gives a program whose reader went away (128 + SIGPIPE)."""


async def chat(options: Options, patience: float = ANSWER_SECONDS) -> int:
    """Chat until the input ends, and then wait so many seconds for each line that is left.

    The exit code: 0, 1 if something did not happen, READER_GONE.
    """
    try:
        found = await find(options)
    except (LocalServerError, ValueError) as error:
        print_error(f"There is no server: {clean_line(str(error))}")
        return 1
    address = clean_line(found.url)
    # Each demo has a server of its own, which ends with it.
    kept = None if options.demo else take(address, options.name)
    try:
        client = _Client(found.url, Session(options.name, kept or Keys(), address, own=found.own), patience)
        client.tell(printing.note(line) for line in found.notices)
        return await client.run()
    finally:
        if kept:
            kept.release()
        if found.server:
            await found.server.stop()


def print_error(text: str) -> None:
    """One line on standard error."""
    print(f"flagpost: {text}", file=sys.stderr, flush=True)


class _Client:
    """One chat; `run` it once."""

    def __init__(self, url: str, session: Session, patience: float) -> None:
        self._session = session
        self._patience = patience
        self._address = shown(url)
        self._state = State(now=lambda: datetime.now(UTC))
        self._teller = Teller(self._state)
        self._connection = Connection(url, session, self._take)
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()
        """Something came, or nothing more will be typed."""
        self._sending: set[asyncio.Task[bool]] = set()
        self._entered = self._online = self._told_loss = self._failed = self._ended = False
        self._deadline: float | None = None
        """In the loop's seconds, when to give up on the line that waits for an answer; None: never."""

    async def run(self) -> int:
        """Chat until the input ends, the server wants no more of it, or nobody reads; the exit code."""
        life = asyncio.create_task(self._connection.run())
        work = asyncio.create_task(self._work(Lines(self._input_ended)))
        tasks: list[asyncio.Future[int] | asyncio.Task[None]] = [life, work, self._over]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (life, work):
                task.cancel()
            # Waited for, so that the closing handshake is done before the loop ends.
            faults = await asyncio.gather(life, work, return_exceptions=True)
        for fault in faults:
            if isinstance(fault, Exception):
                raise fault
        return self._over.result() if self._over.done() else int(self._failed)

    def tell(self, told: Iterable[Told]) -> None:
        """Print lines: what went well to standard output, what did not to standard error."""
        try:
            for text, failed in told:
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
        self.tell([Told(text, failed=True)])

    def _end(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _work(self, lines: Lines) -> None:
        """Do what each line asks for, the next one once that is answered."""
        while (line := await lines.next()) is not None:
            if not (await self._until(lambda: self._entered) and await self._follow(line)):
                more = f"; {lines.waiting} more were not sent" if lines.waiting else ""
                what = "may not have arrived" if self._entered else "was not sent"
                self._complain(f"No answer within {self._patience:.0f} s, so this {what}{more}: {clean_line(line)}")
                return
        if not await self._until(lambda: self._entered):
            self._complain(f"The server at {self._address} does not answer.")

    def _input_ended(self) -> None:
        self._ended = True
        self._deadline = asyncio.get_running_loop().time() + self._patience
        self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Wait for what the server brings; without an end while there may be input, then with patience alone."""
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
        """Do what a line asks for; False if that was not answered in time."""
        oldest = self._state.timeline.oldest
        try:
            asked = commands.parse(clean(line))
            if isinstance(asked, Text):
                self._say(asked.text)
            elif asked:
                self._command(asked)
        except CommandError as error:
            self._complain(clean_line(str(error)))
            return True
        self.tell(self._teller.news())
        if not await self._until(self._all_answered):
            return False
        if isinstance(asked, Command) and asked.name == "history" and self._state.timeline.oldest == oldest:
            self.tell([printing.note("There are none.")])
        self.tell(printing.profile(self._state))
        self._state.profile = None
        return True

    def _all_answered(self) -> bool:
        loading = self._state.profile is not None and self._state.profile.stage is Stage.LOADING
        asked = any(timeline.asked_older for timeline in self._state.timelines.values())
        return not (loading or asked or self._state.unsent())

    def _command(self, command: Command) -> None:
        state, rest = self._state, command.rest
        match command.name:
            case "report":
                self._report(rest)
            case "profile":
                self._ask_profile(rest.removeprefix("@"))
            case "join":
                self._join(rest)
            case "who":
                self.tell(printing.people(state))
            case "msg":
                name, text = commands.name_and_text(rest, names(state))
                self._say(text, f"@{name}")
            case "history":
                self._load_older()
            case "help":
                self.tell(printing.commands(state))

    def _say(self, text: str, channel: str = "") -> None:
        longest = self._state.welcome.limits.message_chars if self._state.welcome else 0
        if len(text) > longest:
            raise CommandError(f"The message has {len(text)} of at most {longest} characters; send it in parts.")
        self._send(self._state.say(text, _nonce(), channel))

    def _join(self, place: str) -> None:
        wanted = place.removeprefix("#").strip().casefold()
        found = [
            each.id for each in self._state.timelines.values() if wanted in {each.id.casefold(), each.name.casefold()}
        ]
        if not found and not wanted.startswith("@"):
            known = ", ".join(self._state.place_of(each) for each in self._state.timelines)
            raise CommandError(f"There is no channel {place}; there are {known}, and @NAME for a person.")
        self._state.look_at(found[0] if found else place)
        self.tell([printing.note(f"You write in {self._state.place} now.")])

    def _load_older(self) -> None:
        self._need_connection()
        asked = self._state.ask_older(_nonce())
        if asked is None:
            raise CommandError(f"There are no older messages of {self._state.place}.")
        self.tell([printing.note(f"Older messages of {self._state.place}:")])
        self._send(asked)

    def _ask_profile(self, name: str) -> None:
        self._need_connection()
        self._send(self._state.ask_profile(name, _nonce()))

    def _need_connection(self) -> None:
        """For what is not asked again after a reconnect."""
        if not self._online:
            raise CommandError("There is no connection now; try again once it is back.")

    def _report(self, rest: str) -> None:
        welcome = self._state.welcome
        if welcome is None or not welcome.webhooks.report:
            raise CommandError("This room takes no reports.")
        number, behind = commands.number_and_rest(rest)
        reason, comment = commands.reason_and_comment(behind, welcome.report_reasons)
        found = self._teller.find(number)
        if found is None:
            raise CommandError(f"There is no message [{number}].")
        if reason.comment_required and not comment:
            raise CommandError(f"{reason.reason}: write behind the reason what is wrong.")
        longest = welcome.limits.comment_chars
        if len(comment) > longest:
            raise CommandError(f"The comment has {len(comment)} of at most {longest} characters.")
        channel, line = found
        before, after = self._state.context_of(line, channel)
        draft = Draft(reason.reason, comment, tuple(each.msg_id for each in (*before, *after)))
        along = f" {len(before)} messages before it and {len(after)} after it go along." if draft.context else ""
        self.tell([printing.note(f"Reporting [{number}]: {reason.reason}.{along}")])
        self._send(self._state.report(line, draft, _nonce(), channel))

    def _take(self, event: Event) -> None:
        """Take in what the connection tells."""
        if isinstance(event, Lost):
            self._lost(event.why, event.retry_seconds)
        elif not isinstance(event, Connecting):
            for frame in event.frames:
                self._state.fold(frame)
                self._follow_up(frame)
                self.tell(self._teller.news())
            if event.left_out:
                self._state.leave_out()
                self.tell(self._teller.news())
            # Whatever was told has been printed.
            self._state.remarks.clear()
        self._news.set()

    def _follow_up(self, frame: ServerFrame) -> None:
        """Answer the frames that want an answer."""
        if isinstance(frame, Welcome) and not self._online:
            # One that comes later tells of other settings.
            self._send(self._session.login(frame, self._state.since))
        elif isinstance(frame, Me):
            told = self._session.entered(frame.username)
            again = "again " if self._told_loss else ""
            self._online, self._told_loss = True, False
            name, place = name_text.shown(frame.username), self._state.place
            self.tell([printing.note(f"Connected {again}as {name}; you write in {place}.")])
            self._tell_news(told)
            for unsent in self._state.unsent():
                self._send(unsent)
        elif isinstance(frame, Echo):
            self._entered = True
        elif isinstance(frame, Relations) and self._state.relations.returned:
            for ask in self._state.ask_newest(_nonce):
                self._send(ask)
        elif self._state.refused_name:
            print_error(f"{clean_line(self._state.refused_name)} Give another name with --name NAME.")
            self._end(1)

    def _tell_news(self, told: Iterable[ServerNews]) -> None:
        """Tell what is new about the server; what was written for another one is not sent to it."""
        for text, tone in told:
            if tone is Tone.BAD:
                print_error(text)
            else:
                self.tell([printing.note(text)])
            self._state.give_up_unsent(NOT_SENT)

    def _lost(self, why: str, retry_seconds: float | None) -> None:
        self._state.lost()
        self._online = False
        if retry_seconds is None:
            print_error(f"Disconnected: {why}.")
            self._end(1)
        elif not self._told_loss:
            self._told_loss = True
            print_error(f"No connection to {self._address}: {why}. It is tried again until it works.")

    def _send(self, frame: Frame) -> None:
        task = asyncio.create_task(self._connection.send(frame))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def _nonce() -> str:
    return secrets.token_hex(8)
