"""Limits per address and person, with a clock that the test moves."""

import msgspec
import pytest

from server.pacing.limiter import ADDRESS_SHARE, TYPING_SECONDS, Allowance, Limiter
from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal
from server.settings import RoomLimits

HERE = "203.0.113.9"
THERE = "2001:db8::/64"


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refusal(limiter: Limiter, address: str) -> str:
    """Return why a connection from this address is refused."""
    with pytest.raises(Refusal) as caught:
        limiter.open_connection(address)
    assert caught.value.code == ErrorCode.TOO_FAST
    return caught.value.message


def test_open_connections_of_an_address_are_limited(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(connections_per_address=3), clock)
    for _ in range(3):
        limiter.open_connection(HERE)
    assert "close one" in refusal(limiter, HERE)
    limiter.open_connection(THERE)
    limiter.close_connection(HERE)
    limiter.open_connection(HERE)
    refusal(limiter, HERE)


def test_new_connections_of_an_address_are_rate_limited(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(connections_per_address=2, new_connections_per_10_minutes=5), clock)
    for _ in range(5):
        limiter.open_connection(HERE)
        limiter.close_connection(HERE)
    assert "try again in 120 s" in refusal(limiter, HERE)
    clock.now += 120
    limiter.open_connection(HERE)
    assert "try again in 120 s" in refusal(limiter, HERE)
    clock.now += 120
    limiter.open_connection(HERE)
    assert "close one" in refusal(limiter, HERE), "a refused connection uses no slot"


def test_accepted_connections_are_limited_in_number_and_rate(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(connections_per_address=3, requests_per_minute=4), clock)
    assert [limiter.accept(HERE) for _ in range(4)] == [True, True, True, False]
    limiter.pending_requests.release(HERE)
    assert [limiter.accept(HERE) for _ in range(2)] == [True, False]
    limiter.pending_requests.release(HERE)
    limiter.pending_requests.release(HERE)
    assert [limiter.accept(HERE) for _ in range(3)] == [True, True, False], "twice as many connections as requests"
    assert limiter.accept(THERE)
    assert limiter.accept("")


def test_requests_of_an_address_are_rate_limited(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(requests_per_minute=4), clock)
    for _ in range(4):
        limiter.count_request(HERE)
    limiter.count_request(THERE)
    with pytest.raises(Refusal, match="try again in 15 s") as caught:
        limiter.count_request(HERE)
    assert caught.value.retry_after == 15
    clock.now += 15
    limiter.count_request(HERE)


def test_logins_of_an_address_are_rate_limited(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(logins_per_minute=4), clock)
    for _ in range(4):
        limiter.count_login(HERE)
    limiter.count_login(THERE)
    with pytest.raises(Refusal, match="try again in 15 s"):
        limiter.count_login(HERE)
    clock.now += 15
    limiter.count_login(HERE)


def test_messages_are_delayed_by_at_most_five_seconds(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(), clock)
    waits = [limiter.count_action(Allowance.MESSAGES, "alice") for _ in range(20)]
    assert waits == [0.0] * 10 + [number / 2 for number in range(1, 11)]
    with pytest.raises(Refusal, match="Too many requests; try again in 1 s"):
        limiter.count_action(Allowance.MESSAGES, "alice")
    assert not limiter.count_action(Allowance.MESSAGES, "bob")


def test_profile_requests_are_not_delayed(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(profiles_per_minute=2), clock)
    assert [limiter.count_action(Allowance.PROFILES, "alice") for _ in range(2)] == [0.0, 0.0]
    with pytest.raises(Refusal, match="try again in 30 s"):
        limiter.count_action(Allowance.PROFILES, "alice")


def test_reads_are_delayed_by_at_most_five_seconds_and_limited_per_address(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(pages_burst=10, pages_per_second=2), clock)
    assert [limiter.count_read("a", HERE, 5) for _ in range(4)] == [0.0, 0.0, 2.5, 5.0]
    with pytest.raises(Refusal, match="Too many requests; try again in 3 s"):
        limiter.count_read("a", HERE, 5)
    assert [limiter.count_read(f"{number}", HERE, 10) for number in range(3)] == [0.0, 0.0, 1.25]
    assert not limiter.count_read("somebody", THERE, 10)
    # An exempt address is the empty string.
    assert not limiter.count_read("somebody else", "", 10)


