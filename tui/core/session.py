"""How a connection is kept: who logs in, what comes after a loss, and how long to wait."""

import os

from msgspec import Struct, field

from server.protocol.codes import CloseCode, may_reconnect
from server.protocol.frames import Login, Since

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
RESTART_SECONDS = 5.0
"""Over which the clients of a server that restarts spread: all of them lose it at once, and none has failed yet."""


class Session(Struct):
    """One person at one server, over however many connections."""

    name: str
    token: str = field(default_factory=lambda: os.urandom(24).hex())
    """Proves at a reconnect that this is the same person; never stored or shown.

    Not by `secrets`, which draws from the same source: it loads OpenSSL before the first frame.
    """
    failures: int = 0

    def __repr__(self) -> str:
        # What a crash shows has no token in it.
        return f"Session({self.name!r})"

    def login(self, since: Since | None) -> Login:
        """The login frame, with where to catch up from."""
        return Login(self.name, self.token, since)

    def entered(self, granted: str) -> None:
        """The server took the login: keep the name that it gave, and forget the failures before."""
        self.name = granted
        self.failures = 0

    def wait_seconds(self, close_code: int, chance: float) -> float | None:
        """How long to wait before the next try, by a chance from 0 to 1; None if the server wants no other.

        Doubles with each failure up to LONGEST_SECONDS; half of it is left to chance. After the server said that it
        restarts, chance has RESTART_SECONDS, so that its clients do not come back all at once.
        """
        if not may_reconnect(close_code):
            return None
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.failures, 16))
        self.failures += 1
        if close_code == CloseCode.SERVICE_RESTART and longest < RESTART_SECONDS:
            return FIRST_SECONDS + chance * (RESTART_SECONDS - FIRST_SECONDS)
        return longest * (0.5 + chance / 2)
