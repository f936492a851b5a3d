"""Limits per address and per person, as configured in the settings."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum

from server.pacing.fair_scheduler import FairScheduler
from server.pacing.rate import Meter, Rate
from server.protocol.codes import ErrorCode
from server.rules import addresses
from server.rules.refusal import Refusal
from server.settings import RoomLimits

log = logging.getLogger(__name__)

UNREADABLE = (
    "a trusted proxy's X-Forwarded-For has no address, so its clients share one limit; configure the proxy to write the"
    " address of each client"
)
UNDECLARED = "a proxy is not declared, so all its clients count as one; add it to TrustedProxies in [Limits]"
MAX_LOGGED_CHARS = 200
TYPING_SECONDS = 2.0
"""Minimum time between two typing notices from one person to another; clients send one every 3 s."""
PATIENCE_SECONDS = 5.0
"""Maximum delay of a request; one that would have to wait longer is refused."""
BURST_SECONDS = 4
"""Burst of a connection's bytes, in seconds of its rate."""
UNLIMITED = Rate.of(0, 1)
ADDRESS_SHARE = 4
"""Limits of an address for reading, storage and reports, as a multiple of the limits of a person."""
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
MANY_SECONDS = 300
"""Waits longer than this are stated in minutes."""
STORAGE_USED_UP = "You have used up the storage that this server gives you for a day"
TOO_MANY = "Too many requests"
ACCEPTS_PER_REQUEST = 2
"""Accepted connections for each allowed request, so that a client can still read why a request is refused."""
WRONG_KEYS_PER_MINUTE = 10
"""Wrong API keys that an address may send, even an exempt one."""
LOG_SECONDS = 60
"""Time after which wrong API keys from an address are logged again."""
CONNECTION_RETRY_SECONDS = 10
"""Suggested delay when an address has too many connections: a guess, because they can close at any time."""


class Allowance(Enum):
    """Kinds of actions that are limited per person."""

    MESSAGES = "messages"
    """Messages, and everything else that is stored or broadcast."""
    PROFILES = "profiles"


