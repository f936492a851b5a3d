"""Clients of a server under attack: an honest member who pings, newcomers, and a login for attacking members."""

import math
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import NamedTuple

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

HONEST = "127.0.0.2"
PING_SECONDS = 0.02
GRACE_SECONDS = 8.0
"""Time after the attack for pings that are still unanswered."""
NEWCOMER_SECONDS = 0.5
"""Pause between two newcomers."""
PATIENCE_SECONDS = 40.0
"""Time for which a newcomer tries to log in."""
PING = '{"action":"ping"}'
FAILURES = (OSError, TimeoutError, EOFError, WebSocketException)


class Target(NamedTuple):
    """Port of the server, and the PEM file of its certificate authority if it has TLS."""

    port: int
    authority: str = ""

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Return a client's context that trusts the authority."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


class ReportHeard(msgspec.Struct):
    """A report as its reporter receives it."""

    report_id: str = msgspec.field(name="reportID")
    status: str


class Heard(msgspec.Struct, rename="camel"):
    """A frame from the server, with the fields that the benchmark needs."""

    action: str
    nonce: str | None = None
    msg_id: int = msgspec.field(name="msgID", default=0)
    report: ReportHeard | None = None


class Timed(NamedTuple):
    """Time at which a request was sent, and seconds until its answer, or until the wait was given up."""

    at: float
    seconds: float
    answered: bool = True


def heard(connection: ClientConnection, timeout: float) -> Heard:
    """Return the next frame. Raises TimeoutError."""
    return msgspec.json.decode(connection.recv(timeout=max(0.0, timeout)), type=Heard)


def wait_for(connection: ClientConnection, action: str, until: float, nonce: str | None = None) -> Heard:
    """Return the next frame of this action (and nonce). Raises TimeoutError."""
    while True:
        frame = heard(connection, until - monotonic())
        if frame.action == action and (nonce is None or frame.nonce == nonce):
            return frame


def connected(target: Target, source: str, until: float) -> ClientConnection:
    """Open a websocket from a loopback address. Raises one of FAILURES."""
    return connect(
        f"{'wss' if target.authority else 'ws'}://127.0.0.1:{target.port}/ws",
        source_address=(source, 0),
        ssl=target.tls,
        compression=None,
        max_size=None,
        max_queue=None,
        proxy=None,
        open_timeout=max(0.1, until - monotonic()),
        ping_interval=None,
        close_timeout=0.2,
    )


@contextmanager
def entered(target: Target, source: str, name: str, until: float) -> Iterator[ClientConnection]:
    """Log in, wait for the echo, and yield the connection. Raises one of FAILURES."""
    with connected(target, source, until) as connection:
        connection.send(msgspec.json.encode({"action": "login", "username": name}), text=True)
        wait_for(connection, "echo", until)
        yield connection


def pings(target: Target, until: float) -> list[Timed]:
    """Send a ping every PING_SECONDS, answered or not; a lost connection counts as one without an answer."""
    done: list[Timed] = []
    sent: deque[float] = deque()
    try:
        with entered(target, HONEST, "ada", monotonic() + PATIENCE_SECONDS) as connection:
            while (now := monotonic()) < until:
                sent.append(now)
                connection.send(PING)
                done += _answers(connection, sent, now + PING_SECONDS)
            while sent and monotonic() < until + GRACE_SECONDS:
                done += _answers(connection, sent, monotonic() + PING_SECONDS)
    except FAILURES:
        sent.append(monotonic())
    now = monotonic()
    return done + [Timed(began, now - began, answered=False) for began in sent]


def _answers(connection: ClientConnection, sent: deque[float], until: float) -> list[Timed]:
    """Receive until the given time; return the pings that were answered."""
    done: list[Timed] = []
    while (left := until - monotonic()) > 0:
        with suppress(TimeoutError):
            if heard(connection, left).action == "ping":
                done.append(Timed(began := sent.popleft(), monotonic() - began))
    return done


def newcomers(target: Target, until: float) -> list[Timed]:
    """Log in newcomers one after another, each from a different address; time each from the connection to the echo."""
    done: list[Timed] = []
    number = 0
    while (began := monotonic()) < until:
        number += 1
        try:
            with entered(target, f"127.0.1.{number}", f"newcomer {number}", began + PATIENCE_SECONDS):
                done.append(Timed(began, monotonic() - began))
        except FAILURES:
            done.append(Timed(began, math.inf, answered=False))
        sleep(NEWCOMER_SECONDS)
    return done
