"""Folds the server's frames into the client's state."""

from functools import singledispatch
from itertools import islice

from msgspec.structs import replace

from server.protocol import frames, name_text, target
from server.protocol.codes import CloseCode, ErrorCode, ReportState
from server.protocol.names import key
from tui import limits
from tui.client import history, unread
from tui.client.coverage import END
from tui.client.entries import Line, Notice
from tui.client.person_facts import has_facts
from tui.client.state import ABSENCE, CONNECTION, PRESENCE, TYPING_SHOWN, ClientState
from tui.client.timeline import Timeline
from tui.tone import Tone

NOT_THERE = "That message no longer exists."
NOT_KEPT = "This room stores no direct messages: they are delivered, and then forgotten."
NEW_NUMBERING = "The server started a new history; earlier messages are no longer available."


def _disclaimer(direct: frames.DirectMessages) -> str:
    """Return the line at the top of each conversation; "" for none."""
    return direct.disclaimer or ("" if direct.kept else NOT_KEPT)


@singledispatch
def fold_frame(frame: frames.ServerFrame, state: ClientState) -> None:
    """Fold one frame of the server into the state; frames that do not concern it are ignored."""


@fold_frame.register
def _(frame: frames.Welcome, state: ClientState) -> None:
    if state.welcome and state.welcome.epoch != frame.epoch:
        state.last_seen, state.caught_up = 0, False
        state.timelines.forget()
        state.note(NEW_NUMBERING)
        state.add_remarks(state.reports.forget())
    had, state.welcome = state.channels, frame
    state.timelines.set_disclaimer(_disclaimer(frame.direct_messages))
    for channel in frame.channels:
        state.timelines.setdefault(channel.id, Timeline(channel.id, channel.name)).name = channel.name
    state.gone_channels |= had - state.channels
    if state.logged_in:
        _drop_gone_channels(state)
    if state.current not in state.timelines:
        state.current = next(iter(state.timelines), "")
        state.timeline.move_notices_from(state.timelines.notices)


def _drop_gone_channels(state: ClientState) -> None:
    """Remove channels that are gone. Call it only after a login: that is when the server lists channels for VIPs."""
    if state.current in state.gone_channels - state.channels:
        state.note(f"{state.place} no longer exists; nothing can be sent here.", Tone.BAD)
    state.gone_channels.clear()
    state.drop_channels()


@fold_frame.register
def _(frame: frames.Me, state: ClientState) -> None:
    state.me, state.is_incomplete, state.logged_in = frame.username, False, True
    if len(state.own_names) >= limits.MAX_OWN_NAMES:
        state.own_names.clear()
    state.own_names.add(frame.username)
    state.refused_name = None
    state.arriving.clear()
    state.relations.forget()
    # The problem may have been the lost connection.
    state.reports.problem = None


@fold_frame.register
def _(frame: frames.Relations, state: ClientState) -> None:
    for confirmation in state.relations.fold(frame):
        state.note(confirmation)
    if state.mute_offer in state.relations.hidden:
        state.mute_offer = None


@fold_frame.register
def _(frame: frames.Who, state: ClientState) -> None:
    state.arriving.update({entry.username: entry for entry in frame.who_list})
    if len(state.arriving) > limits.MAX_PEOPLE:
        state.arriving = dict(islice(state.arriving.items(), limits.MAX_PEOPLE))
        state.leave_out()
    if not frame.more:
        state.people, state.arriving = state.arriving, {}
        state.has_facts = state.has_facts or any(map(has_facts, state.people.values()))
        state.people_changes += 1


@fold_frame.register
def _(frame: frames.Presence, state: ClientState) -> None:
    state.has_facts = state.has_facts or (frame.who is not None and has_facts(frame.who))
    state.people_changes += 1
    if not frame.who:
        state.people.pop(frame.username, None)
    elif frame.username in state.people or len(state.people) < limits.MAX_PEOPLE:
        state.people[frame.username] = frame.who
    else:
        state.leave_out()
    conversation = state.timelines.get(target.conversation(frame.username))
    # Without a message, nobody joined or left; a person whom the user has just blocked did not leave either.
    if conversation and frame.message and not state.relations.asked(frame.username):
        words = f"{name_text.quoted(frame.username)} {frame.message}"
        conversation.note(Notice(words, at=state.now(), topic=PRESENCE, lasting=False))
        state.timelines.weigh()


