"""What the client knows: a fold of the server's frames and of one's own acts."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from functools import singledispatchmethod

from server.protocol import frames
from server.protocol.codes import ErrorCode
from tui.core.timeline import Line, Notice, Pending, Timeline, Tone

GAP = "Some messages between here and the next one could not be recovered."
NEW_NUMBERING = "The server has begun a new history; the messages from before are gone."
NO_ANSWER = "The connection was lost before the website answered about your report; it may or may not have arrived."


class Stage(Enum):
    """Where the profile panel is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class ProfileView:
    """What the profile panel shows."""

    username: str
    nonce: str
    stage: Stage = Stage.LOADING
    headline: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass
class State:
    """Fold frames with `fold`; the other methods are acts of the person, and return the frame to send."""

    now: Callable[[], datetime]
    welcome: frames.Welcome | None = None
    me: str = ""
    """The name as granted; empty until the login was taken."""
    refused_name: str = ""
    """Why the server did not take the name."""
    timelines: dict[str, Timeline] = field(default_factory=dict)
    current: str = ""
    people: dict[str, frames.WhoEntry] = field(default_factory=dict)
    profile: ProfileView | None = None
    last_seen: int = 0
    _caught_up_before: bool = False
    _names: set[str] = field(default_factory=set)
    """Every name that was granted here."""
    _reports: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Nonce -> channel and number of the message whose report has no answer yet."""
    _anteroom: Timeline = field(default_factory=lambda: Timeline("", "", more=False))
    """Holds notices until a channel is known."""

    @property
    def timeline(self) -> Timeline:
        """The timeline that is looked at; one of an empty ID before a channel is known."""
        return self.timelines.get(self.current, self._anteroom)

    @property
    def place(self) -> str:
        """The name of the current timeline as people read it; empty before there is one."""
        name = self.timeline.name
        return name if not name or self.current.startswith("@") else f"# {name}"

    @property
    def since(self) -> frames.Since | None:
        """Up to where this client has seen everything; None before it saw anything."""
        return frames.Since(self.welcome.epoch, self.last_seen) if self.welcome and self.me else None

    @singledispatchmethod
    def fold(self, frame: frames.ServerFrame) -> None:
        """Take in one frame of the server; kinds without a meaning here change nothing."""

    @fold.register
    def _(self, frame: frames.Welcome) -> None:
        if self.welcome and self.welcome.epoch != frame.epoch:
            self.last_seen = 0
            for timeline in self.timelines.values():
                timeline.forget()
            self.note(NEW_NUMBERING)
        self.welcome = frame
        for channel in frame.channels:
            self.timelines.setdefault(channel.id, Timeline(channel.id, channel.name)).name = channel.name
        if self.current not in self.timelines:
            self.current = next(iter(self.timelines), "")
            self.timeline.take_notices(self._anteroom)

    @fold.register
    def _(self, frame: frames.Me) -> None:
        self.me = frame.username
        self._names.add(frame.username)
        self.refused_name = ""

    @fold.register
    def _(self, frame: frames.Who) -> None:
        self.people = {entry.username: entry for entry in frame.who_list}

    @fold.register
    def _(self, frame: frames.Presence) -> None:
        if frame.who:
            self.people[frame.username] = frame.who
        else:
            self.people.pop(frame.username, None)
        if conversation := self.timelines.get(f"@{frame.username}"):
            conversation.note(Notice(f"{frame.username} {frame.message}"))

    @fold.register
    def _(self, frame: frames.Message) -> None:
        timeline = self._timeline_of(frame.channel)
        line = self._line(frame)
        if frame.username in self._names and timeline.awaits(frame.nonce):
            # Sent under the name of before a reconnect that granted another one.
            line = replace(line, mine=True)
        if timeline.add(line, frame.nonce) and not line.mine and frame.channel != self.current:
            timeline.unread += 1
        self.last_seen = max(self.last_seen, frame.msg_id)

    @fold.register
    def _(self, frame: frames.Echo) -> None:
        if not frame.recovered:
            for timeline in self.timelines.values():
                timeline.note(Notice(GAP, Tone.BAD))
        for message in frame.messages:
            self.fold(message)
        if not self._caught_up_before:
            # What was said before this start of the client is no news.
            for timeline in self.timelines.values():
                timeline.unread = 0
        self._caught_up_before = True

    @fold.register
    def _(self, frame: frames.History) -> None:
        timeline = self._timeline_of(frame.channel)
        timeline.asked_older = ""
        timeline.more = frame.more
        for message in frame.messages:
            timeline.add(self._line(message))

    @fold.register
    def _(self, frame: frames.ReportStatus) -> None:
        channel, msg_id = self._reports.pop(frame.nonce or "", ("", 0))
        line = self._timeline_of(channel).find(msg_id) if channel else None
        about = f"{line.author}'s message" if line else "a message"
        if frame.status == "delivered":
            if line:
                self._timeline_of(channel).mark_reported(msg_id)
            self.note(f"Your report of {about} was delivered to the website. Thank you.", Tone.GOOD, channel)
        else:
            self.note(f"Your report of {about} did not arrive. {frame.error}", Tone.BAD, channel)

    @fold.register
    def _(self, frame: frames.Profile) -> None:
        if self.profile and self.profile.nonce == frame.nonce:
            fields = tuple((each.name, each.value) for each in frame.profile_fields)
            stage = Stage.FAILED if frame.error else Stage.READY
            self.profile = ProfileView(frame.username, frame.nonce, stage, frame.headline, fields, frame.error)

    @fold.register
    def _(self, frame: frames.Error) -> None:
        nonce = frame.nonce or ""
        if frame.code == ErrorCode.NOTICE:
            self.note(frame.message, Tone.SAID, frame.channel)
        elif frame.code == ErrorCode.BAD_NAME and not self.me:
            self.refused_name = frame.message
        elif nonce in self._reports:
            channel, _ = self._reports.pop(nonce)
            self.note(f"Your report was not sent. {frame.message}", Tone.BAD, channel)
        elif nonce and self.profile and self.profile.nonce == nonce:
            self.profile = ProfileView(self.profile.username, nonce, Stage.FAILED, error=frame.message)
        elif not any(timeline.fail(nonce, frame.message) for timeline in self.timelines.values()):
            self._older_failed(nonce)
            self.note(frame.message, Tone.BAD)

    @fold.register
    def _(self, frame: frames.Disconnect) -> None:
        self.note(frame.why)

    def note(self, text: str, tone: Tone = Tone.INFO, channel: str = "") -> None:
        """Put a notice in a channel, or where the person looks."""
        self.timelines.get(channel, self.timeline).note(Notice(text, tone))

    def lost(self) -> None:
        """The connection is gone: nothing that was asked will be answered."""
        for channel, _ in self._reports.values():
            self.note(NO_ANSWER, Tone.BAD, channel)
        self._reports.clear()
        for timeline in self.timelines.values():
            timeline.asked_older = ""
        if self.profile and self.profile.stage is Stage.LOADING:
            self.profile = ProfileView(
                self.profile.username, "", Stage.FAILED, error="The connection was lost before the site answered."
            )

    def look_at(self, channel: str) -> None:
        """Turn to a channel, or to a conversation, which begins by it."""
        self._timeline_of(channel).unread = 0
        self.current = channel

    def say(self, text: str, nonce: str) -> frames.Say:
        """Write in the current channel; the line stays pending until the server has numbered it."""
        pending = Pending(nonce, self.me, text, self.now())
        self._timeline_of(self.current).await_confirmation(pending)
        return frames.Say(self.current, text, nonce)

    def unsent(self) -> list[frames.Say]:
        """What was written and has no number yet; sent again after a reconnect, it counts once."""
        return [
            frames.Say(timeline.id, pending.text, pending.nonce)
            for timeline in self.timelines.values()
            for pending in timeline.unsent()
        ]

    def report(self, msg_id: int, reason: str, comment: str, nonce: str) -> frames.ReportAsk:
        """Report a message of the current channel; it is marked once the server says that the site has it."""
        self._reports[nonce] = (self.current, msg_id)
        return frames.ReportAsk(msg_id, reason, comment, nonce)

    def ask_profile(self, username: str, nonce: str) -> frames.ProfileAsk:
        """Open the profile of a person."""
        self.profile = ProfileView(username, nonce)
        return frames.ProfileAsk(username, nonce)

    def ask_older(self, nonce: str) -> frames.HistoryAsk | None:
        """Ask for what comes before the current timeline, unless that is under way or there is nothing."""
        timeline = self.timeline
        if not timeline.more or timeline.asked_older:
            return None
        timeline.asked_older = nonce
        return frames.HistoryAsk(timeline.id, nonce, timeline.oldest)

    def _older_failed(self, nonce: str) -> None:
        for timeline in self.timelines.values():
            if timeline.asked_older == nonce:
                timeline.asked_older = ""

    def _timeline_of(self, channel: str) -> Timeline:
        if channel not in self.timelines:
            self.timelines[channel] = Timeline(channel, channel)
        return self.timelines[channel]

    def _line(self, frame: frames.Message) -> Line:
        # A time without a zone is no RFC 3339, and cannot be compared with one that has it.
        at = frame.at if frame.at.tzinfo else frame.at.replace(tzinfo=UTC)
        return Line(frame.msg_id, frame.username, frame.message, at, frame.username == self.me)
