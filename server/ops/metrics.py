"""Metrics of this server for Prometheus, without names of people or channels."""

import collections
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.protocol.codes import CUT, NO_CODE, CloseCode
from server.protocol.frames import ClientFrame
from server.storage.database import NodeHealth
from server.storage.outbox import Depth

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
COMMIT_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
COMMIT_SIZES = (1, 3, 10, 30, 100, 300, 1000)
LATENCY_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
UNSENT_SAMPLES = 60
"""Number of samples covered by the gauge of unsent bytes. Not "since the last scrape", because two scrapers would hide
each other's peaks."""

ACTIONS: dict[type[object], str] = {kind: kind.__struct_config__.tag for kind in get_args(ClientFrame)}
CLOSE_CODES = (*CloseCode, NO_CODE, CUT)
"""Close codes with a series of their own. Clients can send any code, so all others are counted together."""
REFUSALS = (0, 400, 403, 411, 413, 421, 429)
"""Statuses of early refusals with a series of their own; others are counted together."""


@dataclass
class Traffic:
    """Counts of what passes through the room. Plain numbers are cheap to update; a scrape converts them to metrics."""

    frames: collections.Counter[type[object]] = field(default_factory=collections.Counter)
    """Frames received from clients, by type."""
    unknown: int = 0
    """Frames that are malformed or have an unknown action."""
    deliveries: int = 0
    """Messages and their changes, counted once for each recipient."""
    closed: collections.Counter[int] = field(default_factory=collections.Counter)
    """Closed connections, by the close code of the side that closed first."""
    wrong_keys: int = 0
    """Requests with a wrong API key."""
    refused: collections.Counter[int] = field(default_factory=collections.Counter)
    """Refused connections, by HTTP status; 0 if closed right after accepting."""


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._registry = registry = CollectorRegistry()
        registry.register(_TrafficCollector(traffic))
        gauge, labels = partial(Gauge, registry=registry), ["webhook"]
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        self._sessions = gauge("flagpost_sessions", "Sessions that are logged in")
        self._unsent = gauge("flagpost_unsent_bytes_max", "Maximum bytes that one client left unread within a minute")
        self._unsent_samples: collections.deque[int] = collections.deque(maxlen=UNSENT_SAMPLES)
        self._commit_size = histogram("flagpost_commit_size", "Operations in a commit", buckets=COMMIT_SIZES)
        self._commit_seconds = histogram(
            "flagpost_commit_seconds", "Duration of a commit, until it is on disk", buckets=COMMIT_SECONDS
        )
        self._latency = histogram("flagpost_loop_latency_seconds", "Delay of the event loop", buckets=LATENCY_SECONDS)
        self._attempts = counter(
            "flagpost_webhook_attempts", "Requests to the site, by status or kind of failure", ["webhook", "outcome"]
        )
        self._seconds = histogram("flagpost_webhook_seconds", "Duration of a request", labels, buckets=SECONDS)
        self._waiting = gauge("flagpost_outbox_waiting", "Deliveries in the queue", labels)
        self._oldest = gauge("flagpost_outbox_oldest_seconds", "Age of the oldest delivery in the queue", labels)
        self._open = gauge("flagpost_webhook_breaker_open", "1 while the circuit breaker of a webhook is open", labels)
        self._paused = gauge("flagpost_webhook_paused", "1 while a webhook is paused", labels)
        self._profiles = counter("flagpost_profile_cache", "Profile requests, by cache hit or miss", ["result"])

    def watch_node(self, health: Callable[[], NodeHealth | None]) -> None:
        """Add the series about this server's part in a room on several servers."""
        self._registry.register(_NodeCollector(health))

    def set_sessions(self, count: int) -> None:
        self._sessions.set(count)

    def set_max_unsent(self, most: int) -> None:
        """Record the largest number of bytes that a client has left unread; call this every second."""
        self._unsent_samples.append(most)
        self._unsent.set(max(self._unsent_samples))

    def observe_commit(self, size: int, seconds: float) -> None:
        """Record a commit that is on disk. Thread-safe."""
        self._commit_size.observe(size)
        self._commit_seconds.observe(seconds)

    def observe_loop_delay(self, late: float) -> None:
        """Record how many seconds late the watchdog woke."""
        self._latency.observe(late)

    def observe_attempt(self, webhook: str, outcome: str, seconds: float) -> None:
        """Record a finished request to the site: its status or kind of failure, and its duration."""
        self._attempts.labels(webhook, outcome).inc()
        self._seconds.labels(webhook).observe(seconds)

    def count_profile_lookup(self, *, hit: bool) -> None:
        """Count a request for a profile. A cached profile or one that is already being fetched is a hit."""
        self._profiles.labels("hit" if hit else "miss").inc()

    def set_queue(self, webhook: str, depth: Depth, now: int) -> None:
        """Set the state of a webhook's queue; `now` is in milliseconds since 1970."""
        self._waiting.labels(webhook).set(depth.waiting)
        self._oldest.labels(webhook).set((now - depth.oldest) / 1000 if depth.oldest is not None else 0)
        self.set_breaker_open(webhook, is_open=depth.suspension is not None and depth.suspension.until is not None)
        self._paused.labels(webhook).set(depth.suspension is not None and depth.suspension.until is None)

    def set_breaker_open(self, webhook: str, *, is_open: bool) -> None:
        self._open.labels(webhook).set(is_open)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _TrafficCollector(Collector):
    """Converts Traffic to counters. Counters at zero are included, so that rates are correct from the start."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[CounterMetricFamily]:
        """See Collector."""
        traffic = self._traffic
        frames = CounterMetricFamily(
            "flagpost_frames_received", "Frames received from clients, by action", labels=["action"]
        )
        for kind, action in ACTIONS.items():
            frames.add_metric([action], traffic.frames[kind])
        frames.add_metric(["unknown"], traffic.unknown)
        yield frames
        yield CounterMetricFamily(
            "flagpost_deliveries", "Messages and their changes written to sessions", traffic.deliveries
        )
        yield CounterMetricFamily("flagpost_wrong_api_keys", "Requests with a wrong API key", traffic.wrong_keys)
        closed = CounterMetricFamily("flagpost_closed_connections", "Closed websockets, by close code", labels=["code"])
        _add(closed, traffic.closed, CLOSE_CODES)
        yield closed
        refused = CounterMetricFamily(
            "flagpost_refused_requests", "Requests refused early, by status; 0: no response", labels=["status"]
        )
        _add(refused, traffic.refused, REFUSALS)
        yield refused


class _NodeCollector(Collector):
    """Converts NodeHealth to metrics. In a room on a single server, the series have no values."""

    def __init__(self, health: Callable[[], NodeHealth | None]) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        node = self._health()
        for name, text, value in (
            ("locks", "How often this node held the lock of the room", node and node.locks),
            ("lock_seconds", "Total time for which this node held the lock of the room", node and node.locked),
        ):
            yield CounterMetricFamily(f"flagpost_node_{name}", text, value)
        for name, text, value in (
            (
                "longest_lock_seconds",
                "Longest time for which this node recently held the lock",
                node and node.longest_lock,
            ),
            ("news_behind", "Committed events that this node has not received", node and node.news_behind),
            (
                "news_behind_seconds",
                "Age of the oldest event that this node has not received",
                node and node.news_age,
            ),
            ("beat_age_seconds", "Time since the last confirmed heartbeat of this node", node and node.beat_age),
            ("fenced", "1 once the other nodes have removed this one", node and int(node.fenced)),
        ):
            yield GaugeMetricFamily(f"flagpost_node_{name}", text, value)


def _add(family: CounterMetricFamily, counts: Mapping[int, int], known: Collection[int]) -> None:
    """Add a series for each known number and one for all others, so that clients cannot create series."""
    for number in known:
        family.add_metric([str(int(number))], counts.get(number, 0))
    family.add_metric(["other"], sum(count for number, count in counts.items() if number not in known))