class ConcurrencyLimit:
    """Limits how many slots (such as connections) each address uses at the same time; a limit of 0 means no limit."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        """May be changed at any time; slots in use stay in use."""
        self._in_use: Counter[str] = Counter()

    def acquire(self, address: str) -> bool:
        """Acquire a slot; return False if none is free."""
        if self.limit and self._in_use[address] >= self.limit:
            return False
        self._in_use[address] += 1
        return True

    def release(self, address: str) -> None:
        """Free a slot."""
        self._in_use[address] -= 1
        if not self._in_use[address]:
            del self._in_use[address]


class _SharedMeter:
    """Meters per person, and per address with ADDRESS_SHARE times the rate."""

    def __init__(self, patience: float = 0.0) -> None:
        self.person = Meter(UNLIMITED, patience)
        self.address = Meter(UNLIMITED, patience)

    def configure(self, count: float, seconds: float, burst: float) -> None:
        """Set the rate; a count of 0 means no limit."""
        self.person.rate = Rate.of(count, seconds, burst)
        self.address.rate = Rate.of(count * ADDRESS_SHARE, seconds, burst * ADDRESS_SHARE)


class Limiter:
    """Applies the limits to addresses and people. An empty address is exempt."""

    def __init__(self, limits: RoomLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        self.scheduler = FairScheduler()
        """Schedules the parsing of large reads fairly between connections."""
        self.pending_requests = ConcurrencyLimit()
        """Slots of connections that are not websockets yet, by the address of the peer."""
        self._connections = ConcurrencyLimit()
        self._accepts = Meter(UNLIMITED)
        self._requests = Meter(UNLIMITED)
        self._new = Meter(UNLIMITED)
        self._logins = Meter(UNLIMITED)
        self._wrong_keys = Meter(Rate.of(WRONG_KEYS_PER_MINUTE, 60))
        self._wrong_key_logs = Meter(Rate.of(1, LOG_SECONDS))
        self._pages = _SharedMeter(PATIENCE_SECONDS)
        self._stored = _SharedMeter()
        self._typing = Meter(Rate.of(1, TYPING_SECONDS))
        self._reports = Meter(UNLIMITED)
        self._people = {
            Allowance.MESSAGES: Meter(UNLIMITED, PATIENCE_SECONDS),
            Allowance.PROFILES: Meter(UNLIMITED),
        }
        self.configure(limits)

    def configure(self, limits: RoomLimits) -> None:
        """Set the limits. Earlier counts are kept."""
        self.frame_bytes = limits.frame_bytes or None
        self.bytes_read = Rate.of(limits.bytes_per_second, 1, BURST_SECONDS * limits.bytes_per_second)
        self.pending_requests.limit = self._connections.limit = limits.connections_per_address
        self._proxies = addresses.networks(limits.trusted_proxies)
        self._warned: set[str] = set()
        self._exempt = addresses.networks(limits.exempt_addresses)
        self._accepts.rate = Rate.of(ACCEPTS_PER_REQUEST * limits.requests_per_minute, 60)
        self._requests.rate = Rate.of(limits.requests_per_minute, 60)
        self._new.rate = Rate.of(limits.new_connections_per_10_minutes, 600)
        self._logins.rate = Rate.of(limits.logins_per_minute, 60)
        self._people[Allowance.MESSAGES].rate = Rate.of(limits.messages_per_second, 1, limits.messages_burst)
        self._people[Allowance.PROFILES].rate = Rate.of(limits.profiles_per_minute, 60)
        self._reports.rate = Rate.of(limits.reports_per_hour * ADDRESS_SHARE, HOUR_SECONDS)
        self._pages.configure(limits.pages_per_second, 1, limits.pages_burst)
        kilobytes = limits.stored_kilobytes_per_day
        self._stored.configure(kilobytes * 1024, DAY_SECONDS, kilobytes * 1024)

    def peer_key(self, peer: str) -> str:
        """Return the rate-limit key of a peer that has not sent a request yet; "" if exempt or a trusted proxy."""
        return self._rate_limit_key(addresses.client(peer, (), ()), self._exempt + self._proxies)

    def client_key(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the rate-limit key for a peer and its X-Forwarded-For headers; "" if exempt.

        Clients whose trusted proxy writes no address share one key, so that nobody evades the limits.
        """
        client = addresses.client(peer, forwarded, self._proxies)
        if client == addresses.UNREADABLE:
            self._warn(UNREADABLE, peer, forwarded)
            return client
        if addresses.is_undeclared_proxy(peer, forwarded, self._proxies):
            self._warn(UNDECLARED, peer, forwarded)
        return self._rate_limit_key(client, self._exempt)

    def client_address(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the rate-limit key of a client even if it is exempt; "" on a Unix socket."""
        client = addresses.client(peer, forwarded, self._proxies)
        return addresses.counted(client) if client not in {"", addresses.UNREADABLE} else client

    def check_wrong_keys(self, address: str) -> None:
        """Raise Refusal if too many wrong API keys came from an address."""
        spent = self._wrong_keys.preview(address, self._clock())
        if not spent.allowed:
            raise _too_fast("Too many wrong keys from your address", spent.wait)

    def count_wrong_key(self, address: str) -> bool:
        """Count a wrong API key; return whether to log it."""
        self._wrong_keys.spend(address, self._clock())
        return self._wrong_key_logs.spend(address, self._clock()).allowed

    def accept(self, address: str) -> bool:
        """Count an accepted connection by the address of its peer. Return False if it exceeds the limits.

        Otherwise it uses a slot of `pending_requests` until it becomes a websocket or closes.
        """
        if not address:
            return True
        return self._accepts.spend(address, self._clock()).allowed and self.pending_requests.acquire(address)

    def count_request(self, address: str) -> None:
        """Count an HTTP request. Raises Refusal if it exceeds the limit."""
        if address:
            self._count(self._requests, address, "Your address has sent too many requests")

    def open_connection(self, address: str) -> None:
        """Count a websocket until `close_connection`. Raises Refusal if it exceeds the limits."""
        if not address:
            return
        if not self._connections.acquire(address):
            message = "Your address has too many connections open; close one."
            raise Refusal(ErrorCode.TOO_FAST, message, CONNECTION_RETRY_SECONDS)
        try:
            self._count(self._new, address, "Your address has opened too many connections")
        except Refusal:
            self._connections.release(address)
            raise

    def close_connection(self, address: str) -> None:
        """Stop counting a websocket counted by `open_connection`."""
        if address:
            self._connections.release(address)

    def count_login(self, address: str) -> None:
        """Count a login attempt. Raises Refusal if it exceeds the limit."""
        if address:
            self._count(self._logins, address, "Too many logins from your address")

    def count_action(self, allowance: Allowance, identity: str, nodes: int = 1) -> float:
        """Count an action and return its delay in seconds. Raises Refusal if the delay would be too long.

        `nodes` is the number of servers that the person is connected to. Each counts on its own, so each charges
        `nodes` times as much.
        """
        return self._count(self._people[allowance], identity, TOO_MANY, nodes)

    def may_notify(self, author: str, recipient: str) -> bool:
        """Count a typing notice between two people. Return False if it must be dropped."""
        return self._typing.spend((author, recipient), self._clock()).allowed

    def count_report(self, address: str) -> None:
        """Count a report for an address, which is harder to change than an identity.

        Raises Refusal if it exceeds the limit.
        """
        if address and not (spent := self._reports.spend(address, self._clock())).allowed:
            minutes = math.ceil(spent.wait / 60)
            words = f"Your address has sent too many reports within an hour. Try again in {minutes} min."
            raise Refusal(ErrorCode.TOO_MANY_REPORTS, words, math.ceil(spent.wait))

    def count_read(self, identity: str, address: str, pages: float, nodes: int = 1) -> float:
        """Count pages read for a person and return the delay in seconds. Raises Refusal if it would be too long."""
        asked = _charges(self._pages, identity, address, pages, nodes)
        return self._spend(asked, TOO_MANY)

    def count_stored(self, identity: str, address: str, size: int, kind: str = "", nodes: int = 1) -> None:
        """Count bytes stored for a person; each kind has its own budget. Raises Refusal if it is used up."""
        asked = _charges(self._stored, f"{identity} {kind}", address and f"{address} {kind}", size, nodes)
        self._spend(asked, STORAGE_USED_UP)

    def _spend(self, asked: Sequence[tuple[Meter, str, float]], refusal: str) -> float:
        """Charge all of these costs or, if one is refused, none."""
        now = self._clock()
        spent = [meter.preview(key, now, cost) for meter, key, cost in asked]
        if not all(each.allowed for each in spent):
            raise _too_fast(refusal, max(each.wait for each in spent if not each.allowed))
        return max(meter.spend(key, now, cost).wait for meter, key, cost in asked)

    def _warn(self, problem: str, peer: str, forwarded: Sequence[str]) -> None:
        """Log a problem with a proxy, once until the settings change."""
        if problem not in self._warned:
            self._warned.add(problem)
            log.warning(problem, extra={"proxy": peer, "header": ", ".join(forwarded)[:MAX_LOGGED_CHARS]})

    @staticmethod
    def _rate_limit_key(client: str, free: addresses.Networks) -> str:
        return addresses.counted(client) if client and not addresses.within(client, free) else ""

    def _count(self, meter: Meter, key: str, refusal: str, cost: float = 1) -> float:
        spent = meter.spend(key, self._clock(), cost)
        if not spent.allowed:
            raise _too_fast(refusal, spent.wait)
        return spent.wait


def _charges(
    meters: _SharedMeter, identity: str, address: str, cost: float, nodes: int
) -> list[tuple[Meter, str, float]]:
    """Return the charges for a person, multiplied by the number of servers, and for their address."""
    person = meters.person, identity, cost * nodes
    return [person, (meters.address, address, cost)] if address else [person]


def _too_fast(why: str, wait: float) -> Refusal:
    seconds = math.ceil(wait)
    when = f"{seconds} s" if seconds <= MANY_SECONDS else f"{math.ceil(seconds / 60)} min"
    return Refusal(ErrorCode.TOO_FAST, f"{why}; try again in {when}.", seconds)
