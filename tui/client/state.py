"""The client's state: a fold of the server's frames and of the user's acts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial, singledispatchmethod
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import fields, replace

from server.protocol import frames, name_text, target
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.mentions import mentions
from server.protocol.names import key
from tui import limits
from tui.client import history, reactions, unread
from tui.client.coverage import END
from tui.client.hues import Hues
from tui.client.own_relations import OwnRelations
from tui.client.own_reports import GONE, OwnReports, Remark, ReportDraft
from tui.client.profile_view import ProfileView
from tui.client.search import SearchState
from tui.client.timeline import Line, Notice, Pending, Timeline
from tui.client.timelines import Timelines
from tui.tone import Tone

TYPING_SHOWN = timedelta(seconds=6)
ACT, PRESENCE, ABSENCE, CONNECTION = "act", "presence", "absence", "connection"
"""Topics of notices."""
NOT_THERE = "That message no longer exists."
LEFT_OUT = "This server sends more than this client shows; some of it was left out."
NEW_NUMBERING = "The server started a new history; earlier messages are no longer available."


class ClientState(Struct):
    """Fold frames with `fold`; the other methods are acts of the user, and return the frame to send."""

    now: Callable[[], datetime]
    welcome: frames.Welcome | None = None
    me: str = ""
    """The granted name; empty until the login is accepted."""
    words: tuple[str, ...] = ()
    """Words that count like the name."""
    refused_name: str = ""
    """Why the server refused the name."""
    timelines: Timelines = field(default_factory=Timelines)
    current: str = ""
    people: dict[str, frames.WhoEntry] = field(default_factory=dict)
    profile: ProfileView | None = None
    reports: OwnReports = field(default_factory=OwnReports)
    relations: OwnRelations = field(default_factory=OwnRelations)
    mute_offer: str = ""
    """A person whom the user has just reported and is offered to mute; empty after the answer."""
    remarks: list[Remark] = field(default_factory=list)
    """Notifications about reports since this was last cleared; the interface checks whether they were seen."""
    search: SearchState = field(default_factory=SearchState)
    mention_search: SearchState = field(default_factory=partial(SearchState, mentions=True))
    """The search for messages that mention the user, which are not loaded."""
    wanted: int = 0
    """A message of the current timeline to be shown once it is loaded; 0: none."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Conversations that have another target now, as the server spells the name otherwise; the interface clears it."""
    pages_forward: bool = False
    """The server also pages forward, as those do that list places."""
    wants_new: bool = False
    """The first new message of the current timeline is to be shown once it is loaded."""
    watched: Callable[[], bool] | None = None
    """Returns whether the user sees what arrives in the current timeline; None: everything is printed there."""
    markers: unread.MarkersToSend = field(default_factory=unread.MarkersToSend)
    """How far the user has read, for the server."""
    last_seen: int = 0
    drafts: dict[str, str] = field(default_factory=dict)
    """What is written in the composer and not sent, by channel or conversation."""
    _typing: dict[str, datetime] = field(default_factory=dict)
    """People who are writing to the user, and until when that is shown; the latest alone."""
    _arriving: dict[str, frames.WhoEntry] = field(default_factory=dict)
    """The people in the first frames of a list that is not complete yet."""
    _caught_up_before: bool = False
    _first_login: bool = True
    """The last echo was that of a start, not of a reconnect."""
    _names: set[str] = field(default_factory=set)
    """Every name granted to the user here."""
    hues: Hues = field(default_factory=Hues)
    _left_out: bool = False
    """True if the user was notified since the login that parts are not shown."""

    def reset(self) -> None:
        """Forget everything, as at the start."""
        fresh = ClientState(self.now, watched=self.watched)
        for each in fields(ClientState):
            setattr(self, each.name, getattr(fresh, each.name))

    @property
    def timeline(self) -> Timeline:
        """Return the current timeline; its ID is empty before a channel is known."""
        return self.timelines.get(self.current, self.timelines.notices)

    @property
    def place(self) -> str:
        """Return the displayed name of the current timeline; empty before there is one."""
        return self.place_of(self.current) if self.timeline.name else ""

    @property
    def dnd(self) -> bool:
        """Return whether Do not disturb is on, according to the server."""
        own = self.people.get(self.me)
        return own is not None and own.dnd

    @property
    def is_typing(self) -> bool:
        """Return whether the other person of the current conversation is writing."""
        return self._typing.get(self.current, self.now()) > self.now()

    def place_of(self, channel: str) -> str:
        """Return the displayed name of a channel or conversation."""
        return self.timelines.title(channel)

    @property
    def since(self) -> frames.Since | None:
        """Return where to catch up from: the last message this client knows; None if it knows none."""
        return frames.Since(self.welcome.epoch, self.last_seen) if self.welcome and self.me else None

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
        for channel in frame.channels:
            self.timelines.setdefault(channel.id, Timeline(channel.id, channel.name)).name = channel.name
        if self.current in had - self._channels:
            self.note(f"{self.place} no longer exists; nothing can be sent here.", Tone.BAD)
        self._leave_out()
        if self.current not in self.timelines:
            self.current = next(iter(self.timelines), "")
            self.timeline.take_notices(self.timelines.notices)

    @fold.register
    def _(self, frame: frames.Me) -> None:
        self.me, self._left_out = frame.username, False
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

    @fold.register
    def _(self, frame: frames.Presence) -> None:
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
        if peer is None or timeline.has_notice(ABSENCE) or any(key(each) == key(peer) for each in self.people):
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
    def _(self, frame: frames.Disconnect) -> None:
        self.note(frame.why)

    def note(self, text: str, tone: Tone = Tone.INFO, channel: str = "", topic: str = "") -> None:
        """Put a notice in a channel, or in the current one; only what the server said lasts."""
        notice = Notice(text, tone, self.now(), topic, lasting=tone is Tone.SAID)
        self.timelines.get(channel, self.timeline).note(notice)
        self.timelines.weigh()

    def leave_out(self) -> None:
        """Notify the user once that parts of what the server sent are not shown."""
        if not self._left_out:
            self._left_out = True
            self.note(LEFT_OUT, Tone.BAD)

    def lost(self) -> None:
        """Drop all pending requests: the connection is lost."""
        self.reports.lost()
        self.search.lost()
        self.mention_search.lost()
        self.wanted = 0
        self.timelines.lost()
        if self.profile:
            self.profile = self.profile.lost()

    def look_at(self, channel: str) -> None:
        """Switch to a channel, or to a conversation, which is created if necessary."""
        channel = self.known_as(channel)
        before, timeline = self.timeline, self.timelines.obtain(channel)
        if channel != self.current:
            before.begin_new(-1)
            if timeline.unread and not timeline.new_from:
                timeline.begin_new(timeline.read)
        self.current, self.mute_offer, self.wanted, self.wants_new = channel, "", 0, timeline.unread > 0
        timeline.refused = False
        if self.watched is None:
            self.see_all(channel)
        self._leave_out()

    def go_to(self, channel: str, msg_id: int) -> None:
        """Switch to a message, which may not be loaded yet."""
        self.look_at(channel)
        self.wanted, self.wants_new = msg_id, False

    def arrived(self) -> int:
        """Return the number of the wanted message once it is loaded; else 0."""
        wanted = self.wanted
        if not wanted or not self.timeline.find(wanted):
            return 0
        self.wanted = 0
        return wanted

    @property
    def first_unread(self) -> int:
        """Return the first unread message of the current timeline, if it is loaded; else 0."""
        timeline = self.timeline
        first = next(
            (each for each in timeline.after(timeline.read) if unread.counts(each, self.relations.hidden)), None
        )
        return first.msg_id if first and timeline.covered.spans(timeline.read + 1, first.msg_id) else 0

    def see(self, msg_id: int) -> bool:
        """Record that the current timeline was on the screen up to a message; return whether that is news."""
        news = unread.see(self.timeline, msg_id, self.relations.hidden, self.named)
        if news:
            self.markers.add(self.current, msg_id)
        return news

    def see_all(self, channel: str) -> bool:
        """Mark a channel or conversation as read; return whether that is news."""
        timeline = self.timelines[channel]
        news = unread.see_all(timeline, timeline.newest)
        if news:
            self.markers.add(channel, timeline.newest)
        return news

    def close(self, channel: str) -> str | None:
        """Leave a conversation out of the list until it has a new message; return the problem, or None."""
        timeline = self.timelines.get(channel)
        if timeline is None or timeline.peer is None:
            return "Only conversations can be closed. To mute a channel: /notices none"
        if timeline.holds_pending:
            return "A message here has not been sent yet. Wait for it, or take it back first."
        self.markers.add(channel, timeline.newest, closed=True)
        del self.timelines[channel]
        return None

    def see_loaded(self) -> None:
        """Mark as read whatever is unread and loaded in full: all of it has been printed."""
        for timeline in self.timelines.values():
            loaded = sum(unread.counts(each, self.relations.hidden) for each in timeline.after(timeline.read))
            if timeline.unread and (loaded >= timeline.unread or timeline.covered.spans(timeline.read + 1, END)):
                self.see_all(timeline.id)

    def unseen(self, after: int) -> unread.Unseen:
        """Count the messages of others in the current timeline after the last one that is on the screen."""
        last = max(after, self.timeline.read)
        return unread.unseen(self.timeline, last, self.relations.hidden, self.named)

    @property
    def names_of_user(self) -> tuple[str, ...]:
        """Return what makes a message one that names the user: the name, and the words that they configured."""
        return (self.me, *self.words)

    def named(self, text: str) -> bool:
        """Return whether a text names the user."""
        return mentions(text, self.names_of_user)

    def say(self, text: str, nonce: str, channel: str = "") -> frames.Say:
        """Write in a channel, or the current one; the line stays pending until the server has numbered it."""
        self.mute_offer = ""
        pending = Pending(nonce, self.me, text, self.now())
        channel = self.known_as(channel or self.current)
        self.timelines.obtain(channel).await_confirmation(pending)
        return frames.Say(channel, text, nonce)

    def unsent(self) -> list[frames.Say | frames.ReportRequest | frames.Withdraw]:
        """Return the frames that the server has not acknowledged; resent after a reconnect, each counts once."""
        said = [frames.Say(timeline.id, each.text, each.nonce) for timeline, each in self.timelines.unsent()]
        return [*said, *self.reports.unsent()]

    def restore(self, channel: str, pending: Pending) -> None:
        """Go on with a message that was not confirmed when the client ended; `failure` says why it never will be."""
        timeline = self.timelines.obtain(self.known_as(channel))
        timeline.await_confirmation(replace(pending, failure=""))
        if pending.failure:
            timeline.fail(pending.nonce, pending.failure)

    def restore_drafts(self, drafts: Mapping[str, str]) -> None:
        """Set the drafts, and list the conversations that they belong to."""
        self.drafts = dict(drafts)
        for place in drafts:
            if target.is_conversation(place):
                self.timelines.obtain(place)

    def lose_reports(self, count: int) -> None:
        """Notify the user of reports that were unanswered when the client ended, and refer to no message now."""
        self._remark([Remark(GONE, Tone.BAD, "")] * count)

    def give_up_unsent(self, why: str) -> None:
        """Mark unacknowledged messages as failed; the user can resend them."""
        self.timelines.give_up_unsent(why)
        self._remark(self.reports.give_up(why))

    def report(self, line: Line, draft: ReportDraft, nonce: str, channel: str = "") -> frames.ReportRequest:
        """Report a message of a channel, or the current one; it is marked once the server has the report."""
        self.mute_offer = ""
        return self.reports.send(line, channel or self.current, draft, nonce)

    def context_of(self, line: Line, channel: str = "") -> tuple[list[Line], list[Line]]:
        """Return the context that a report may include: as much before and after the message as the server accepts."""
        if not self.welcome or not self.welcome.webhooks.evidence:
            return [], []
        limits = self.welcome.limits
        before = min(limits.context_before, frames.MAX_CONTEXT_BEFORE)
        after = min(limits.context_after, frames.MAX_CONTEXT_AFTER)
        timeline = self.timelines.get(channel, self.timeline)
        return timeline.around(line.msg_id, before, after, self.relations.hidden)

    def toggle_mute(self, username: str) -> frames.Mute | frames.Unmute:
        """Mute or unmute a person; it takes effect when the server confirms."""
        self.mute_offer = ""
        return self.relations.toggle_mute(username)

    def ask_profile(self, username: str, nonce: str) -> frames.ProfileRequest:
        self.profile = ProfileView(username, nonce)
        return frames.ProfileRequest(username, nonce)

    def ask_older(self, nonce: str, limit: int = history.PAGE) -> frames.HistoryRequest | None:
        """Request what is missing nearest to the end of the current timeline; None if nothing is, or it is pending."""
        holes = [*self.timeline.covered.holes()]
        return history.ask(self.timeline, holes[-1], nonce, limit=limit) if holes else None

    def ask_page(self, low: float, nonce: str, *, forward: bool = False) -> frames.HistoryRequest | None:
        """Request a page of what is missing after a number, from its end or (forward) from its beginning."""
        hole = self.timeline.hole(low)
        return history.ask(self.timeline, hole, nonce, forward=forward and self.pages_forward) if hole else None

    def ask_shown(self, nonces: Callable[[], str]) -> list[frames.HistoryRequest]:
        """Request what the current timeline has to show now and is not loaded."""
        timeline = self.timeline
        if not self._caught_up_before or not timeline.id or timeline.refused:
            return []
        if self.wanted:
            return history.ask_around(timeline, self.wanted, nonces, both=self.pages_forward)
        if self.wants_new and timeline.unread and not timeline.new_from:
            asked = history.ask_around(timeline, timeline.read, nonces, both=self.pages_forward)
            # Nothing left to request: the first unread message cannot be shown.
            self.wants_new = bool(asked or timeline.requests)
            return asked
        return history.ask_newest(timeline, nonces)

    def ask_newest(self, nonce: Callable[[], str]) -> list[frames.HistoryRequest]:
        """Request the newest messages of every channel: messages that were hidden may be readable now."""
        return [frames.HistoryRequest(channel, nonce()) for channel in self.timelines]

    def _remark(self, remarks: Iterable[Remark]) -> None:
        """Notify the user of changes to reports, and update the marks on messages."""
        self.timelines.mark_reported(self.reports.statuses)
        for remark in remarks:
            self.note(*remark)
            self.remarks.append(remark)
        del self.remarks[: -limits.MAX_REPORTS]

    @property
    def _channels(self) -> set[str]:
        return {channel.id for channel in self.welcome.channels} if self.welcome else set()

    def _leave_out(self) -> None:
        """Hide channels that the room no longer has, unless one is current or holds unsent messages."""
        if not self.welcome:
            return
        self.timelines.leave_out(self._channels | {self.current})

    def _timeline_for(self, channel: str) -> Timeline | None:
        """Return the timeline of a frame; None if the server names more channels than this client accepts."""
        if channel not in self.timelines and (known := self.timelines.like(channel)):
            self._rename(known, channel)
        if channel not in self.timelines and len(self.timelines) >= limits.MAX_PLACES:
            self.leave_out()
            return None
        return self.timelines.obtain(channel)

    def known_as(self, channel: str) -> str:
        """Return the known spelling of a target: the name of a person may have been typed in another one."""
        return self.timelines.known_as(channel, self.people)

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
