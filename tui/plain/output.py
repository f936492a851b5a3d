"""The lines that line mode prints: messages with numbers to refer to, changes to them, and lists."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from server.protocol import name_text
from server.protocol.frames import ReportEntry, WhoEntry
from tui.client import report_words
from tui.client.entries import Entry, Line, Notice
from tui.client.person_facts import badge, short_emoji
from tui.client.profile_view import Stage
from tui.client.slash_table import DEFINITIONS, HINT
from tui.client.state import ClientState
from tui.client.timeline import Timeline
from tui.client.unread import by_importance, shown_count
from tui.plain.typed_commands import COMMANDS, numbered, usage
from tui.text import clean_line
from tui.times import moment
from tui.tone import Tone

CONTINUED = "    "
MAX_NUMBERED = 100_000
"""Number of latest messages that can be referred to by number."""


class OutputLine(NamedTuple):
    """A line of output; `failed`: an action of the user failed."""

    text: str
    failed: bool = False


class Place(NamedTuple):
    """Position of a message: the epoch of the server's numbering, its channel and its number."""

    epoch: str
    channel: str
    msg_id: int


class Transcript:
    """Formats the changes of a `ClientState`, each once."""

    def __init__(self, state: ClientState) -> None:
        self._state = state
        self._places: dict[int, Place] = {}
        """The latest messages, by their short number, which counts from 1."""
        self._count = 0
        self._printed: dict[Place, tuple[int, Line]] = {}

    def news(self) -> Iterator[OutputLine]:
        """Yield the changes since the last call to everything the user can read."""
        for timeline in [*self._state.timelines.values(), self._state.timeline]:
            for change in timeline.pop_changes():
                for entry in change.added:
                    yield from self._entry(timeline, entry)

    def number_of(self, channel: str, msg_id: int) -> int | None:
        """Return the short number of a message, if it was printed."""
        found = self._printed.get(Place(self._epoch, channel, msg_id))
        return found[0] if found else None

    def find(self, number: int) -> tuple[str, Line] | None:
        """Return the channel and the message of a short number; None if there is no such message any more."""
        if number not in self._places:
            return None
        epoch, channel, msg_id = self._places[number]
        timeline = self._state.timelines.get(channel)
        line = timeline.find(msg_id) if timeline and epoch == self._epoch else None
        return (channel, line) if line else None

    @property
    def _epoch(self) -> str:
        return self._state.welcome.epoch if self._state.welcome else ""

    def _entry(self, timeline: Timeline, entry: Entry) -> Iterator[OutputLine]:
        if isinstance(entry, Line):
            yield from self._line(timeline, entry)
        elif isinstance(entry, Notice):
            yield OutputLine(clean_line(entry.text), failed=True) if entry.tone is Tone.BAD else note(entry.text)
        elif entry.failure:
            yield OutputLine(f"Not sent: {clean_line(entry.text)}: {clean_line(entry.failure)}", failed=True)

    def _line(self, timeline: Timeline, line: Line) -> Iterator[OutputLine]:
        if line.author in self._state.relations.hidden:
            return
        place = Place(self._epoch, timeline.id, line.msg_id)
        number, before = self._printed.get(place, (self._count + 1, None))
        self._printed[place] = number, line
        if before:
            yield from (note(f"[{number}] {what}") for what in _differences(before, line))
            return
        self._count = number
        self._places[number] = place
        if len(self._places) > MAX_NUMBERED:
            oldest = self._places.pop(next(iter(self._places)))
            del self._printed[oldest]
        where = self._state.place_of(timeline.id)
        yield message(number, moment(line.at, self._state.now()), where, line)


def message(number: int, at: str, where: str, line: Line) -> OutputLine:
    """Format a message. Its text follows the first », and cannot imitate what precedes it."""
    notes = " and ".join(["deleted"] * line.taken_back + ["edited"] * line.edited + ["reported"] * line.reported)
    return _lines(f"[{number}] {at} {where}, {name_text.said(line.author, line.text, notes)}".rstrip())


def _differences(before: Line, now: Line) -> Iterator[str]:
    """Yield the changes to a message."""
    if now.taken_back and not before.taken_back:
        yield f"{name_text.quoted(now.author)} deleted this message"
    elif now.text != before.text:
        yield f"now says: {now.text}"
    elif now.reactions != before.reactions:
        yield "reactions: " + (", ".join(f"{each.emoji} {len(each.usernames)}" for each in now.reactions) or "none")
    if now.reported != before.reported:
        yield "is reported" if now.reported else "is no longer reported"


