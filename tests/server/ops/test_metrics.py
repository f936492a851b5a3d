"""The series of a scrape, whatever clients do."""

import re

from server.ops.metrics import CLOSE_CODES, REFUSALS, Metrics, Traffic


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
