"""What can be counted about this server, for Prometheus; nothing of it names a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from server.engine.outbox import Depth

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metrics:
    """One registry; the server has one, each test its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        kept, named = self._registry, ["webhook"]
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
        self._open.labels(webhook).set(depth.held is not None and depth.held.until is not None)
        self._paused.labels(webhook).set(depth.held is not None and depth.held.until is None)

    def render(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