def note(text: str) -> OutputLine:
    """Format a line that is not a message."""
    return _lines(f"* {text}")


def _lines(text: str) -> OutputLine:
    """Indent the lines of a text after the first: they could otherwise imitate a message of another person."""
    return OutputLine(text.replace("\n", f"\n{CONTINUED}"))


def unread(state: ClientState) -> Iterator[OutputLine]:
    """List the channels and conversations with unread messages."""
    for timeline in by_importance(state.timelines.values(), lambda _: False):
        mentions = f" Mentions of you: {shown_count(timeline.mentions)}." if timeline.mentions else ""
        yield note(f"Unread in {timeline.title}: {shown_count(timeline.unread)}.{mentions}")


def people(state: ClientState) -> Iterator[OutputLine]:
    """List the people in the room."""
    yield note(f"{len(state.people)} in the room:")
    for entry in state.people.values():
        yield note(_person(entry))


def _person(entry: WhoEntry) -> str:
    """Format a name, with the role, emoji, nickname and status of the person."""
    refuses = "do not disturb" if entry.dnd else ""
    nickname = f"also {entry.nickname}" if entry.nickname else ""
    notes = ", ".join(each for each in (badge(entry), short_emoji(entry), nickname, refuses) if each)
    status = "" if entry.status == "online" else entry.status
    name = name_text.shown(entry.username)
    return name_text.said(entry.username, status, notes) if status else f"{name} ({notes})" if notes else name


def profile(state: ClientState) -> Iterator[OutputLine]:
    """Format the profile that the site returned."""
    view = state.profile
    if view is None or view.stage is Stage.LOADING:
        return
    if view.stage is Stage.FAILED:
        yield OutputLine(f"No profile of {name_text.quoted(view.username)}: {clean_line(view.error)}", failed=True)
        return
    lines = (*state.facts_of(view.username), *view.fields)
    fields = (f"{name}: {value}".replace("\n", f"\n{CONTINUED}") for name, value in lines)
    yield note("\n".join([f"Profile of {name_text.said(view.username, view.headline)}".rstrip(), *fields]))


def commands(state: ClientState) -> Iterator[OutputLine]:
    """List the commands, the channels and the reasons for a report."""
    for name in filter(state.abilities.offer_command, COMMANDS):
        if DEFINITIONS[name].operator and not state.is_operator:
            continue
        yield note(f"{usage(name)}: {DEFINITIONS[name].help}")
    yield note(HINT)
    yield note("Channels and conversations: " + ", ".join(state.place_of(channel) for channel in state.timelines))
    if state.welcome and state.welcome.webhooks.report:
        yield note(f"Reasons for reports: {numbered(state.welcome.report_reasons)}")


def found(state: ClientState, transcript: Transcript) -> Iterator[OutputLine]:
    """List the results of a search; a message that was printed before is shown with its number."""
    search = state.search
    if search.problem:
        yield OutputLine(clean_line(search.problem), failed=True)
        return
    more = "; use more words to find older ones" if search.unfinished else ""
    yield note(f"{len(search.found)} found{more}." if search.found else f"No messages found{more}.")
    for each in reversed(search.found):
        number = transcript.number_of(each.channel, each.msg_id)
        mark = f"[{number}] " if number else ""
        where = f"{moment(each.at, state.now())} {state.place_of(each.channel)}"
        yield note(f"{mark}{where}, {name_text.said(each.username, each.message)}")


def reports(state: ClientState, listed: Sequence[ReportEntry]) -> Iterator[OutputLine]:
    """List the user's reports, with numbers by which they can be withdrawn."""
    if state.reports.problem:
        yield OutputLine(clean_line(state.reports.problem), failed=True)
        return
    if not listed:
        yield note("No reports yet.")
    for number, entry in enumerate(listed, 1):
        about = f"{entry.reason}, about {name_text.quoted(entry.about)} in {state.place_of(entry.channel)}"
        status = report_words.meaning(entry, state.now())
        yield note(f"Report {number}: {about}: {status}" + (f" The site says: {entry.note}" if entry.note else ""))
