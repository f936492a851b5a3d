"""Reserved names: only the person who has a name, had it last or is named in an open report can get it."""

import pytest

from server.rules.messages import Person
from server.rules.reservations import MAX_RESERVED, Obstacle, Reservations

ADA, EVE = Person("ada", "a-1"), Person("ada", "e-1")
DAY = 24 * 3600 * 1000
ALIKE = ["ada", "ADA", "\u0430da", "\u1d00da"]


@pytest.fixture
def reservations() -> Reservations:
    return Reservations()


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_looks_like_one_in_use_is_taken(reservations: Reservations, name: str) -> None:
    reservations.joined(ADA, 0, returns=False)
    expected = Obstacle.TAKEN if name.isascii() else Obstacle.LOOKS_TAKEN
    assert reservations.obstacle(name, "e-1", 0) is expected
    assert reservations.obstacle("adam", "e-1", 0) is None
    reservations.left(ADA, 0)
    assert reservations.obstacle(name, "e-1", 0) is None


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_is_reserved_for_days_after_its_holder_left(reservations: Reservations, name: str) -> None:
    reservations.joined(ADA, 0, returns=True)
    reservations.left(ADA, DAY)
    assert reservations.obstacle(name, "e-1", 31 * DAY - 1) is Obstacle.RESERVED
    assert reservations.holds(ADA, 31 * DAY - 1)
    assert reservations.obstacle(name, "e-1", 31 * DAY) is None
    assert not reservations.holds(ADA, 31 * DAY)


def test_the_holder_gets_the_name_back_even_if_a_similar_one_is_in_use(reservations: Reservations) -> None:
    reservations.reserve(ADA, 0)
    reservations.joined(Person("\u0430da", "e-1"), 0, returns=True)
    assert reservations.obstacle("ada", "a-1", 0) is None
    assert reservations.obstacle("ada", "b-1", 0) is Obstacle.LOOKS_TAKEN


def test_a_name_that_was_given_away_is_taken(reservations: Reservations) -> None:
    reservations.reserve(ADA, 0)
    reservations.joined(EVE, 0, returns=True)
    assert reservations.obstacle("ada", "a-1", 0) is Obstacle.TAKEN


def test_an_open_report_keeps_a_name_reserved(reservations: Reservations) -> None:
    for report_id in ("r-1", "r-1", "r-2"):
        reservations.report_opened(report_id, ADA)
    reservations.report_closed("r-1")
    assert reservations.obstacle("ada", "e-1", 1000 * DAY) is Obstacle.RESERVED
    assert reservations.obstacle("ada", "a-1", 1000 * DAY) is None
    reservations.report_closed("r-2")
    reservations.report_closed("r-2")
    assert reservations.obstacle("ada", "e-1", 1000 * DAY) is None


def test_with_zero_days_only_names_in_use_are_taken(reservations: Reservations) -> None:
    reservations.days = 0
    reservations.joined(ADA, 0, returns=True)
    reservations.report_opened("r-1", ADA)
    assert reservations.obstacle("ada", "e-1", 0) is Obstacle.TAKEN
    reservations.left(ADA, 0)
    assert reservations.obstacle("ada", "e-1", 0) is None


def test_expired_reservations_use_no_memory(reservations: Reservations) -> None:
    for number in range(MAX_RESERVED + 10):
        reservations.reserve(Person(str(number), str(number)), 0)
    assert reservations.obstacle("5", "e-1", 0) is None
    assert reservations.obstacle("15", "e-1", 0) is Obstacle.RESERVED
    reservations.joined(ADA, 0, returns=True)
    reservations.expire(30 * DAY)
    assert reservations.holds(ADA, 90 * DAY)
    reservations.left(ADA, 90 * DAY)
    reservations.expire(120 * DAY)
    assert (len(reservations._looks), len(reservations._by_look)) == (0, 0)
