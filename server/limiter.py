"""How much one address and one person do, against what the settings allow them."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum

from server.protocol.codes import ErrorCode
from server.rules import addresses
from server.rules.rate import Meter, Rate
from server.rules.refusal import Refusal
from server.settings import RoomLimits
from server.shares import Shares

PATIENCE_SECONDS = 5.0
"""How long a message is held at most before it is refused instead."""
BURST_SECONDS = 4
"""Of a connection's bytes: for so long it may be sent at once."""
UNLIMITED = Rate.of(0, 1)


class Allowance(Enum):
    """What people may do only so often."""

    MESSAGES = "messages"
    """And whatever else is written for everyone, or costs as much."""
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
        self._new = Meter(UNLIMITED)
        self._logins = Meter(UNLIMITED)
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
        self._new.rate = Rate.of(limits.new_connections_per_10_minutes, 600)
        self._logins.rate = Rate.of(limits.logins_per_minute, 60)
        self._people[Allowance.MESSAGES].rate = Rate.of(limits.messages_per_second, 1, limits.messages_burst)
        self._people[Allowance.PROFILES].rate = Rate.of(limits.profiles_per_minute, 60)

    def peer(self, peer: str) -> str:
        """What a connection counts for before it has said anything; empty if it is exempt, or may be for many."""
        return self._counted(addresses.client(peer, (), ()), self._exempt + self._proxies)

    def address(self, peer: str, forwarded: Sequence[str]) -> str:
        """What a connection counts for, by its peer and its X-Forwarded-For headers; empty if it is exempt."""
        return self._counted(addresses.client(peer, forwarded, self._proxies), self._exempt)

    def enter(self, address: str) -> None:
        """Count a connection, until it leaves. Refusal if it is one too many."""
        if not address:
            return
        if not self._connections.take(address):
            raise Refusal(ErrorCode.TOO_FAST, "Your address has too many connections open; close one.")
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

    @staticmethod
    def _counted(client: str, free: addresses.Networks) -> str:
        return addresses.counted(client) if client and not addresses.within(client, free) else ""

    def _count(self, meter: Meter, key: str, refusal: str) -> float:
        spent = meter.spend(key, self._clock())
        if not spent.allowed:
            raise Refusal(ErrorCode.TOO_FAST, f"{refusal}; try again in {math.ceil(spent.wait)} s.")
        return spent.wait
