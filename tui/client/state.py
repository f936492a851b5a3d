"""The client's knowledge of the room, and the user's actions in it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import Struct, field
from msgspec.structs import fields

from server.protocol import frames
from server.protocol.mentions import mentions
from tui import limits
from tui.client import reactions, unread
from tui.client.abilities import OF_FLAGPOST, Abilities
from tui.client.coverage import END
from tui.client.entries import Line, Notice, Pending
from tui.client.hues import Hues
from tui.client.named_texts import NamedTexts
from tui.client.own_relations import OwnRelations
from tui.client.own_reports import OwnReports, Remark, ReportDraft
from tui.client.person_facts import facts
from tui.client.profile_view import ProfileView, Stage
from tui.client.report_context import around
from tui.client.search import SearchState
from tui.client.timeline import Timeline
from tui.client.timelines import Timelines
from tui.tone import Tone

TYPING_SHOWN = timedelta(seconds=6)
ACT, PRESENCE, ABSENCE, CONNECTION = "act", "presence", "absence", "connection"
"""Topics of notices."""
LEFT_OUT = "This server sends more than this client shows; some of it was left out."


class ClientState(Struct):
    """The client's state. Methods for the user's actions return a frame to send; `fold_frame` applies the server's."""

    now: Callable[[], datetime]
    welcome: frames.Welcome | None = None
    abilities: Abilities = OF_FLAGPOST
    me: str = ""
    """The granted name; empty until the login is accepted."""
    words: tuple[str, ...] = ()
    """Words that count as mentions of the user, like the name."""
    refused_name: str | None = None
    """Why the server refused the name; None if it did not."""
    timelines: Timelines = field(default_factory=Timelines)
    current: str = ""
    people: dict[str, frames.WhoEntry] = field(default_factory=dict)
    people_changes: int = 0
    """Number of changes to `people`, by which a view recognises whether it has drawn them."""
    profile: ProfileView | None = None
    reports: OwnReports = field(default_factory=OwnReports)
    relations: OwnRelations = field(default_factory=OwnRelations)
    mute_offer: str | None = None
    """A person whom the user has just reported and is offered to mute; None after the answer."""
    remarks: list[Remark] = field(default_factory=list)
    """Notifications about reports since this was last cleared; the interface checks whether they were seen."""
    search: SearchState = field(default_factory=SearchState)
    mention_search: SearchState = field(default_factory=partial(SearchState, mentions=True))
    """The search for messages that mention the user and are not loaded."""
    wanted: int = 0
    """The number of a message of the current timeline that is shown once it is loaded; 0: none."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Old and new targets of conversations whose name the server spells differently; the interface clears it."""
    pages_forward: bool = False
    """True if the server also returns pages in ascending order, as servers that send `Places` do."""
    wants_new: bool = False
    """True if the first new message of the current timeline is shown once it is loaded."""
    watched: Callable[[], bool] | None = None
    """Returns whether the user sees what arrives in the current timeline; None in line mode, where they always do."""
    markers: unread.MarkersToSend = field(default_factory=unread.MarkersToSend)
    """How far the user has read, to be sent to the server."""
    last_seen: int = 0
    drafts: dict[str, str] = field(default_factory=dict)
    """Unsent texts of the composer, by channel or conversation."""
    typing: dict[str, datetime] = field(default_factory=dict)
    """The conversation in which somebody is writing to the user, and until when that is shown; at most one."""
    arriving: dict[str, frames.WhoEntry] = field(default_factory=dict)
    """The people in the first frames of a list that is not complete yet."""
    has_facts: bool = False
    """True if the site says more about people than their names."""
    logged_in: bool = False
    gone_channels: set[str] = field(default_factory=set)
    """Channels that the server no longer lists, until they are removed."""
    caught_up: bool = False
    """True once the messages of a login were received, in the present numbering."""
    first_echo: bool = True
    """True if the last echo answered the first login, not a reconnect."""
    own_names: set[str] = field(default_factory=set)
    """Every name that this server has granted to the user."""
    hues: Hues = field(default_factory=Hues)
    _unseen_texts: NamedTexts = field(default_factory=NamedTexts)
    _hues_changed: int = 0
    """The value of `people_changes` when the hues were assigned last."""
    is_incomplete: bool = False
    """True if the user was notified since the login that parts are not shown."""

    def reset(self) -> None:
        """Reset to the state at the start."""
        fresh = type(self)(self.now, watched=self.watched, people_changes=self.people_changes + 1)
        for each in fields(self):
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
    def name_hues(self) -> Mapping[str, int]:
        """Return the hue of each person in the room, by name. Each change creates a new mapping."""
        if self._hues_changed != self.people_changes:
            self._hues_changed = self.people_changes
            self.hues.assign(self.people)
        return self.hues.of

    @property
    def dnd(self) -> bool:
        """Return whether Do not disturb is on, according to the server."""
        own = self.people.get(self.me)
        return own is not None and own.dnd

    @property
    def is_operator(self) -> bool:
        """Return whether the user is an operator, according to the server."""
        own = self.people.get(self.me)
        return own is not None and own.op

    @property
    def is_typing(self) -> bool:
        """Return whether the other person of the current conversation is writing."""
        return self.typing.get(self.current, self.now()) > self.now()

    def place_of(self, channel: str) -> str:
        """Return the displayed name of a channel or conversation."""
        return self.timelines.title(channel)

    @property
    def since(self) -> frames.Since | None:
        """Return where to catch up from: the last message this client knows; None if it knows none."""
        return frames.Since(self.welcome.epoch, self.last_seen) if self.welcome and self.me else None

    def note(self, text: str, tone: Tone = Tone.INFO, channel: str = "", topic: str = "") -> None:
        """Add a notice to a channel, or to the current one; only the server's own words are permanent."""
        notice = Notice(text, tone, self.now(), topic, lasting=tone is Tone.SAID)
        self.timelines.get(channel, self.timeline).note(notice)
        self.timelines.weigh()

    def leave_out(self) -> None:
        """Notify the user once that parts of what the server sent are not shown."""
        if not self.is_incomplete:
            self.is_incomplete = True
            self.note(LEFT_OUT, Tone.BAD)

    def line_of(self, frame: frames.Message) -> Line:
        """Return a message as it is shown."""
        # A time without a zone is not RFC 3339, and cannot be compared with one that has a zone.
        at = frame.at if frame.at.tzinfo else frame.at.replace(tzinfo=UTC)
        taken_back = frame.taken_back or self.timelines.was_taken_back(frame.msg_id)
        text = "" if taken_back else frame.message
        report = self.timelines.report_of(frame.msg_id)
        under = () if taken_back else reactions.listed(frame.reactions, self.own_names)
        mine = frame.username == self.me if frame.own is None else frame.own
        return Line(
            msg_id=frame.msg_id,
            author=frame.username,
            text=text,
            at=at,
            mine=mine,
            report=report,
            taken_back=taken_back,
            reactions=under,
            edited=frame.edited,
        )

    def lost(self) -> None:
        """Drop all pending requests: the connection is lost."""
        self.reports.lost()
        self.search.lost()
        self.mention_search.lost()
        self.wanted = 0
        self.logged_in = False
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
        self.current, self.mute_offer, self.wanted, self.wants_new = channel, None, 0, timeline.unread > 0
        timeline.refused = False
        if self.watched is None:
            self.see_all(channel)
        self.drop_channels()

    def go_to(self, channel: str, msg_id: int) -> None:
        """Switch to a message, which may not be loaded yet."""
        self.look_at(channel)
        self.wanted, self.wants_new = msg_id, False

    def arrived(self) -> int:
        """Return the number of the wanted message once it is loaded, and clear `wanted`; else return 0."""
        wanted = self.wanted
        if not wanted or not self.timeline.find(wanted):
            return 0
        self.wanted = 0
        return wanted

    @property
    def first_unread(self) -> int:
        """Return the number of the first unread message of the current timeline, if it is loaded; else 0."""
        timeline = self.timeline
        first = next(
            (each for each in timeline.after(timeline.read) if unread.counts(each, self.relations.hidden)), None
        )
        return first.msg_id if first and timeline.covered.spans(timeline.read + 1, first.msg_id) else 0

    def see(self, msg_id: int) -> bool:
        """Record that the current timeline was on the screen up to a message; return whether this changes anything."""
        news = unread.see(self.timeline, msg_id, self.relations.hidden, self.named)
        if news:
            self.markers.add(self.current, msg_id)
        return news

    def see_all(self, channel: str) -> bool:
        """Mark a channel or conversation as read; return whether this changes anything."""
        timeline = self.timelines[channel]
        news = unread.see_all(timeline, timeline.newest)
        if news:
            self.markers.add(channel, timeline.newest)
        return news

    def close(self, channel: str) -> str | None:
        """Remove a conversation from the list until it has a new message; return the problem, or None."""
        timeline = self.timelines.get(channel)
        if timeline is None or timeline.peer is None:
            return "Only conversations can be closed. To mute a channel: /notices none"
        if timeline.holds_pending:
            return "A message here has not been sent yet. Wait until it is sent, or edit it if it failed."
        self.markers.add(channel, timeline.newest, closed=True)
        del self.timelines[channel]
        return None

    def see_loaded(self) -> None:
        """Mark as read the timelines whose unread messages are all loaded: line mode has printed them."""
        for timeline in self.timelines.values():
            loaded = sum(unread.counts(each, self.relations.hidden) for each in timeline.after(timeline.read))
            if timeline.unread and (loaded >= timeline.unread or timeline.covered.spans(timeline.read + 1, END)):
                self.see_all(timeline.id)

    def unseen(self, after: int) -> unread.Unseen:
        """Count the messages of others in the current timeline after the last one that is on the screen."""
        last, named = max(after, self.timeline.read), self._unseen_texts.next_pass(self.names_of_user)
        return unread.unseen(self.timeline, last, self.relations.hidden, named)

    @property
    def names_of_user(self) -> tuple[str, ...]:
        """Return the words that count as mentions of the user: their name, and those that they configured."""
        return (self.me, *self.words)

    def named(self, text: str) -> bool:
        """Return whether a text names the user."""
        return mentions(text, self.names_of_user)

    def say(self, text: str, nonce: str, channel: str = "") -> frames.Say:
        """Write in a channel, or the current one; the line stays pending until the server has numbered it."""
        self.mute_offer = None
        pending = Pending(nonce, self.me, text, self.now())
        channel = self.known_as(channel or self.current)
        self.timelines.obtain(channel).await_confirmation(pending)
        return self._said(channel, text, nonce)

    def _said(self, channel: str, text: str, nonce: str) -> frames.Say:
        # The server treats an operator's text as a command if it begins with one slash.
        return frames.Say(channel, f"/{text}" if self.is_operator and text.startswith("/") else text, nonce)

    def unsent(self) -> list[frames.Say | frames.ReportRequest | frames.Withdraw]:
        """Return the frames that the server has not acknowledged; resent after a reconnect, each counts once."""
        said = [self._said(timeline.id, each.text, each.nonce) for timeline, each in self.timelines.unsent()]
        return [*said, *self.reports.unsent()]

    def give_up_unsent(self, why: str) -> None:
        """Mark unacknowledged messages and reports as failed; the user can resend them."""
        self.timelines.give_up_unsent(why)
        self.add_remarks(self.reports.give_up(why))

    def report(self, line: Line, draft: ReportDraft, nonce: str, channel: str = "") -> frames.ReportRequest:
        """Report a message of a channel, or the current one; it is marked once the server has the report."""
        self.mute_offer = None
        return self.reports.send(line, channel or self.current, draft, nonce)

    def context_of(self, line: Line, channel: str = "") -> tuple[list[Line], list[Line]]:
        """Return the context that a report may include: as much before and after the message as the server accepts."""
        if not self.welcome or not self.welcome.webhooks.evidence:
            return [], []
        limits = self.welcome.limits
        before = min(limits.context_before, frames.MAX_CONTEXT_BEFORE)
        after = min(limits.context_after, frames.MAX_CONTEXT_AFTER)
        timeline = self.timelines.get(channel, self.timeline)
        return around(timeline, line.msg_id, before, after, self.relations.hidden)

    def toggle_mute(self, username: str) -> frames.Mute | frames.Unmute:
        """Mute or unmute a person; this takes effect once the server has confirmed it."""
        self.mute_offer = None
        return self.relations.toggle_mute(username)

    def ask_profile(self, username: str, nonce: str) -> frames.ProfileRequest | None:
        """Show the profile of a person; return the request for it, or None if the site's tokens suffice."""
        from_site = self.welcome is None or self.welcome.webhooks.profile
        if not from_site and self.facts_of(username):
            self.profile = ProfileView(username, "", Stage.READY)
            return None
        self.profile = ProfileView(username, nonce)
        return frames.ProfileRequest(username, nonce)

    def facts_of(self, username: str) -> tuple[tuple[str, str], ...]:
        """Return what the site's tokens say about a person who is here."""
        return facts(self.people.get(username), self.welcome.website if self.welcome else "")

    def known_as(self, channel: str) -> str:
        """Return the known spelling of a target: the user may have spelled a name differently."""
        return self.timelines.known_as(channel, self.people)

    def add_remarks(self, remarks: Iterable[Remark]) -> None:
        """Notify the user of changes to reports, and update the marks on messages."""
        self.timelines.mark_reported(self.reports.statuses)
        for remark in remarks:
            self.note(*remark)
            self.remarks.append(remark)
        del self.remarks[: -limits.MAX_REPORTS]

    @property
    def channels(self) -> set[str]:
        return {channel.id for channel in self.welcome.channels} if self.welcome else set()

    def drop_channels(self) -> None:
        """Hide channels that the room no longer has, unless one is current or holds unsent messages."""
        if not self.welcome:
            return
        self.timelines.leave_out(self.channels | {self.current})
