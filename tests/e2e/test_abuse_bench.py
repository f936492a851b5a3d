"""The abuse benchmark runs against this server: its attackers speak the protocol, and its rows fit the tables."""

from concurrent.futures import ThreadPoolExecutor

from bench import abuse
from bench.abuse_attacks import ATTACKS


def test_history_attack_is_measured() -> None:
    attack = next(each for each in ATTACKS if each.name.startswith("history"))
    with ThreadPoolExecutor(3) as threads:
        seen = abuse.measure(attack, abuse.HERE, 0.5, threads, quiet=0.5)
    assert seen.outcome.requests
    assert seen.pings
    assert seen.memory
    assert len(seen.row(attack, "now")) == len(abuse.HEADS)
