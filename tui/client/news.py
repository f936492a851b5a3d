"""New messages of others, and how many of them are addressed to the user."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator

from msgspec import Struct

from server.protocol import target
from server.protocol.frames import Echo, Frame, Message
from tui.client.mentions import mentions
from tui.client.state import ClientState


class NewMessage(Struct, frozen=True):
    """A message of another person."""

    channel: str
    place: str
    """The displayed name of the channel."""
    author: str
    text: str
    mentioned: bool
    direct: bool

    @property
    def personal(self) -> bool:
        """Return whether it is addressed to the user."""
        return self.mentioned or self.direct


def news(frames: Iterable[Frame], state: ClientState, since: int) -> Iterator[NewMessage]:
    """Yield the new messages in folded frames; `since`: the last message known before them, 0: none."""
    for message in _messages(frames, since):
        timeline = state.timelines.get(message.channel)
        line = timeline.find(message.msg_id) if timeline and message.msg_id > since else None
        if line and not line.mine and not line.taken_back and line.author not in state.relations.hidden:
            direct = target.is_conversation(message.channel)
            place = state.place_of(message.channel)
            yield NewMessage(message.channel, place, line.author, line.text, mentions(line.text, state.me), direct)


def _messages(frames: Iterable[Frame], since: int) -> Iterator[Message]:
    for frame in frames:
        if isinstance(frame, Message):
            yield frame
        elif isinstance(frame, Echo):
            # Public messages from before the client started are not new; stored direct messages are.
            yield from (each for each in frame.messages if since or target.is_conversation(each.channel))


class Unread(Counter[str]):
    """Number of unread messages addressed to the user in each channel."""

    def count(self, items: Iterable[NewMessage]) -> None:
        """Count new messages."""
        self.update(each.channel for each in items if each.personal)

    def mark_read(self, channel: str) -> None:
        """Mark a channel as read."""
        self.pop(channel, None)

    def restrict_to(self, channels: Container[str]) -> None:
        """Drop all channels but these."""
        for gone in [each for each in self if each not in channels]:
            del self[gone]
