"""The series of a scrape, whatever clients do."""

import re

import pytest

from server.ops.metrics import CLOSE_CODES, REFUSALS, Metrics, Traffic
from server.storage.database import NodeHealth


def series(text: str, name: str) -> dict[str, float]:
    """Return the values of a counter by label."""
    found = re.findall(rf'^{name}_total{{\w+="(\w+)"}} (\S+)$', text, re.MULTILINE)
    return {label: float(value) for label, value in found}


def test_client_chosen_numbers_do_not_create_series() -> None:
    traffic = Traffic()
    for number in range(5000):
        traffic.closed[number] += 1
        traffic.refused[number] += 2
    text = Metrics(traffic).render().decode()
    for name, known, each in (("closed_connections", CLOSE_CODES, 1), ("refused_requests", REFUSALS, 2)):
        found = series(text, f"flagpost_{name}")
        assert found.keys() == {*(str(int(number)) for number in known), "other"}
        assert found.pop("other") == each * (5000 - len(known))
        assert set(found.values()) == {each}


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (None, {}),
        (
            NodeHealth(1.5, 7, 0.25, 0.125, 3, 0.5, fenced=True, database_down=False),
            {
                "locks_total": 7.0,
                "lock_seconds_total": 0.25,
                "longest_lock_seconds": 0.125,
                "news_behind": 3.0,
                "news_behind_seconds": 0.5,
                "beat_age_seconds": 1.5,
                "fenced": 1.0,
            },
        ),
    ],
)
def test_only_a_server_that_shares_its_database_has_series_of_a_node(
    health: NodeHealth | None, expected: dict[str, float]
) -> None:
    metrics = Metrics(Traffic())
    metrics.watch_node(lambda: health)
    found = re.findall(r"^flagpost_node_(\w+) (\S+)$", metrics.render().decode(), re.MULTILINE)
    assert {name: float(value) for name, value in found} == expected
