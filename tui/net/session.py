"""How a connection is kept: who logs in and proves it, what comes after a loss, and how long to wait."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field

from server.protocol.codes import CloseCode, ErrorCode, may_reconnect
from server.protocol.frames import Disconnect, Enrol, Error, Frame, Login, Me, Ping, Prove, ServerFrame, Since, Welcome
from tui.tone import Tone

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
RESTART_SECONDS = 5.0
"""Over which the clients of a server that restarts spread: all of them lose it at once, and none has failed yet."""

REPLACED = "This is not the server you used before at {address}; you are new here. If nobody replaced it, leave now."
FORGOTTEN = (
    "The server at {address} does not know you any more; you are new here."
    " If nobody restored or replaced its database, leave now."
)
CHANGED = (
    "The server at {address} takes you for another person than last time."
    " If nobody restored or replaced its database, leave now."
)
BACK = "This is again the server you used before at {address}; you are the same person there as before."
NEW_NAME = "You are new here by the name {name}."
IMPOSTOR = (
    "what answers there claims to be the server you used before and does not prove it, so nothing more was sent;"
    " ask who runs it"
)
NOT_SENT = "This is not the server that it was written for."


class Key(Struct, frozen=True):
    """The secret of a person at one server, and the identity that they enrolled as."""

    identity: str
    secret: bytes

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "Key"


class Keys:
    """What a client remembers of the servers at one address, for one name; a subclass keeps it for the next start."""

    def __init__(self, last_server: str = "", last_identity: str = "") -> None:
        self.last_server = last_server
        """The server that was used last at the address, by any name; empty: none yet."""
        self.last_identity = last_identity
        """The person that this name was last at the address."""
        self.servers: dict[str, tuple[Key, ...]] = {}

    @property
    def kept(self) -> bool:
        """Whether the next start of the client will know the keys."""
        return False

    def of(self, server: str) -> Sequence[Key]:
        """The keys for a server: the one of the first login, then another if the server did not know that one."""
        return self.servers.get(server, ())

    def remember(self, server: str, key: Key) -> None:
        """Note a login that the server accepted."""
        self.last_server, self.last_identity = server, key.identity
        if key not in self.of(server):
            # The first one stays, for a server may only claim that it does not know it.
            self.servers[server] = (*self.of(server)[:1], key)


class ServerNews(NamedTuple):
    """A line about the server for the user."""

    text: str
    tone: Tone


class _Attempt(Struct, frozen=True):
    """A login that the server has not answered; `expected` is the proof that its answer must have."""

    server: str
    key: Key | None
    expected: bytes = b""


class Session(Struct):
    """One person at one server, over however many connections."""

    name: str
    keys: Keys = field(default_factory=Keys)
    address: str = ""
    """The server as the user knows it."""
    own: bool = False
    """Whether nobody but the user can serve at this address."""
    failures: int = 0
    impostor: bool = False
    """Whether the server has claimed to be a known one and not proven it."""
    _attempt: _Attempt | None = None
    _accepted: _Attempt | None = None
    _untried: list[Key] = field(default_factory=list)
    _enrolling: _Attempt | None = None
    """An enrolment whose answer has not come: the server may know the key all the same."""
    _challenged: Welcome | None = None
    _since: Since | None = None

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return f"Session({self.name!r})"

    def connected(self) -> None:
        """Begin a connection, on which nobody has proven anything."""
        self._attempt = self._accepted = None

    def login(self, welcome: Welcome, since: Since | None) -> Login:
        """Return the login that answers a welcome, with where to catch up from."""
        self._challenged, self._since = welcome, since
        self._untried = [*self.keys.of(welcome.server)]
        if self._enrolling and self._enrolling.key and self._enrolling.server == welcome.server:
            self._untried.append(self._enrolling.key)
        return self._next_login(welcome)

    def again(self, frame: ServerFrame) -> Login | None:
        """Return the next login if the server has just said that it does not know the person of the last one."""
        unknown = isinstance(frame, Error) and frame.code == ErrorCode.UNKNOWN_IDENTITY
        proving = self._attempt is not None and bool(self._attempt.expected)
        return self._next_login(self._challenged) if unknown and proving and self._challenged else None

    def may_send(self, frame: Frame) -> bool:
        """Tell whether a frame may be sent now: to a server that has to prove itself, only the login."""
        return not self._guarded or isinstance(frame, Login)

    def passes(self, frame: ServerFrame) -> bool:
        """Tell whether a frame may be used; verifies the answer to a login, and sets `impostor` if it is invalid."""
        if isinstance(frame, Me) and self._attempt:
            self.impostor = not _is_expected(frame, self._attempt)
            self._accepted, self._attempt = self._attempt, None
        if self.impostor:
            return False
        return not self._guarded or isinstance(frame, Welcome | Error | Disconnect | Ping)

    def entered(self, granted: str) -> list[ServerNews]:
        """Keep the name that the server granted and the key that it accepted; return what the user should know."""
        self.name = granted
        self.failures = 0
        accepted = self._accepted
        told = self._news(accepted) if accepted and not self.own else []
        self._enrolling = None
        if accepted and accepted.key:
            self.keys.remember(accepted.server, accepted.key)
        return told

    def wait_seconds(self, close_code: int, chance: float) -> float | None:
        """How long to wait before the next try, by a chance from 0 to 1; None if the server wants no other.

        Doubles with each failure up to LONGEST_SECONDS; half of it is left to chance. After the server said that it
        restarts, chance has RESTART_SECONDS, so that its clients do not come back all at once.
        """
        if self.impostor or not may_reconnect(close_code):
            return None
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.failures, 16))
        self.failures += 1
        if close_code == CloseCode.SERVICE_RESTART and longest < RESTART_SECONDS:
            return FIRST_SECONDS + chance * (RESTART_SECONDS - FIRST_SECONDS)
        return longest * (0.5 + chance / 2)

    @property
    def _guarded(self) -> bool:
        """Whether a known server is expected and has not accepted a login yet: until then it is told nothing else."""
        return bool(self.keys.last_server) and (self.impostor or self._accepted is None)

    def _next_login(self, welcome: Welcome) -> Login:
        # Late: this loads OpenSSL, which the first frame can do without.
        from server.protocol import proof

        if not (welcome.server and welcome.challenge):
            # An older server has nothing to prove, and is given nothing that it could use elsewhere.
            self._attempt = _Attempt("", None)
            return Login(self.name, since=self._since)
        if not self._untried:
            secret = os.urandom(proof.KEY_BYTES)
            keys = proof.login_keys(secret)
            key = Key(proof.identity(keys.stored_key, welcome.challenge), secret)
            self._attempt = self._enrolling = _Attempt(welcome.server, key)
            return Login(self.name, since=self._since, enrol=Enrol(*keys))
        key = self._untried.pop(0)
        exchange = proof.Exchange(welcome.server, welcome.challenge, os.urandom(16).hex(), self.name)
        server_key = proof.login_keys(key.secret).server_key
        self._attempt = _Attempt(welcome.server, key, expected=proof.server_proof(server_key, exchange))
        prove = Prove(key.identity, exchange.client_nonce, proof.client_proof(key.secret, exchange))
        return Login(self.name, since=self._since, prove=prove)

    def _news(self, attempt: _Attempt) -> list[ServerNews]:
        """What is not as it was at the last login at this address."""
        keys, identity = self.keys, attempt.key.identity if attempt.key else ""
        known = keys.of(attempt.server)
        other_server = keys.last_server not in {"", attempt.server}
        if not other_server and keys.last_identity in {"", identity}:
            new_name = keys.last_server and attempt.key not in known and keys.kept
            return [ServerNews(NEW_NAME.format(name=self.name), Tone.INFO)] if new_name else []
        if attempt.key not in known:
            text, tone = REPLACED if other_server else FORGOTTEN, Tone.BAD
        elif attempt.key == known[0]:
            text, tone = BACK, Tone.GOOD
        else:
            text, tone = CHANGED, Tone.BAD
        return [ServerNews(text.format(address=self.address), tone)]


def _is_expected(frame: Me, attempt: _Attempt) -> bool:
    """Whether the answer to a login proves what it has to."""
    from hmac import compare_digest

    return not attempt.expected or compare_digest(frame.proof or b"", attempt.expected)
