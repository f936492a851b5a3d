"""How much one address and one person do, against what the settings allow them."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum

from server.pacing.rate import Meter, Rate
from server.pacing.shares import Shares
from server.protocol.codes import ErrorCode
from server.rules import addresses
from server.rules.refusal import Refusal
from server.settings import RoomLimits

PATIENCE_SECONDS = 5.0
"""How long a message is held at most before it is refused instead."""
BURST_SECONDS = 4
"""Of a connection's bytes: for so long it may be sent at once."""
UNLIMITED = Rate.of(0, 1)
ADDRESS_SHARE = 4
"""How many people's pages and stored bytes one address may use, however many identities it has."""
DAY_SECONDS = 24 * 3600
MANY_SECONDS = 300
"""From here on a wait is told in minutes."""
NO_BUDGET = "This server has stored as much for you as it does within a day"
ARRIVALS = 2
"""Connections that are accepted for each request that an address may make: so it can read why a request is refused."""
PLACE_SECONDS = 10
"""When to come back for a connection, if there are too many now: nobody knows when one of them ends."""


class Allowance(Enum):
    """What people may do only so often."""

    MESSAGES = "messages"
    """And whatever else is written, or told to everyone."""
    PROFILES = "profiles"


class Places:
    """So many at a time for each address; 0: as many as come."""

    def __init__(self, each: int = 0) -> None:
        self.each = each
        """May be changed; what was taken stays so."""
        self._taken: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Take one; False if there is none left."""
        if self.each and self._taken[address] >= self.each:
            return False
        self._taken[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """Return one that was taken."""
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]


class _Shared:
    """What each person may use, and several times as much each address."""

    def __init__(self, patience: float = 0.0) -> None:
        self.person = Meter(UNLIMITED, patience)
        self.address = Meter(UNLIMITED, patience)

    def follow(self, count: float, seconds: float, burst: float) -> None:
        """Count against this rate from here on; a count of 0 is no limit."""
        self.person.rate = Rate.of(count, seconds, burst)
        self.address.rate = Rate.of(count * ADDRESS_SHARE, seconds, burst * ADDRESS_SHARE)


class Limiter:
    """Counts for one room; where an address is empty, nothing is counted."""

    def __init__(self, limits: RoomLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._clock = clock
        self.shares = Shares()
        """Of the loop, for connections to which much came at once."""
        self.requests = Places()
        """Connections on which no websocket has begun, by the address of their peer."""
        self._connections = Places()
        self._arrivals = Meter(UNLIMITED)
        self._requests = Meter(UNLIMITED)
        self._new = Meter(UNLIMITED)
        self._logins = Meter(UNLIMITED)
        self._pages = _Shared(PATIENCE_SECONDS)
        self._stored = _Shared()
        self._people = {
            Allowance.MESSAGES: Meter(UNLIMITED, PATIENCE_SECONDS),
            Allowance.PROFILES: Meter(UNLIMITED),
        }
        self.follow(limits)

    def follow(self, limits: RoomLimits) -> None:
        """Count against these limits from here on, with all that was counted before."""
        self.frame_bytes = limits.frame_bytes or None
        self.bytes_read = Rate.of(limits.bytes_per_second, 1, BURST_SECONDS * limits.bytes_per_second)
        self.requests.each = self._connections.each = limits.connections_per_address
        self._proxies = addresses.networks(limits.trusted_proxies)
        self._exempt = addresses.networks(limits.exempt_addresses)
        self._arrivals.rate = Rate.of(ARRIVALS * limits.requests_per_minute, 60)
        self._requests.rate = Rate.of(limits.requests_per_minute, 60)
        self._new.rate = Rate.of(limits.new_connections_per_10_minutes, 600)
        self._logins.rate = Rate.of(limits.logins_per_minute, 60)
        self._people[Allowance.MESSAGES].rate = Rate.of(limits.messages_per_second, 1, limits.messages_burst)
        self._people[Allowance.PROFILES].rate = Rate.of(limits.profiles_per_minute, 60)
        self._pages.follow(limits.pages_per_second, 1, limits.pages_burst)
        kilobytes = limits.stored_kilobytes_per_day
        self._stored.follow(kilobytes * 1024, DAY_SECONDS, kilobytes * 1024)

    def peer(self, peer: str) -> str:
        """What a connection counts for before it has said anything; empty if it is exempt, or may be for many."""
        return self._counted(addresses.client(peer, (), ()), self._exempt + self._proxies)

    def address(self, peer: str, forwarded: Sequence[str]) -> str:
        """What a connection counts for, by its peer and its X-Forwarded-For headers; empty if it is exempt."""
        return self._counted(addresses.client(peer, forwarded, self._proxies), self._exempt)

    def arrive(self, address: str) -> bool:
        """Count a connection that was accepted, by the address of its peer; False if it is one too many.

        Otherwise it has one of `requests`, until a websocket begins on it or it ends.
        """
        if not address:
            return True
        return self._arrivals.spend(address, self._clock()).allowed and self.requests.take(address)

    def request(self, address: str) -> None:
        """Count an HTTP request. Refusal if it is one too many."""
        if address:
            self._count(self._requests, address, "Your address has sent too many requests")

    def enter(self, address: str) -> None:
        """Count a connection, until it leaves. Refusal if it is one too many."""
        if not address:
            return
        if not self._connections.take(address):
            told = "Your address has too many connections open; close one."
            raise Refusal(ErrorCode.TOO_FAST, told, PLACE_SECONDS)
        try:
            self._count(self._new, address, "Your address has opened too many connections")
        except Refusal:
            self._connections.give_back(address)
            raise

    def leave(self, address: str) -> None:
        """Count a connection no more that has entered."""
        if address:
            self._connections.give_back(address)

    def login(self, address: str) -> None:
        """Count an attempt to log in. Refusal if it is one too many."""
        if address:
            self._count(self._logins, address, "Your address has tried to log in too often")

    def spend(self, allowance: Allowance, identity: str) -> float:
        """Count what a person does: the seconds for which it has to wait. Refusal if that is too long."""
        return self._count(self._people[allowance], identity, "That was too fast")

    def read(self, identity: str, address: str, pages: float) -> float:
        """Count what is read for a person: the seconds for which it has to wait. Refusal if that is too long."""
        return self._spend(self._pages, identity, address, pages, "That was too fast")

    def store(self, identity: str, address: str, size: int, kind: str = "") -> None:
        """Count bytes that are stored for a person; each kind has a budget. Refusal if it is used up."""
        self._spend(self._stored, f"{identity} {kind}", address and f"{address} {kind}", size, NO_BUDGET)

    def _spend(self, meters: "_Shared", identity: str, address: str, cost: float, refusal: str) -> float:
        """Count for both or, if one of them refuses, for neither."""
        now = self._clock()
        asked = [(meters.person, identity)] + ([(meters.address, address)] if address else [])
        spent = [meter.ask(key, now, cost) for meter, key in asked]
        if not all(each.allowed for each in spent):
            raise _refused(refusal, max(each.wait for each in spent if not each.allowed))
        return max(meter.spend(key, now, cost).wait for meter, key in asked)

    @staticmethod
    def _counted(client: str, free: addresses.Networks) -> str:
        return addresses.counted(client) if client and not addresses.within(client, free) else ""

    def _count(self, meter: Meter, key: str, refusal: str) -> float:
        spent = meter.spend(key, self._clock())
        if not spent.allowed:
            raise _refused(refusal, spent.wait)
        return spent.wait


def _refused(why: str, wait: float) -> Refusal:
    """Return the refusal that says when to try again."""
    seconds = math.ceil(wait)
    when = f"{seconds} s" if seconds <= MANY_SECONDS else f"{math.ceil(seconds / 60)} min"
    return Refusal(ErrorCode.TOO_FAST, f"{why}; try again in {when}.", seconds)
