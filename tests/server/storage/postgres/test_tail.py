"""What the tail reads at once, what fits into a notification, and the times that a server measures."""

import pytest

from server.rules.messages import Person
from server.storage.events import PersonLeft
from server.storage.postgres import lock_use, tail
from server.storage.postgres.hearing import NewsRow
from server.storage.postgres.lock_use import LockUse
from server.storage.postgres.membership import SharedClock


@pytest.mark.parametrize(
    ("times", "read"),
    [
        ([1, 2], 2),
        ([1, 2, 3], 2),
        ([1, 3, 3], 1),
        # A commit of more than is read at once cannot be heard as a whole.
        ([3, 3, 3], 3),
        ([], 0),
    ],
)
def test_commit_that_may_be_read_in_part_is_read_once_more(
    times: list[int], read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "READ_ROWS", 3)
    rows = [NewsRow(number, at, None) for number, at in enumerate(times)]
    assert tail._whole(rows) == rows[:read]


def test_event_that_does_not_fit_into_a_notification_is_not_sent() -> None:
    assert tail.encode_aside("node", PersonLeft(Person("ann", "1"), 5))
    assert tail.encode_aside("node", PersonLeft(Person("a" * 8000, "1"), 5)) is None


def test_longest_lock_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("server.storage.postgres.lock_use.time.monotonic", lambda: now[0])
    use, window = LockUse(), lock_use.WINDOW_SECONDS
    for seconds in (0.5, 2.0, 1.0):
        use.add(seconds)
    assert (use.count, use.seconds, use.longest) == (3, 3.5, 2.0)
    now[0] += window
    assert use.longest == 2.0
    use.add(0.25)
    now[0] += window
    assert use.longest == 0.25
    now[0] += 2 * window
    assert use.longest == 0.0


def test_time_continues_from_the_time_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, now = SharedClock(), [50.0]
    monkeypatch.setattr("server.storage.postgres.membership.time.monotonic", lambda: now[0])
    clock.learn(1_000_000)
    now[0] += 1.5
    assert (clock.now(), clock.age) == (1_001_500, 1.5)
    # The database's clock was set back.
    clock.learn(900_000)
    assert (clock.now(), clock.age) == (900_000, 0.0)
