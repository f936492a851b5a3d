"""The commands of line mode: the request that each sends, and the answer that it waits for."""

from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import NamedTuple

from server.protocol import name_text, target
from server.protocol.frames import MAX_QUERY_CHARS, Edit, Frame, React, ReportEntry, SetStatus, Takeback
from server.protocol.names import key
from tui.client.client import OFFLINE, Client, nonce
from tui.client.emojis import replace_short_names
from tui.client.entries import Line
from tui.client.loading import ask_older
from tui.client.own_reports import ReportDraft
from tui.client.own_status import problem_of
from tui.client.slash import action, addressed, names
from tui.client.slash_table import OPERATOR_COMMANDS, for_server
from tui.plain import output, typed_commands
from tui.plain.output import OutputLine, Transcript
from tui.plain.typed_commands import LineError, TypedCommand

Print = Callable[[Iterable[OutputLine]], None]


def _nothing() -> Iterable[OutputLine]:
    return ()


class Wait(NamedTuple):
    """The answer to wait for, and what to print once it has arrived. A refusal by the server ends the wait, too."""

    answered: Callable[[], bool] = lambda: True
    results: Callable[[], Iterable[OutputLine]] = _nothing


class LineCommands:
    """Carries out commands; each raises LineError if it cannot be carried out."""

    def __init__(self, client: Client, transcript: Transcript, show: Print) -> None:
        self._client, self._state, self._transcript, self._show = client, client.state, transcript, show
        self._listed: list[ReportEntry] = []
        """The reports in the order of the last list."""
        self._commands: dict[str, Callable[[str], Wait | None]] = {
            "join": self._join, "msg": self._message, "me": self._me, "who": self._who, "history": self._history,
            "read": self._read, "close": self._close,
            "profile": self._profile, "report": self._report, "reports": self._reports, "withdraw": self._withdraw,
            "react": self._react, "edit": self._edit, "delete": self._delete, "status": self._status, "dnd": self._dnd,
            "mute": self._mute, "unmute": self._unmute, "block": self._block, "unblock": self._unblock,
            "search": self._search, "reconnect": self._reconnect, "help": self._help,
        }  # fmt: skip
        self._commands |= {name: partial(self._operate, name) for name in OPERATOR_COMMANDS}

    def run(self, command: TypedCommand) -> Wait:
        """Run a command; return what to wait for."""
        if not self._state.abilities.offer_command(command.name):
            raise LineError(f"/{command.name} is not available on this server. See /help.")
        return self._commands[command.name](command.rest) or Wait()

    def say(self, text: str, channel: str = "") -> None:
        """Send a message to a channel or conversation, or to the current one."""
        longest = self._state.welcome.limits.message_chars if self._state.welcome else 0
        if len(text) > longest:
            raise LineError(f"The message has {len(text)} characters; the limit is {longest}. Send it in parts.")
        self._client.say(text, channel)

    def _note(self, text: str) -> None:
        self._show([output.note(text)])

    def _send(self, frame: Frame) -> None:
        """Send a request that is not repeated after a reconnect."""
        if not self._client.online:
            raise LineError(OFFLINE)
        self._client.send(frame)

    def _find(self, text: str) -> tuple[int, str, Line, str]:
        """Return the number at the start of a text, the channel and the message it refers to, and the rest."""
        number, rest = typed_commands.number_and_rest(text)
        found = self._transcript.find(number)
        if found is None:
            raise LineError(f"There is no message [{number}]. Use the number in brackets before the message.")
        return number, *found, rest

    def _own(self, text: str) -> tuple[int, str, Line, str]:
        found = self._find(text)
        if not found[2].mine:
            raise LineError(f"[{found[0]}] is not your message. Use the number of one of yours.")
        return found

    def _now(self, channel: str, line: Line) -> Line | None:
        """Return the present state of a message; None if it is no longer loaded."""
        timeline = self._state.timelines.get(channel)
        return timeline.find(line.msg_id) if timeline else None

    # Places and people.

    def _join(self, place: str) -> None:
        wanted = key(place.removeprefix("#"))
        found = [each.id for each in self._state.timelines.values() if wanted in {key(each.id), key(each.name)}]
        if not found and not target.is_conversation(wanted):
            known = ", ".join(self._state.place_of(each) for each in self._state.timelines)
            raise LineError(f"There is no channel “{place}”. Use {known}, or @NAME for a person.")
        self._state.look_at(found[0] if found else place)
        self._note(f"You are now writing in {self._state.place}.")

    def _read(self, rest: str) -> None:
        if rest not in {"", "all"}:
            raise LineError("Usage: /read [all]")
        for place in [*self._state.timelines] if rest else [self._state.current]:
            self._state.see_all(place)
        self._client.mark_read()
        self._note("Everything is marked as read." if rest else f"{self._state.place} is marked as read.")

    def _close(self, name: str) -> None:
        state = self._state
        closed = state.known_as(target.conversation(target.without_sign(name))) if name else state.current
        if closed not in state.timelines:
            raise LineError(f"There is no conversation with “{name}”. Check the name.")
        if not target.is_conversation(closed):
            raise LineError("Only conversations can be closed. Use /close NAME, or /join @NAME and then /close.")
        place = state.place_of(closed)
        if problem := state.close(closed):
            raise LineError(problem)
        if closed == state.current:
            state.look_at(next(iter(state.timelines)))
        self._client.mark_read()
        self._note(f"{place} is closed; you are now writing in {state.place}.")

    def _message(self, rest: str) -> None:
        name, text = typed_commands.name_and_text(rest, names(self._state))
        self.say(text, target.conversation(name))

    def _me(self, text: str) -> None:
        self.say(action(self._state.me, text))

    def _who(self, _: str) -> None:
        self._show(output.people(self._state))

    def _help(self, _: str) -> None:
        self._show(output.commands(self._state))

    def _reconnect(self, _: str) -> None:
        self._client.hurry()

    def _profile(self, name: str) -> Wait:
        username = target.without_sign(name)
        if asked := self._state.ask_profile(username, nonce()):
            self._send(asked)
        return Wait(results=lambda: output.profile(self._state))

    def _person(self, rest: str) -> str:
        name, behind = addressed(rest, names(self._state))
        if not name or behind.strip():
            raise LineError(f"No one named “{rest}” is here. See /who for the names.")
        if name == self._state.me:
            raise LineError("That's you. Name someone else.")
        return name

    def _mute(self, rest: str) -> Wait:
        return self._relate(self._state.toggle_mute, rest)

    def _unmute(self, rest: str) -> Wait:
        return self._relate(self._state.toggle_mute, rest, self._state.relations.muted, "muted")

    def _block(self, rest: str) -> Wait:
        return self._relate(self._state.relations.toggle_block, rest)

    def _unblock(self, rest: str) -> Wait:
        return self._relate(self._state.relations.toggle_block, rest, self._state.relations.blocked, "blocked")

    def _relate(
        self, toggle: Callable[[str], Frame], rest: str, among: Container[str] | None = None, status: str = ""
    ) -> Wait:
        name = self._person(rest)
        if among is not None and name not in among:
            raise LineError(f"{name_text.quoted(name)} is not {status}, so there is nothing to undo.")
        if not self._client.online:
            raise LineError(OFFLINE)
        self._send(toggle(name))
        return Wait(lambda: not self._state.relations.asked(name))

    def _operate(self, name: str, rest: str) -> None:
        if not self._state.is_operator:
            raise LineError(f"Only operators can use /{name}.")
        self._send(for_server(name, rest))

    def _status(self, words: str) -> Wait:
        words = words or "online"
        if problem := problem_of(words):
            raise LineError(problem)
        self._send(SetStatus(words))
        return Wait(lambda: self._is(words), lambda: [output.note(f"Status set: {words}")])

    def _is(self, status: str) -> bool:
        own = self._state.people.get(self._state.me)
        return own is None or own.status == status

    def _dnd(self, _: str) -> Wait:
        wanted = not self._state.dnd
        self._send(SetStatus(dnd=wanted))
        said = "on: direct messages are refused. /dnd turns it off." if wanted else "off."
        return Wait(lambda: self._state.dnd == wanted, lambda: [output.note(f"Do not disturb is {said}")])

    # Messages.

    def _history(self, _: str) -> Wait:
        if not self._client.online:
            raise LineError(OFFLINE)
        asked, before = ask_older(self._state, nonce()), len(self._state.timeline.entries)
        if asked is None:
            raise LineError(f"{self._state.place} has no older messages.")
        self._note(f"Older messages of {self._state.place}:")
        self._send(asked)
        timeline = self._state.timeline
        return Wait(results=lambda: () if len(timeline.entries) > before else [output.note("No older messages.")])

    def _search(self, words: str) -> Wait:
        if not words:
            raise LineError(f"Usage: {typed_commands.usage('search')}")
        if len(words) > MAX_QUERY_CHARS:
            raise LineError(f"The search has {len(words)} characters; the limit is {MAX_QUERY_CHARS}. Use fewer words.")
        search = self._state.search
        self._send(search.ask(words, nonce(), self._state.now()))
        return Wait(lambda: not search.nonce, lambda: output.found(self._state, self._transcript))

    def _react(self, rest: str) -> Wait:
        _, channel, line, typed = self._find(rest)
        emoji = replace_short_names(typed)
        if not emoji:
            raise LineError("Usage: /react N EMOJI")
        remove = any(each.emoji == emoji and each.mine for each in line.reactions)
        self._send(React(line.msg_id, emoji, remove))
        return Wait(lambda: (now := self._now(channel, line)) is None or now.reactions != line.reactions)

    def _edit(self, rest: str) -> Wait:
        _, channel, line, text = self._own(rest)
        if not text:
            raise LineError("Usage: /edit N TEXT")
        self._send(Edit(line.msg_id, text, nonce()))
        return Wait(lambda: (now := self._now(channel, line)) is None or now.text == text)

    def _delete(self, rest: str) -> Wait:
        _, channel, line, _ = self._find(rest) if self._state.is_operator else self._own(rest)
        self._send(Takeback(line.msg_id))
        return Wait(lambda: (now := self._now(channel, line)) is None or now.taken_back)

    # Reports.

    def _report(self, rest: str) -> None:
        welcome = self._state.welcome
        if welcome is None or not welcome.webhooks.report:
            raise LineError("Reports are turned off on this server.")
        number, behind = typed_commands.number_and_rest(rest)
        reason, comment = typed_commands.reason_and_comment(behind, welcome.report_reasons)
        _, channel, line, _ = self._find(rest)
        if reason.comment_required and not comment:
            raise LineError(f"The reason “{reason.reason}” needs a comment: add it after the reason.")
        longest = welcome.limits.comment_chars
        if len(comment) > longest:
            raise LineError(f"The comment has {len(comment)} characters; the limit is {longest}. Shorten it.")
        before, after = self._state.context_of(line, channel)
        draft = ReportDraft(reason.reason, comment, tuple(each.msg_id for each in (*before, *after)))
        along = f" Context: {len(before)} before, {len(after)} after." if draft.context else ""
        self._note(f"Reporting [{number}]: {reason.reason}.{along}")
        self._client.send_stored(self._state.report(line, draft, nonce(), channel))

    def _reports(self, _: str) -> Wait:
        reports = self._state.reports
        self._send(reports.ask(nonce()))
        return Wait(lambda: not reports.loading, self._list_reports)

    def _list_reports(self) -> Iterable[OutputLine]:
        self._listed = self._state.reports.entries
        return output.reports(self._state, self._listed)

    def _withdraw(self, rest: str) -> Wait:
        number, _ = typed_commands.number_and_rest(rest)
        if not 0 < number <= len(self._listed):
            raise LineError(f"There is no report {number} in the list. Type /reports to see the numbers.")
        reports, asked = self._state.reports, nonce()
        self._send(reports.withdraw(self._listed[number - 1].report_id, asked))
        return Wait(lambda: asked not in reports.withdrawing, self._withdrawal)

    def _withdrawal(self) -> Iterable[OutputLine]:
        problem = self._state.reports.problem
        return [OutputLine(problem, failed=True)] if problem else ()
