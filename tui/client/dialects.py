"""Decides which dialect a server speaks: Flagpost's, or BareRTC's. No other module does.

A Flagpost server speaks first. If nothing arrives, the client asks for an action that no server has. BareRTC answers
with an error without a code, before any login, and notifies nobody else.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import Error, Frame, ServerFrame
from tui.client.abilities import OF_BARERTC, OF_FLAGPOST, Abilities
from tui.net.wire import FlagpostWire, Outgoing

if TYPE_CHECKING:
    from tui.client.barertc import BareRTC

MAX_PICTURE_BYTES = 16 * 1024 * 1024
"""The largest message of a BareRTC server: pictures are part of the text."""
PROBE = b'{"action":"flagpost"}'


class _Probed(msgspec.Struct):
    """The relevant fields of an answer to the probe."""

    action: str
    code: str = ""


class Dialects:
    """A Wire for a server whose dialect is unknown until the server has sent something."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._flagpost = FlagpostWire()
        self._barertc: BareRTC | None = None
        """The translation to BareRTC; None until the server has answered as BareRTC does."""
        self._is_barertc = False
        self._probing = False
        """True if the probe was sent, and nothing has arrived since."""
        self._probed = False
        """True if the probe was sent, and has not been refused."""

    @property
    def abilities(self) -> Abilities:
        """Return what the server can do."""
        return OF_BARERTC if self._is_barertc else OF_FLAGPOST

    @property
    def ended(self) -> str | None:
        """See Wire."""
        return self._barertc.ended if self._barertc and self._is_barertc else None

    @property
    def max_bytes(self) -> int:
        """See Wire."""
        return MAX_PICTURE_BYTES if self._is_barertc else self._flagpost.max_bytes

    def opened(self) -> Sequence[bytes]:
        """See Wire. The server may be a different one than at the last connection."""
        again, self._is_barertc = self._is_barertc, False
        self._probing = self._probed = False
        return self.silent() if again else ()

    def silent(self) -> Sequence[bytes]:
        """See Wire."""
        self._probing = self._probed = True
        return (PROBE,)

    def receive(self, data: bytes) -> Sequence[ServerFrame]:
        """See Wire."""
        if self._barertc and self._is_barertc:
            return self._barertc.receive(data)
        if self._probing and _is_from_barertc(data):
            return self._start_barertc()
        self._probing = False
        received = self._flagpost.receive(data)
        if self._probed and any(isinstance(each, Error) and each.code == ErrorCode.UNKNOWN_ACTION for each in received):
            # A slow Flagpost server refuses the probe after its welcome.
            self._probed = False
            return ()
        return received

    def send(self, frame: Frame) -> Outgoing:
        """See Wire."""
        return self._barertc.send(frame) if self._barertc and self._is_barertc else self._flagpost.send(frame)

    def _start_barertc(self) -> Sequence[ServerFrame]:
        # Imported late: most servers are Flagpost's.
        from tui.client.barertc import BareRTC

        self._is_barertc, self._probing = True, False
        self._barertc = self._barertc or BareRTC(self._url)
        return self._barertc.opened()


def _is_from_barertc(data: bytes) -> bool:
    """Return whether the answer to the probe is one of BareRTC."""
    try:
        probed = msgspec.json.decode(data, type=_Probed)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return probed.action == "error" and not probed.code
