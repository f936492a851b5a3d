"""The rules of a connection: the login and its proof, catching up after a loss, and the backoff."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct, field

from server.protocol import name_text
from server.protocol.codes import CUT, CloseCode, ErrorCode, may_reconnect
from server.protocol.frames import Disconnect, Enrol, Error, Frame, Login, Me, Pong, Prove, ServerFrame, Since, Welcome
from tui.tone import Tone

if TYPE_CHECKING:
    from server.protocol.proof import Exchange

FIRST_SECONDS = 0.5
QUICK_SECONDS = 0.25
QUICK_RETRIES = 2
"""Number of retries that wait for QUICK_SECONDS only: those after the first one, if a login was accepted before."""
LONGEST_SECONDS = 30.0
RESTART_SECONDS = 5.0
"""Seconds over which the clients of a restarting server spread their first attempts."""
MAX_SERVERS = 32
FIRST_SERVERS = 8
"""Servers of one address that are never forgotten, however many others answer there later."""

REPLACED = "This is not the server you used before at {address}; you are new here. If nobody replaced it, leave now."
FORGOTTEN = (
    "The server at {address} does not know you any more; you are new here."
    " If nobody restored or replaced its database, leave now."
)
CHANGED = (
    "The server at {address} recognises you as a different person from last time."
    " If nobody restored or replaced its database, leave now."
)
BACK = "You are back on the server you used before at {address}, and it recognises you."
NEW_NAME = "You are new here, as {name}."
IMPOSTOR = (
    "the server there claims to be the server you used before but cannot prove it, so nothing more was sent;"
    " ask the administrator of your server"
)
NOT_SENT = "This is not the server the message was written for."


class EnrolledKey(Struct, frozen=True):
    """The secret of a person at one server, and the identity under which they enrolled."""

    identity: str
    secret: bytes

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return "EnrolledKey"


class KeyStore(Protocol):
    """Saves keys for the next start of the client; no other client can use them until `release`."""

    @property
    def keeps_keys(self) -> bool:
        """Return whether the keys can be saved."""

    def save(self, keys: "Keys") -> None:
        """Save the keys, if possible, and which server was used last."""

    def release(self) -> None:
        """Let another client use the keys."""


class Keys:
    """A name's keys for the servers at one address."""

    def __init__(self, last_server: str = "", last_identity: str = "", store: KeyStore | None = None) -> None:
        self.last_server = last_server
        """The server last used at the address, under any name; empty: none yet."""
        self.last_identity = last_identity
        """The identity that this name last had at the address."""
        self.servers: dict[str, tuple[EnrolledKey, ...]] = {}
        self._store = store

    @property
    def kept(self) -> bool:
        """Return whether the keys are saved for the next start of the client."""
        return self._store is not None and self._store.keeps_keys

    def of(self, server: str) -> Sequence[EnrolledKey]:
        """Return the keys for a server: the first one, then the latest if the server did not know the first."""
        return self.servers.get(server, ())

    def remember(self, server: str, key: EnrolledKey) -> None:
        """Record a login that the server accepted."""
        known = key in self.of(server)
        if known and (self.last_server, self.last_identity) == (server, key.identity):
            return
        self.last_server, self.last_identity = server, key.identity
        if not known:
            # The first key stays: the server may falsely claim that it does not know this key.
            self.servers[server] = (*self.of(server)[:1], key)
        if len(self.servers) > MAX_SERVERS:
            del self.servers[[*self.servers][FIRST_SERVERS]]
        if self._store:
            self._store.save(self)

    def release(self) -> None:
        """Let another client use the keys."""
        if self._store:
            self._store.release()


class ServerNews(NamedTuple):
    """A line about the server for the user."""

    text: str
    tone: Tone


class _Attempt(Struct, frozen=True):
    """A login. If it has an exchange, the answer must contain the server's proof."""

    server: str
    key: EnrolledKey | None
    exchange: "Exchange | None" = None