@fold_frame.register
def _(frame: frames.Message, state: ClientState) -> None:
    timeline = _timeline_for(state, frame.channel)
    if timeline is None:
        return
    own = _is_own(state, frame)
    _receive(state, timeline, frame)
    if own:
        _note_absence(state, timeline)
    if not timeline.covered.holds(frame.msg_id):
        live = any(each.high == END for each in timeline.covered.holes())
        if live or own:
            # Messages on both sides of an own message that is confirmed late may be missing.
            timeline.cover(frame.msg_id, END if live else frame.msg_id)


def _is_own(state: ClientState, frame: frames.Message) -> bool:
    """Return whether a message confirms a pending one of this client."""
    return frame.username in state.own_names and state.timelines.awaits(frame.nonce)


def _note_absence(state: ClientState, timeline: Timeline) -> None:
    """Add a notice if the recipient of a message is away, unless the latest notice says so already."""
    peer = timeline.peer
    # A server without a history stores nothing for people who are away, and says so itself.
    if (
        peer is None
        or not state.abilities.history
        or timeline.has_notice(ABSENCE)
        or any(key(each) == key(peer) for each in state.people)
    ):
        return
    words = f"{name_text.quoted(peer)} is away, and will see your messages when they return."
    timeline.note(Notice(words, at=state.now(), topic=ABSENCE, lasting=False))


def _receive(state: ClientState, timeline: Timeline, frame: frames.Message, *, new: bool = True) -> None:
    """Add a message; `new`: the user has not received it before, so it may count as unread."""
    line = state.line_of(frame)
    if frame.username in state.own_names:
        _confirm_elsewhere(state, timeline, frame.nonce)
    if frame.username in state.own_names and timeline.awaits(frame.nonce):
        # Sent under the earlier name before a reconnect that granted another one.
        line = replace(line, mine=True)
    if not line.mine:
        state.typing.pop(frame.channel, None)
    if timeline.add(line, frame.nonce) and new:
        _count(state, timeline, line)
    state.last_seen = max(state.last_seen, frame.msg_id)
    state.timelines.weigh()


def _confirm_elsewhere(state: ClientState, timeline: Timeline, nonce: str | None) -> None:
    """Remove the user's own message from where it is pending, if the server put it into another timeline."""
    for other in [each for each in state.timelines.values() if each is not timeline and each.awaits(nonce)]:
        other.confirm(nonce)
        if other.id == state.current:
            state.look_at(timeline.id)


def _count(state: ClientState, timeline: Timeline, line: Line) -> None:
    """Count a new message as unread, unless the user sees it."""
    if timeline.id == state.current and not timeline.unread and (state.watched is None or state.watched()):
        if line.msg_id > timeline.read:
            timeline.read = line.msg_id
            state.markers.add(timeline.id, line.msg_id)
    elif unread.counts(line, state.relations.hidden) and line.msg_id > timeline.read:
        timeline.count_unread(line, mentioned=state.named(line.text))


@fold_frame.register
def _(frame: frames.Typing, state: ClientState) -> None:
    if target.name_of(frame.channel) not in state.relations.hidden:
        state.typing = {frame.channel: state.now() + TYPING_SHOWN}


@fold_frame.register
def _(frame: frames.Takeback, state: ClientState) -> None:
    state.timelines.take_back([frame.msg_id])


@fold_frame.register
def _(frame: frames.Edited, state: ClientState) -> None:
    state.timelines.edit(frame.msg_id, frame.message)


@fold_frame.register
def _(frame: frames.Reacted, state: ClientState) -> None:
    state.timelines.react(frame, state.own_names)


@fold_frame.register
def _(frame: frames.Echo, state: ClientState) -> None:
    _drop_gone_channels(state)
    since, fresh = state.last_seen, not state.caught_up
    for message in frame.messages:
        if timeline := _timeline_for(state, message.channel):
            # A `Places` frame says which of these public messages are new; stored direct messages always are.
            _receive(state, timeline, message, new=not fresh or timeline.peer is not None)
    state.timelines.cover(frame, since, fresh=fresh)
    state.timelines.take_back(frame.taken_back)
    for text in frame.edited:
        state.timelines.edit(text.msg_id, text.message)
    for each in frame.reacted:
        state.timelines.list_reactions(each.msg_id, each.reactions, state.own_names)
    state.caught_up, state.first_echo = True, fresh


