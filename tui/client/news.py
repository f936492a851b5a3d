"""What is new for a person: messages of others, whether they name or address the person, and how many do."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator

from msgspec import Struct

from server.protocol.frames import Echo, Frame, Message
from tui.client.mentions import mentions
from tui.client.state import State


class News(Struct, frozen=True):
    """A message of somebody else."""

    channel: str
    place: str
    """The channel as people read it."""
    author: str
    text: str
    mentioned: bool
    direct: bool

    @property
    def personal(self) -> bool:
        """Whether it is meant for the person."""
        return self.mentioned or self.direct


def news(frames: Iterable[Frame], state: State, since: int) -> Iterator[News]:
    """What is new in frames that the state has taken in; `since`: the last message it knew before them, 0: none."""
    for message in _messages(frames, since):
        timeline = state.timelines.get(message.channel)
        line = timeline.find(message.msg_id) if timeline and message.msg_id > since else None
        if line and not line.mine and not line.taken_back and line.author not in state.relations.hidden:
            direct = message.channel.startswith("@")
            place = state.place_of(message.channel)
            yield News(message.channel, place, line.author, line.text, mentions(line.text, state.me), direct)


def _messages(frames: Iterable[Frame], since: int) -> Iterator[Message]:
    for frame in frames:
        if isinstance(frame, Message):
            yield frame
        elif isinstance(frame, Echo):
            # What was said before this start of the client is no news; what was kept for the person is.
            yield from (each for each in frame.messages if since or each.channel.startswith("@"))


class Unread(Counter[str]):
    """How many messages meant for the person wait in each channel."""

    def take(self, items: Iterable[News]) -> None:
        """Count what came."""
        self.update(each.channel for each in items if each.personal)

    def look(self, channel: str) -> None:
        """The person sees this channel."""
        self.pop(channel, None)

    def keep(self, channels: Container[str]) -> None:
        """There are no other channels any more."""
        for gone in [each for each in self if each not in channels]:
            del self[gone]
