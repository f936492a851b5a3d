"""The dialect of a connection: how frames become bytes, and bytes become frames."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from server.protocol.codec import decode_server, encode
from server.protocol.frames import Frame, ServerFrame
from tui.limits import MAX_FRAME_BYTES


class Outgoing(NamedTuple):
    """The translation of a frame of this client."""

    wires: Sequence[bytes] = ()
    """Bytes to send."""
    answers: Sequence[ServerFrame] = ()
    """Answers to the frame that need no server."""
    work: Callable[[], Sequence[ServerFrame]] | None = None
    """Fetches the answers without the websocket. Run it in a thread, because it blocks."""


class Wire(Protocol):
    """Translates between frames and bytes for one server, over any number of connections."""

    @property
    def ended(self) -> str | None:
        """Return why the server ended the session for good, if it did so without closing the connection."""

    @property
    def max_bytes(self) -> int:
        """Return the size of the largest message to accept."""

    def opened(self) -> Sequence[bytes]:
        """Start a connection; return bytes to send at once."""

    def silent(self) -> Sequence[bytes]:
        """Return bytes to send to a server that has sent nothing for some time after the start."""

    def receive(self, data: bytes) -> Sequence[ServerFrame]:
        """Return the frames in a message of the server. Raises BadFrame."""

    def send(self, frame: Frame) -> Outgoing:
        """Translate a frame of this client."""


class FlagpostWire:
    """Flagpost's own protocol: a message is a frame."""

    ended: str | None = None
    max_bytes = MAX_FRAME_BYTES

    def opened(self) -> Sequence[bytes]:
        """See Wire."""
        return ()

    def silent(self) -> Sequence[bytes]:
        """See Wire."""
        return ()

    def receive(self, data: bytes) -> Sequence[ServerFrame]:
        """See Wire."""
        return (decode_server(data),)

    def send(self, frame: Frame) -> Outgoing:
        """See Wire."""
        return Outgoing((encode(frame),))