@fold_frame.register
def _(frame: frames.Places, state: ClientState) -> None:
    state.pages_forward = True
    for entry in frame.places:
        known = entry.channel in state.timelines or target.is_conversation(entry.channel)
        if known and (timeline := _timeline_for(state, entry.channel)):
            unread.apply_place(timeline, entry, first=state.first_echo)
            if timeline.id == state.current:
                state.wants_new = state.wants_new or timeline.unread > 0


@fold_frame.register
def _(frame: frames.Read, state: ClientState) -> None:
    timeline = state.timelines.get(frame.channel)
    if timeline and frame.closed and timeline.id != state.current and not timeline.holds_pending:
        del state.timelines[timeline.id]
    elif timeline and frame.msg_id > timeline.read:
        unread.see(timeline, frame.msg_id, state.relations.hidden, state.named)


@fold_frame.register
def _(frame: frames.History, state: ClientState) -> None:
    timeline = _timeline_for(state, frame.channel)
    if timeline is None:
        return
    for message in frame.messages:
        timeline.add(state.line_of(message))
        state.timelines.weigh()
    request = history.answer(timeline, frame)
    state.timelines.take_back([message.msg_id for message in frame.messages if message.taken_back])
    sought = request and timeline.id == state.current and state.wanted and request.before_id == state.wanted + 1
    if sought and not timeline.find(state.wanted):
        state.wanted = 0
        state.note(NOT_THERE, Tone.BAD)


@fold_frame.register
def _(frame: frames.SearchResults, state: ClientState) -> None:
    state.search.fold(frame)
    state.mention_search.fold(frame)


@fold_frame.register
def _(frame: frames.ReportStatus, state: ClientState) -> None:
    asked = state.reports.asked(frame.nonce)
    state.add_remarks(state.reports.fold_status(frame, state.now()))
    if frame.report.status == ReportState.WITHDRAWN:
        state.mute_offer = None
    elif asked and asked.channel == state.current and asked.about not in state.relations.hidden:
        state.mute_offer = asked.about


@fold_frame.register
def _(frame: frames.Reports, state: ClientState) -> None:
    state.add_remarks(state.reports.fold_list(frame, state.now()))


@fold_frame.register
def _(frame: frames.Profile, state: ClientState) -> None:
    if state.profile:
        state.profile = state.profile.answered(frame)


@fold_frame.register
def _(frame: frames.Error, state: ClientState) -> None:
    nonce = frame.nonce or ""
    if frame.code in {ErrorCode.SIGN_IN_REQUIRED, ErrorCode.BAD_TOKEN}:
        # The reason of the close, which follows, explains it.
        return
    if frame.code == ErrorCode.NOTICE:
        state.note(frame.message, Tone.SAID, frame.channel)
    elif frame.code == ErrorCode.BAD_NAME and not state.me:
        state.refused_name = frame.message
    elif (remarks := state.reports.fold_error(frame)) is not None:
        state.add_remarks(remarks)
    elif nonce and state.profile and state.profile.nonce == nonce:
        state.profile = state.profile.failed(frame.message)
    elif not (
        state.search.fail(nonce, frame.message)
        or state.mention_search.fail(nonce, frame.message)
        or state.timelines.fail(nonce, frame.message)
    ):
        if state.timelines.fail_history(nonce):
            state.wanted, state.wants_new = 0, False
        state.note(frame.message, Tone.BAD)


@fold_frame.register
def _(frame: frames.Block, state: ClientState) -> None:
    """Do nothing: a `Relations` frame follows."""


@fold_frame.register
def _(frame: frames.Disconnect, state: ClientState) -> None:
    # The end of the connection already says where to get a token.
    if frame.code != CloseCode.SIGN_IN:
        # The notice of the end, which repeats the reason, replaces this one.
        state.note(frame.why, topic=CONNECTION)


def _timeline_for(state: ClientState, channel: str) -> Timeline | None:
    """Return the timeline of a frame; None if the server names more channels than this client accepts."""
    if channel not in state.timelines and (known := state.timelines.like(channel)):
        _rename(state, known, channel)
    if channel not in state.timelines and len(state.timelines) >= limits.MAX_PLACES:
        state.leave_out()
        return None
    return state.timelines.obtain(channel)


def _rename(state: ClientState, timeline: Timeline, channel: str) -> None:
    """Replace the target of a conversation with the server's spelling, at the same position in the list."""
    old = timeline.id
    state.timelines.rename(timeline, channel)
    state.renamed[old] = channel
    if state.current == old:
        state.current = channel