class ClientSession(Struct):
    """One person at one server, over any number of connections."""

    name: str
    keys: Keys = field(default_factory=Keys)
    address: str = ""
    """The address of the server as the user knows it."""
    own: bool = False
    """True if nobody but the user can serve at this address."""
    token: str = ""
    """The latest token of a member of the site; empty for a guest."""
    failures: int = 0
    quick_retries: int = 0
    """Number of quick retries left; an accepted login resets it to QUICK_RETRIES."""
    impostor: bool = False
    """True if the server claimed to be a known one without proving it."""
    _attempt: _Attempt | None = None
    _accepted: _Attempt | None = None
    _untried: list[EnrolledKey] = field(default_factory=list)
    _enrolling: _Attempt | None = None
    """An unanswered enrolment: the server may have stored its key all the same."""
    _challenged: Welcome | None = None
    _since: Since | None = None

    def __repr__(self) -> str:
        # Crash reports print arguments.
        return f"ClientSession({self.name!r})"

    def connected(self) -> None:
        """Start a connection: neither side has proven anything yet."""
        self._attempt = self._accepted = None
        self.impostor = False

    def login(self, welcome: Welcome, since: Since | None) -> Login:
        """Return the login that answers a welcome; `since`: the last message that this client knows."""
        self._challenged, self._since = welcome, since
        self._untried = [*self.keys.of(welcome.server)]
        if self._enrolling and self._enrolling.key and self._enrolling.server == welcome.server:
            self._untried.append(self._enrolling.key)
        return self._next_login(welcome)

    def again(self, frame: ServerFrame) -> Login | None:
        """Return the next login if this frame refuses the identity of the last one as unknown; else None."""
        unknown = isinstance(frame, Error) and frame.code == ErrorCode.UNKNOWN_IDENTITY
        proving = self._attempt is not None and self._attempt.exchange is not None
        return self._next_login(self._challenged) if unknown and proving and self._challenged else None

    def may_send(self, frame: Frame) -> bool:
        """Return whether a frame may be sent now: until the server has proven its identity, only the login."""
        return not self._guarded or isinstance(frame, Login)

    def passes(self, frame: ServerFrame) -> bool:
        """Return whether a frame may be used; verify the answer to a login, and set `impostor` if it is invalid."""
        if isinstance(frame, Me) and self._attempt:
            self.impostor = not _is_expected(frame, self._attempt)
            self._accepted, self._attempt = self._attempt, None
        if self.impostor:
            return False
        return not self._guarded or isinstance(frame, Welcome | Error | Disconnect | Pong)

    def entered(self, granted: str) -> list[ServerNews]:
        """Record the granted name and the accepted key; return notices for the user."""
        self.name = granted
        self.failures = 0
        self.quick_retries = QUICK_RETRIES
        accepted = self._accepted
        events = self._news(accepted) if accepted and not self.own and not self.signs_in else []
        self._enrolling = None
        if accepted and accepted.key:
            self.keys.remember(accepted.server, accepted.key)
        return events

    @property
    def signs_in(self) -> bool:
        """Return whether the user signs in as a member of the site: only a server that asks receives the token."""
        return bool(self.token and self._challenged and self._challenged.sign_in != "nickname")

    def renew(self, token: str) -> None:
        """Store the next token of a member, which the server sends before the old one expires."""
        if self.signs_in:
            self.token = token

    @property
    def person(self) -> tuple[str, str]:
        """Return the server and the identity of the accepted login; both are "" if the server has no identities."""
        accepted = self._accepted
        return (accepted.server, accepted.key.identity) if accepted and accepted.key else ("", "")

    def wait_seconds(self, close_code: int, chance: float) -> float | None:
        """Return the seconds to wait before the next attempt, randomised by `chance` (0 to 1); None if none follows.

        The backoff doubles with each failure up to LONGEST_SECONDS; half of it is random. Once a login was accepted,
        the first retries come sooner: the proxy may not have noticed yet that a server died. After the server
        announced a restart, the wait is random over RESTART_SECONDS, so that the clients do not all return at once.
        """
        if self.impostor or not may_reconnect(close_code):
            return None
        if close_code == CUT and self.failures and self.quick_retries:
            self.quick_retries -= 1
            return QUICK_SECONDS * (0.5 + chance / 2)
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self.failures, 16))
        self.failures += 1
        if close_code == CloseCode.SERVICE_RESTART and longest < RESTART_SECONDS:
            return FIRST_SECONDS + chance * (RESTART_SECONDS - FIRST_SECONDS)
        return longest * (0.5 + chance / 2)

    @property
    def _guarded(self) -> bool:
        """Return whether only a login may be sent: a server is known at this address, and has not accepted one yet."""
        return bool(self.keys.last_server) and (self.impostor or self._accepted is None)

    def _next_login(self, welcome: Welcome) -> Login:
        # Imported late: it loads OpenSSL, which the first frame does not need.
        from server.protocol import proof

        if self.signs_in:
            # The site vouches for the user, so the server need not know their key.
            self._attempt = _Attempt(welcome.server, None)
            return Login(self.name, since=self._since, jwt=self.token, dialect="flagpost")
        if not (welcome.server and welcome.challenge):
            # An older server has nothing to prove, and receives nothing that it could use elsewhere.
            self._attempt = _Attempt("", None)
            return Login(self.name, since=self._since)
        if not self._untried:
            secret = os.urandom(proof.KEY_BYTES)
            keys = proof.login_keys(secret)
            key = EnrolledKey(proof.identity(keys.stored_key, welcome.challenge), secret)
            self._attempt = self._enrolling = _Attempt(welcome.server, key)
            return Login(self.name, since=self._since, enrol=Enrol(*keys))
        key = self._untried.pop(0)
        exchange = proof.Exchange(welcome.server, welcome.challenge, os.urandom(16).hex(), self.name)
        self._attempt = _Attempt(welcome.server, key, exchange)
        prove = Prove(key.identity, exchange.client_nonce, proof.client_proof(key.secret, exchange))
        return Login(self.name, since=self._since, prove=prove)

    def _news(self, attempt: _Attempt) -> list[ServerNews]:
        """Return a notice if the server or the identity has changed since the last login at this address."""
        keys, identity = self.keys, attempt.key.identity if attempt.key else ""
        known = keys.of(attempt.server)
        other_server = keys.last_server not in {"", attempt.server}
        if not other_server and keys.last_identity in {"", identity}:
            new_name = keys.last_server and attempt.key not in known and keys.kept
            return [ServerNews(NEW_NAME.format(name=name_text.quoted(self.name)), Tone.INFO)] if new_name else []
        if attempt.key not in known:
            text, tone = REPLACED if other_server else FORGOTTEN, Tone.BAD
        elif attempt.key == known[0]:
            text, tone = BACK, Tone.GOOD
        else:
            text, tone = CHANGED, Tone.BAD
        return [ServerNews(text.format(address=self.address), tone)]


def _is_expected(frame: Me, attempt: _Attempt) -> bool:
    """Return whether the answer to a login contains the required proof."""
    if attempt.exchange is None:
        return True
    from server.protocol import proof

    return attempt.key is not None and proof.verify_server(frame.proof, attempt.key.secret, attempt.exchange)
