"""All timelines of a room: which one a frame belongs to, and changes to messages in any of them."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice

from server.protocol import frames, target
from server.protocol.names import key
from tui import limits
from tui.client import history, reactions
from tui.client.coverage import END
from tui.client.entries import Pending
from tui.client.timeline import Timeline, title_of

WEIGHED_EVERY = 500
"""Number of new entries between two checks of the weight of all timelines."""


class Timelines(dict[str, Timeline]):
    """Timelines by the ID of their channel or conversation, in the order in which they are listed."""

    def __init__(self) -> None:
        super().__init__()
        self.notices = Timeline("", "")
        """Notices that wait until a channel is known."""
        self._spellings: dict[str, str] = {}
        """The conversation with each person, by the key of the name; it may be closed by now."""
        self._taken_back: dict[int, None] = {}
        """The latest deleted messages: a page of history that was read before the deletion may arrive after it."""
        self._reported: Mapping[int, str] = {}
        """The statuses of reports that messages are marked with."""
        self._disclaimer = ""
        self._added = 0
        """Number of entries since the last check of the weight."""

    def obtain(self, channel: str) -> Timeline:
        """Return the timeline of a channel or conversation, which is created if necessary."""
        if channel not in self:
            self[channel] = Timeline(channel, channel)
            self._spell(channel)
            if self._disclaimer and self[channel].peer is not None:
                self[channel].head(self._disclaimer)
        return self[channel]

    def set_disclaimer(self, text: str) -> None:
        """Set the line at the top of each conversation; "" for none."""
        if text != self._disclaimer:
            self._disclaimer = text
            for timeline in self.values():
                if text and timeline.peer is not None:
                    timeline.head(text)

    def title(self, channel: str) -> str:
        """Return the displayed name of a channel or conversation."""
        return title_of(channel, self[channel].name if channel in self else channel)

    def like(self, channel: str) -> Timeline | None:
        """Return the conversation with the same person, in any spelling of the name; None if there is none."""
        name = target.name_of(channel)
        return self.get(self._spellings.get(key(name), channel)) if name else None

    def known_as(self, channel: str, people: Iterable[str]) -> str:
        """Return the known spelling of a target, from the conversations or else from these people."""
        name = target.name_of(channel)
        if name is None or channel in self:
            return channel
        if known := self.like(channel):
            return known.id
        wanted = key(name)
        return target.conversation(next((each for each in people if key(each) == wanted), name))

    def rename(self, timeline: Timeline, channel: str) -> None:
        """Replace the target of a conversation, at the same position in the list."""
        timeline.id = timeline.name = channel
        ordered = {each.id: each for each in self.values()}
        self.clear()
        self.update(ordered)
        self._spell(channel)

    def _spell(self, channel: str) -> None:
        if name := target.name_of(channel):
            self._spellings[key(name)] = channel

    def leave_out(self, kept: Set[str]) -> None:
        """Hide the channels that are not in `kept`, unless they hold unsent messages."""
        for timeline in list(self.values()):
            if not (timeline.id in kept or timeline.peer is not None or timeline.holds_pending):
                del self[timeline.id]

    def weigh(self) -> None:
        """Count a new entry; at intervals, check the weight of all timelines and shed from the largest."""
        self._added += 1
        if self._added < WEIGHED_EVERY:
            return
        self._added = 0
        timelines = [*self.values(), self.notices]
        excess = sum(each.weight for each in timelines) - limits.MAX_WEIGHT
        if excess > 0:
            max(timelines, key=lambda each: each.weight).shed(excess + limits.MAX_WEIGHT // 20)

    def awaits(self, nonce: str | None) -> bool:
        """Return whether a message with this nonce is not confirmed yet."""
        return any(each.awaits(nonce) for each in self.values())

    def unsent(self) -> list[tuple[Timeline, Pending]]:
        """Return the messages that the server has not confirmed, each with its timeline."""
        return [(timeline, pending) for timeline in self.values() for pending in timeline.unsent()]

    def fail(self, nonce: str, why: str) -> bool:
        """Mark an unconfirmed message as failed; return whether there is one with this nonce."""
        return any(timeline.fail(nonce, why) for timeline in self.values())

    def give_up_unsent(self, why: str) -> None:
        """Mark all unconfirmed messages as failed; the user can resend them."""
        for timeline, pending in self.unsent():
            timeline.fail(pending.nonce, why)

    def take_back(self, msg_ids: Sequence[int]) -> None:
        """Delete messages, and those with these numbers that arrive later."""
        self._taken_back.update(dict.fromkeys(msg_ids))
        for forgotten in list(islice(self._taken_back, max(0, len(self._taken_back) - limits.MAX_TAKEBACKS))):
            del self._taken_back[forgotten]
        for timeline in self.values():
            timeline.take_back(msg_ids)

    def was_taken_back(self, msg_id: int) -> bool:
        return msg_id in self._taken_back

    def edit(self, msg_id: int, text: str) -> None:
        for timeline in self.values():
            timeline.edit(msg_id, text)

    def react(self, frame: frames.Reacted, own_names: Set[str]) -> None:
        """Add a reaction to a message, or remove it."""
        for timeline in self.values():
            if line := timeline.find(frame.msg_id):
                timeline.react(line.msg_id, reactions.changed(line.reactions, frame, own_names))

    def list_reactions(self, msg_id: int, listed: Iterable[frames.Reaction], own_names: Set[str]) -> None:
        """Replace the reactions to a message."""
        for timeline in self.values():
            timeline.react(msg_id, reactions.listed(listed, own_names))

    def mark_reported(self, statuses: Mapping[int, str]) -> None:
        """Mark messages with the statuses of their reports."""
        before, self._reported = self._reported, statuses
        if changed := {msg_id: statuses.get(msg_id) for msg_id, _ in statuses.items() ^ before.items()}:
            for timeline in self.values():
                timeline.mark_reported(changed)

    def report_of(self, msg_id: int) -> str | None:
        """Return the status of a message's report, or None."""
        return self._reported.get(msg_id)

    def cover(self, frame: frames.Echo, since: int, *, fresh: bool) -> None:
        """Record what an echo loaded: what was missed or, if `fresh`, the newest messages of each channel."""
        first: dict[str, int] = {}
        for message in frame.messages:
            first[message.channel] = min(message.msg_id, first.get(message.channel, message.msg_id))
        for timeline in self.values():
            if fresh and timeline.peer is None and timeline.id in first:
                timeline.cover(first[timeline.id], END)
            elif not fresh and frame.recovered:
                timeline.cover(since + 1, END)
            elif not fresh:
                timeline.miss(since)
                timeline.cover(min(first.values(), default=END), END)

    def fail_history(self, nonce: str) -> bool:
        """Record that the server refused a request for history; return whether there is one with this nonce."""
        return any(history.fail(timeline, nonce) for timeline in self.values())

    def lost(self) -> None:
        """Drop all requests for history: the connection is lost."""
        for timeline in self.values():
            timeline.requests.clear()
            timeline.refused = False

    def forget(self) -> None:
        """Forget all messages: the server started a new numbering."""
        for timeline in self.values():
            timeline.forget()
        self._taken_back.clear()
