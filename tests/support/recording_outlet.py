"""A session's connection that records what is written to it."""

from server.protocol.codec import decode_server
from server.protocol.codes import CloseCode
from server.protocol.frames import Presences, ServerFrame


class RecordingOutlet:
    """Replaces a websocket."""

    unsent = 0

    def __init__(self) -> None:
        self.frames: list[ServerFrame] = []
        self.gathered = 0
        """Frames of several changes of who is here; `frames` has each change."""
        self.closed: list[CloseCode] = []
        self.reasons: list[str] = []
        self._pauses = 0

    @property
    def paused(self) -> bool:
        """Return whether reading is paused."""
        return self._pauses > 0

    def write(self, wire: bytes) -> None:
        """Decode and record unmasked text frames."""
        while wire:
            header = {126: 4, 127: 10}.get(wire[1], 2)
            end = header + (int.from_bytes(wire[2:header]) if header > 2 else wire[1])
            frame = decode_server(wire[header:end])
            self.frames += frame.changes if isinstance(frame, Presences) else [frame]
            self.gathered += isinstance(frame, Presences)
            wire = wire[end:]

    def write_now(self, wire: bytes) -> None:
        """Do the same as `write`: nothing is buffered here."""
        self.write(wire)

    def close(self, code: CloseCode, reason: str) -> None:
        """Record the code and the reason, which has to fit into a close frame."""
        assert len(reason.encode()) <= 123
        self.closed.append(code)
        self.reasons.append(reason)

    def pause(self) -> None:
        self._pauses += 1

    def resume(self) -> None:
        self._pauses -= 1
        assert self._pauses >= 0
