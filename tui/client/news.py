"""New messages of others, and which of them are addressed to the user."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from server.protocol import target
from server.protocol.frames import Echo, Frame, Message
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
        """Return whether the message is addressed to the user."""
        return self.mentioned or self.direct


def news(frames: Iterable[Frame], state: ClientState, since: int) -> Iterator[NewMessage]:
    """Yield the new messages in folded frames; `since` is the number of the last message known before them, or 0."""
    for message in _messages(frames, since):
        timeline = state.timelines.get(message.channel)
        line = timeline.find(message.msg_id) if timeline and message.msg_id > since else None
        if line and not line.mine and not line.taken_back and line.author not in state.relations.hidden:
            direct = target.is_conversation(message.channel)
            place = state.place_of(message.channel)
            yield NewMessage(message.channel, place, line.author, line.text, state.named(line.text), direct)


def _messages(frames: Iterable[Frame], since: int) -> Iterator[Message]:
    for frame in frames:
        if isinstance(frame, Message):
            yield frame
        elif isinstance(frame, Echo):
            # Public messages from before the client started are not new; stored direct messages are.
            yield from (each for each in frame.messages if since or target.is_conversation(each.channel))
