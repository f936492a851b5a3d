"""The client's state: a fold of the server's frames into what it knows of the room."""

from datetime import UTC, timedelta
from functools import singledispatchmethod
from itertools import islice

from msgspec.structs import replace

from server.protocol import frames, name_text, target
from server.protocol.codes import CloseCode, ErrorCode, ReportState
from server.protocol.names import key
from tui import limits
from tui.client import history, reactions, unread
from tui.client.coverage import END
from tui.client.person_facts import has_facts
from tui.client.room_state import RoomState
from tui.client.timeline import Line, Notice, Timeline
from tui.tone import Tone

TYPING_SHOWN = timedelta(seconds=6)
ACT, PRESENCE, ABSENCE, CONNECTION = "act", "presence", "absence", "connection"
"""Topics of notices."""
NOT_THERE = "That message no longer exists."
LEFT_OUT = "This server sends more than this client shows; some of it was left out."
NOT_KEPT = "This room keeps no direct messages: they are delivered, and then forgotten."
NEW_NUMBERING = "The server started a new history; earlier messages are no longer available."


def _disclaimer(direct: frames.DirectMessages) -> str:
    """Return the line at the top of each conversation; "" for none."""
    return direct.disclaimer or ("" if direct.kept else NOT_KEPT)


class ClientState(RoomState):
    """What the client knows of the room; `fold` adds the frames of the server to it."""

    @singledispatchmethod
    def fold(self, frame: frames.ServerFrame) -> None:
        """Fold one frame of the server; kinds without a meaning here are ignored."""

    @fold.register
    def _(self, frame: frames.Welcome) -> None:
        if self.welcome and self.welcome.epoch != frame.epoch:
            self.last_seen, self._caught_up_before = 0, False
            self.timelines.forget()
            self.note(NEW_NUMBERING)
            self._remark(self.reports.forget())
        had, self.welcome = self._channels, frame
        self.timelines.set_disclaimer(_disclaimer(frame.direct_messages))
        for channel in frame.channels:
            self.timelines.setdefault(channel.id, Timeline(channel.id, channel.name)).name = channel.name
        self._gone |= had - self._channels
        if self._logged_in:
            self._settle_channels()
        if self.current not in self.timelines:
            self.current = next(iter(self.timelines), "")
            self.timeline.take_notices(self.timelines.notices)

    def _settle_channels(self) -> None:
        """Leave out channels that are gone. Before a login, the server lists none of those that are only for VIPs."""
        if self.current in self._gone - self._channels:
            self.note(f"{self.place} no longer exists; nothing can be sent here.", Tone.BAD)
        self._gone.clear()
        self._leave_out()

    @fold.register
    def _(self, frame: frames.Me) -> None:
        self.me, self._left_out, self._logged_in = frame.username, False, True
        if len(self._names) >= limits.MAX_OWN_NAMES:
            self._names.clear()
        self._names.add(frame.username)
        self.refused_name = ""
        self._arriving.clear()
        self.relations.forget()
        # The problem may have been the lost connection.
        self.reports.problem = None

    @fold.register
    def _(self, frame: frames.Relations) -> None:
        for confirmation in self.relations.fold(frame):
            self.note(confirmation)
        if self.mute_offer in self.relations.hidden:
            self.mute_offer = ""

    @fold.register
    def _(self, frame: frames.Who) -> None:
        self._arriving.update({entry.username: entry for entry in frame.who_list})
        if len(self._arriving) > limits.MAX_PEOPLE:
            self._arriving = dict(islice(self._arriving.items(), limits.MAX_PEOPLE))
            self.leave_out()
        if not frame.more:
            self.people, self._arriving = self._arriving, {}
            self.has_facts = self.has_facts or any(map(has_facts, self.people.values()))
            self.people_changes += 1

    @fold.register
    def _(self, frame: frames.Presence) -> None:
        self.has_facts = self.has_facts or (frame.who is not None and has_facts(frame.who))
        self.people_changes += 1
        if not frame.who:
            self.people.pop(frame.username, None)
        elif frame.username in self.people or len(self.people) < limits.MAX_PEOPLE:
            self.people[frame.username] = frame.who
        else:
            self.leave_out()
        conversation = self.timelines.get(target.conversation(frame.username))
        # Without a message they neither came nor left; a person who was just blocked has not left either.
        if conversation and frame.message and not self.relations.asked(frame.username):
            words = f"{name_text.quoted(frame.username)} {frame.message}"
            conversation.note(Notice(words, at=self.now(), topic=PRESENCE, lasting=False))
            self.timelines.weigh()

    @fold.register
    def _(self, frame: frames.Message) -> None:
        timeline = self._timeline_for(frame.channel)
        if timeline is None:
            return
        own = self._is_own(frame)
        self._receive(timeline, frame)
        if own:
            self._note_absence(timeline)
        if not timeline.covered.holds(frame.msg_id):
            live = any(each.high == END for each in timeline.covered.holes())
            if live or own:
                # The user's own message that is confirmed late may have others that are missing on both sides.
                timeline.cover(frame.msg_id, END if live else frame.msg_id)

    def _is_own(self, frame: frames.Message) -> bool:
        """Return whether a message confirms what this client sent."""
        return frame.username in self._names and self.timelines.awaits(frame.nonce)

    def _note_absence(self, timeline: Timeline) -> None:
        """Say that a message waits for its recipient, unless that was said and nothing has changed since."""
        peer = timeline.peer
        # Without a history, nothing waits for anybody; the server says so itself.
        if (
            peer is None
            or not self.abilities.history
            or timeline.has_notice(ABSENCE)
            or any(key(each) == key(peer) for each in self.people)
        ):
            return
        words = f"{name_text.quoted(peer)} is away. Your messages wait until they are back."
        timeline.note(Notice(words, at=self.now(), topic=ABSENCE, lasting=False))

    def _receive(self, timeline: Timeline, frame: frames.Message, *, new: bool = True) -> None:
        """Add a message; if it is new, the user has not received it before."""
        line = self.line_of(frame)
        if frame.username in self._names:
            self._confirm_elsewhere(timeline, frame.nonce)
        if frame.username in self._names and timeline.awaits(frame.nonce):
            # Sent under the earlier name before a reconnect that granted another one.
            line = replace(line, mine=True)
        if not line.mine:
            self._typing.pop(frame.channel, None)
        if timeline.add(line, frame.nonce) and new:
            self._count(timeline, line)
        self.last_seen = max(self.last_seen, frame.msg_id)
        self.timelines.weigh()

    def _confirm_elsewhere(self, timeline: Timeline, nonce: str | None) -> None:
        """Remove the user's own message from where it is pending, if the server put it into another timeline."""
        for other in [each for each in self.timelines.values() if each is not timeline and each.awaits(nonce)]:
            other.confirm(nonce)
            if other.id == self.current:
                self.look_at(timeline.id)

    def _count(self, timeline: Timeline, line: Line) -> None:
        """Count a new message as unread, unless the user sees it."""
        if timeline.id == self.current and not timeline.unread and (self.watched is None or self.watched()):
            if line.msg_id > timeline.read:
                timeline.read = line.msg_id
                self.markers.add(timeline.id, line.msg_id)
        elif unread.counts(line, self.relations.hidden) and line.msg_id > timeline.read:
            timeline.count_unread(line, mentioned=self.named(line.text))

    @fold.register
    def _(self, frame: frames.Typing) -> None:
        if target.name_of(frame.channel) not in self.relations.hidden:
            self._typing = {frame.channel: self.now() + TYPING_SHOWN}

    @fold.register
    def _(self, frame: frames.Takeback) -> None:
        self.timelines.take_back([frame.msg_id])

    @fold.register
    def _(self, frame: frames.Edited) -> None:
        self.timelines.edit(frame.msg_id, frame.message)

    @fold.register
    def _(self, frame: frames.Reacted) -> None:
        self.timelines.react(frame, self._names)

    @fold.register
    def _(self, frame: frames.Echo) -> None:
        self._settle_channels()
        since, fresh = self.last_seen, not self._caught_up_before
        for message in frame.messages:
            if timeline := self._timeline_for(message.channel):
                # The server lists below which of these public messages are new; stored direct messages are.
                self._receive(timeline, message, new=not fresh or timeline.peer is not None)
        self.timelines.cover(frame, since, fresh=fresh)
        self.timelines.take_back(frame.taken_back)
        for text in frame.edited:
            self.timelines.edit(text.msg_id, text.message)
        for each in frame.reacted:
            self.timelines.list_reactions(each.msg_id, each.reactions, self._names)
        self._caught_up_before, self._first_login = True, fresh

    @fold.register
    def _(self, frame: frames.Places) -> None:
        self.pages_forward = True
        for entry in frame.places:
            known = entry.channel in self.timelines or target.is_conversation(entry.channel)
            if known and (timeline := self._timeline_for(entry.channel)):
                unread.take_place(timeline, entry, first=self._first_login)
                if timeline.id == self.current:
                    self.wants_new = self.wants_new or timeline.unread > 0

    @fold.register
    def _(self, frame: frames.Read) -> None:
        timeline = self.timelines.get(frame.channel)
        if timeline and frame.closed and timeline.id != self.current and not timeline.holds_pending:
            del self.timelines[timeline.id]
        elif timeline and frame.msg_id > timeline.read:
            unread.see(timeline, frame.msg_id, self.relations.hidden, self.named)

    @fold.register
    def _(self, frame: frames.History) -> None:
        timeline = self._timeline_for(frame.channel)
        if timeline is None:
            return
        for message in frame.messages:
            timeline.add(self.line_of(message))
            self.timelines.weigh()
        request = history.answer(timeline, frame)
        self.timelines.take_back([message.msg_id for message in frame.messages if message.taken_back])
        sought = request and timeline.id == self.current and self.wanted and request.before_id == self.wanted + 1
        if sought and not timeline.find(self.wanted):
            self.wanted = 0
            self.note(NOT_THERE, Tone.BAD)

    @fold.register
    def _(self, frame: frames.SearchResults) -> None:
        self.search.fold(frame)
        self.mention_search.fold(frame)

    @fold.register
    def _(self, frame: frames.ReportStatus) -> None:
        asked = self.reports.asked(frame.nonce)
        self._remark(self.reports.stands(frame, self.now()))
        if frame.report.status == ReportState.WITHDRAWN:
            self.mute_offer = ""
        elif asked and asked.channel == self.current and asked.about not in self.relations.hidden:
            self.mute_offer = asked.about

    @fold.register
    def _(self, frame: frames.Reports) -> None:
        self._remark(self.reports.listed(frame, self.now()))

    @fold.register
    def _(self, frame: frames.Profile) -> None:
        if self.profile:
            self.profile = self.profile.answered(frame)

    @fold.register
    def _(self, frame: frames.Error) -> None:
        nonce = frame.nonce or ""
        if frame.code == ErrorCode.NOTICE:
            self.note(frame.message, Tone.SAID, frame.channel)
        elif frame.code in {ErrorCode.SIGN_IN_REQUIRED, ErrorCode.BAD_TOKEN}:
            """The reason of the close says it."""
        elif frame.code == ErrorCode.BAD_NAME and not self.me:
            self.refused_name = frame.message
        elif (remarks := self.reports.refused(frame)) is not None:
            self._remark(remarks)
        elif nonce and self.profile and self.profile.nonce == nonce:
            self.profile = self.profile.failed(frame.message)
        elif not (
            self.search.fail(nonce, frame.message)
            or self.mention_search.fail(nonce, frame.message)
            or self.timelines.fail(nonce, frame.message)
        ):
            if self.timelines.fail_history(nonce):
                self.wanted, self.wants_new = 0, False
            self.note(frame.message, Tone.BAD)

    @fold.register
    def _(self, frame: frames.Block) -> None:
        """Do nothing: `relations` follows."""

    @fold.register
    def _(self, frame: frames.Disconnect) -> None:
        # Where to get a token is said once, with the end of the connection.
        if frame.code != CloseCode.SIGN_IN:
            self.note(frame.why)

    def leave_out(self) -> None:
        """Notify the user once that parts of what the server sent are not shown."""
        if not self._left_out:
            self._left_out = True
            self.note(LEFT_OUT, Tone.BAD)

    def _timeline_for(self, channel: str) -> Timeline | None:
        """Return the timeline of a frame; None if the server names more channels than this client accepts."""
        if channel not in self.timelines and (known := self.timelines.like(channel)):
            self._rename(known, channel)
        if channel not in self.timelines and len(self.timelines) >= limits.MAX_PLACES:
            self.leave_out()
            return None
        return self.timelines.obtain(channel)

    def _rename(self, timeline: Timeline, channel: str) -> None:
        """Give a conversation the target that the server uses, at the same place in the list."""
        old = timeline.id
        self.timelines.rename(timeline, channel)
        self.renamed[old] = channel
        if self.current == old:
            self.current = channel

    def line_of(self, frame: frames.Message) -> Line:
        """Return a message as it is shown."""
        # A time without a zone is not RFC 3339, and cannot be compared with one that has a zone.
        at = frame.at if frame.at.tzinfo else frame.at.replace(tzinfo=UTC)
        taken_back = frame.taken_back or self.timelines.was_taken_back(frame.msg_id)
        text = "" if taken_back else frame.message
        report = self.timelines.report_of(frame.msg_id)
        under = () if taken_back else reactions.listed(frame.reactions, self._names)
        mine = frame.username == self.me if frame.own is None else frame.own
        return Line(frame.msg_id, frame.username, text, at, mine, report, taken_back, under, frame.edited)
