"""What can be counted about this server, for Prometheus; nothing of it names a person or a channel."""

import collections
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from server.protocol.codes import CUT, NO_CODE, CloseCode
from server.protocol.frames import ClientFrame
from server.storage.outbox import Depth

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
COMMIT_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
COMMIT_SIZES = (1, 3, 10, 30, 100, 300, 1000)
LATENCY_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
UNSENT_SAMPLES = 60
"""How many samples back the gauge of unsent bytes looks. Not "since the last scrape": two scrapers would take each
other's peaks away."""

ACTIONS: dict[type[object], str] = {kind: kind.__struct_config__.tag for kind in get_args(ClientFrame)}
CLOSE_CODES = (*CloseCode, NO_CODE, CUT)
"""A client may choose any other; those are counted together."""
REFUSALS = (0, 400, 403, 411, 413, 421, 429)
"""Statuses that refuse a request before it is handled; others are counted together."""


@dataclass
class Traffic:
    """What passes through the room, as plain numbers: that costs next to nothing there, and a scrape reads them."""

    frames: collections.Counter[type[object]] = field(default_factory=collections.Counter)
    """Of clients, by their type."""
    unknown: int = 0
    """Frames that could not be read, or whose action there is not."""
    deliveries: int = 0
    """Messages and changes of them, for each person to whom they were written."""
    closed: collections.Counter[int] = field(default_factory=collections.Counter)
    """Connections, by the close code of the side that closed first."""
    refused: collections.Counter[int] = field(default_factory=collections.Counter)
    """Connections, by the HTTP status that refused them; 0: closed as they were accepted."""


class Metrics:
    """One registry; the server has one, each test its own."""

    def __init__(self, traffic: Traffic) -> None:
        self._registry = CollectorRegistry()
        kept, named = self._registry, ["webhook"]
        kept.register(_TrafficCollector(traffic))
        self._sessions = Gauge("flagpost_sessions", "Sessions that are logged in", registry=kept)
        self._unsent = Gauge(
            "flagpost_unsent_bytes_max", "The most that one client had left unread within a minute", registry=kept
        )
        self._unsent_samples: collections.deque[int] = collections.deque(maxlen=UNSENT_SAMPLES)
        self._commit_size = Histogram(
            "flagpost_commit_size", "Pieces of work in a commit", buckets=COMMIT_SIZES, registry=kept
        )
        self._commit_seconds = Histogram(
            "flagpost_commit_seconds",
            "Duration of a commit, until it is on disk",
            buckets=COMMIT_SECONDS,
            registry=kept,
        )
        self._latency = Histogram(
            "flagpost_loop_latency_seconds", "How late the event loop woke", buckets=LATENCY_SECONDS, registry=kept
        )
        self._attempts = Counter(
            "flagpost_webhook_attempts",
            "Requests to the site, by status or by what it did instead",
            ["webhook", "outcome"],
            registry=kept,
        )
        self._seconds = Histogram(
            "flagpost_webhook_seconds", "Duration of a request", named, buckets=SECONDS, registry=kept
        )
        self._waiting = Gauge("flagpost_outbox_waiting", "Deliveries that wait", named, registry=kept)
        self._oldest = Gauge("flagpost_outbox_oldest_seconds", "Age of the oldest of them", named, registry=kept)
        self._open = Gauge("flagpost_webhook_breaker_open", "1 while a webhook is left alone", named, registry=kept)
        self._paused = Gauge("flagpost_webhook_paused", "1 while it is paused", named, registry=kept)
        self._profiles = Counter(
            "flagpost_profile_cache", "Profiles that people asked for, by hit or miss", ["result"], registry=kept
        )

    def sessions(self, count: int) -> None:
        """How many are logged in now."""
        self._sessions.set(count)

    def unsent(self, most: int) -> None:
        """Bytes that the client with the most of them has not read now; to be told each second."""
        self._unsent_samples.append(most)
        self._unsent.set(max(self._unsent_samples))

    def committed(self, size: int, seconds: float) -> None:
        """A commit is on disk; from any thread."""
        self._commit_size.observe(size)
        self._commit_seconds.observe(seconds)

    def woke(self, late: float) -> None:
        """The watchdog woke, so many seconds late."""
        self._latency.observe(late)

    def attempted(self, webhook: str, outcome: str, seconds: float) -> None:
        """A request to the site ended: with a status, or with what happened instead."""
        self._attempts.labels(webhook, outcome).inc()
        self._seconds.labels(webhook).observe(seconds)

    def profile_looked_up(self, *, hit: bool) -> None:
        """A person asked for a profile; a hit is one that was kept, or that is being asked for already."""
        self._profiles.labels("hit" if hit else "miss").inc()

    def queue(self, webhook: str, depth: Depth, now: int) -> None:
        """How a webhook is doing now; `now` in milliseconds."""
        self._waiting.labels(webhook).set(depth.waiting)
        self._oldest.labels(webhook).set((now - depth.oldest) / 1000 if depth.oldest is not None else 0)
        self.left_alone(webhook, is_open=depth.held is not None and depth.held.until is not None)
        self._paused.labels(webhook).set(depth.held is not None and depth.held.until is None)

    def left_alone(self, webhook: str, *, is_open: bool) -> None:
        """Whether the breaker of a webhook is open now."""
        self._open.labels(webhook).set(is_open)

    def render(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _TrafficCollector(Collector):
    """Makes counters of Traffic; those that stand at zero are there too, so that a rate has its beginning."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[CounterMetricFamily]:
        """See Collector."""
        traffic = self._traffic
        frames = CounterMetricFamily("flagpost_frames_received", "Frames of clients, by action", labels=["action"])
        for kind, action in ACTIONS.items():
            frames.add_metric([action], traffic.frames[kind])
        frames.add_metric(["unknown"], traffic.unknown)
        yield frames
        yield CounterMetricFamily(
            "flagpost_deliveries", "Messages and changes of them that were written to a session", traffic.deliveries
        )
        closed = CounterMetricFamily("flagpost_closed_connections", "Websockets that ended, by code", labels=["code"])
        _add(closed, traffic.closed, CLOSE_CODES)
        yield closed
        refused = CounterMetricFamily(
            "flagpost_refused_requests", "Requests refused unhandled, by status; 0: no answer", labels=["status"]
        )
        _add(refused, traffic.refused, REFUSALS)
        yield refused


def _add(family: CounterMetricFamily, counts: Mapping[int, int], known: Collection[int]) -> None:
    """Add a series for each known number, and one for all others: clients must not be able to make more."""
    for number in known:
        family.add_metric([str(int(number))], counts.get(number, 0))
    family.add_metric(["other"], sum(count for number, count in counts.items() if number not in known))