def test_a_refusal_by_address_does_not_charge_the_person(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(stored_kilobytes_per_day=1), clock)
    for number in range(ADDRESS_SHARE):
        limiter.count_stored(f"{number}", HERE, 1024)
    with pytest.raises(Refusal):
        limiter.count_stored("late", HERE, 1024)
    limiter.count_stored("late", THERE, 1024)


def test_stored_bytes_are_limited_per_day_and_kind(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(stored_kilobytes_per_day=24), clock)
    limiter.count_stored("a", HERE, 24 * 1024)
    with pytest.raises(Refusal, match="try again in 60 min"):
        limiter.count_stored("a", HERE, 1024)
    limiter.count_stored("a", HERE, 24 * 1024, "reports")
    clock.now += 3600
    limiter.count_stored("a", HERE, 1024)
    with pytest.raises(Refusal):
        limiter.count_stored("a", HERE, 1024)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", ""])
def test_loopback_addresses_are_exempt(peer: str) -> None:
    limiter = Limiter(RoomLimits(connections_per_address=1, logins_per_minute=1))
    assert limiter.client_key(peer, []) == limiter.peer_key(peer) == ""
    for _ in range(3):
        limiter.open_connection("")
        limiter.count_login("")
    limiter.close_connection("")


def test_a_trusted_proxy_is_replaced_by_the_forwarded_address() -> None:
    limiter = Limiter(RoomLimits(trusted_proxies=("192.0.2.1", "127.0.0.1")))
    assert limiter.client_key("192.0.2.1", [HERE]) == HERE
    assert limiter.client_key("127.0.0.1", ["2001:db8::7"]) == THERE
    assert limiter.client_key("192.0.2.2", [HERE]) == "192.0.2.2"
    assert limiter.peer_key("192.0.2.1") == ""
    assert limiter.peer_key("192.0.2.2") == "192.0.2.2"


def test_zero_disables_every_limit() -> None:
    numbers = [field.name for field in msgspec.structs.fields(RoomLimits) if isinstance(field.default, int | float)]
    limiter = Limiter(msgspec.structs.replace(RoomLimits(), **dict.fromkeys(numbers, 0)))
    for _ in range(1000):
        assert limiter.accept(HERE)
        limiter.count_request(HERE)
        limiter.open_connection(HERE)
        limiter.count_login(HERE)
        assert not limiter.count_action(Allowance.MESSAGES, "alice")
        assert not limiter.count_action(Allowance.PROFILES, "alice")
        assert not limiter.count_read("alice", HERE, 1000)
        limiter.count_stored("alice", HERE, 10**9)
        assert limiter.pending_requests.acquire(HERE)
    assert limiter.frame_bytes is None
    assert limiter.bytes_read.interval == 0


def test_clients_whose_proxy_writes_no_address_share_one_limit_and_the_log_says_so_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = Limiter(RoomLimits(connections_per_address=2, trusted_proxies=("127.0.0.1",)), clock)
    keys = [limiter.client_key("127.0.0.1", [claim]) for claim in ("unknown", "_hidden", "203.0.113.5:x")]
    assert keys[0]
    assert len(set(keys)) == 1
    assert [record.getMessage()[:26] for record in caplog.records] == ["a trusted proxy's X-Forwar"]
    for key in keys[:2]:
        limiter.open_connection(key)
    refusal(limiter, keys[2])


def test_a_proxy_that_is_not_declared_is_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    limiter = Limiter(RoomLimits(), clock)
    for _ in range(3):
        assert limiter.client_key("127.0.0.1", ["203.0.113.9"]) == ""
    assert [record.getMessage()[:26] for record in caplog.records] == ["a proxy is not declared, s"]


def test_reports_are_limited_by_address(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(reports_per_hour=2), clock)
    for _ in range(2 * ADDRESS_SHARE):
        limiter.count_report(HERE)
    with pytest.raises(Refusal) as caught:
        limiter.count_report(HERE)
    assert caught.value.code == ErrorCode.TOO_MANY_REPORTS
    assert caught.value.message.endswith("Try again in 8 min.")
    limiter.count_report(THERE)
    limiter.count_report("")
    clock.now += 8 * 60
    limiter.count_report(HERE)


def test_typing_notices_are_limited_for_each_pair(clock: Clock) -> None:
    limiter = Limiter(RoomLimits(), clock)
    assert [limiter.may_notify("a", "b") for _ in range(3)] == [True, False, False]
    assert limiter.may_notify("a", "c")
    assert limiter.may_notify("b", "a")
    clock.now += TYPING_SECONDS
    assert limiter.may_notify("a", "b")
