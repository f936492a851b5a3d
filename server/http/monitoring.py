"""Health, metrics and statistics, for supervisors, load balancers, Prometheus and the site."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.http import api
from server.http.api_types import Statistics
from server.http.health import Health
from server.rules.requests import RefusedRequest

NOT_READY = "not ready"
CLOSED = "Metrics are for programs on this machine, and for those that send AdminAPIKey (Authorization: Bearer KEY)."

Measure = Callable[[], Awaitable[bytes]]
"""Returns the current metrics in Prometheus' text format."""
Trust = Callable[[Request], bool]
"""Returns whether the response to a request may contain names and details. Raises RefusedRequest."""


class Monitoring:
    """Handlers of the monitoring routes. Untrusted clients learn only the health and the number of people."""

    def __init__(
        self,
        health: Health,
        measure: Measure,
        names: Callable[[], Sequence[str]],
        trusts: Trust,
        readers: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`names` returns the names in the room, `readers` the origins of pages that may read their number."""
        self._health = health
        self._measure = measure
        self._names = names
        self._trusts = trusts
        self._readers = readers

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route("/api/statistics", self._statistics, methods=api.METHODS),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return _health_response(self._health.liveness())

    async def _readyz(self, request: Request) -> Response:
        fault = await self._health.readiness()
        return _health_response(NOT_READY if fault and not self._trusts(request) else fault)

    async def _metrics(self, request: Request) -> Response:
        if not self._trusts(request):
            raise RefusedRequest(HTTPStatus.FORBIDDEN, CLOSED)
        return Response(await self._measure(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _statistics(self, request: Request) -> Response:
        people = self._names()
        # Sites written for BareRTC read the count without a key. Names are only for trusted clients.
        answer = api.response(Statistics(len(people), list(people) if self._trusts(request) else []))
        answer.headers["Vary"] = "Origin"
        if (origin := request.headers.get("origin", "")) in self._readers():
            answer.headers["Access-Control-Allow-Origin"] = origin
        return answer


def _health_response(fault: str | None) -> Response:
    """Answer a health check with "ok", or with the problem and status 503."""
    return PlainTextResponse(f"{fault or 'ok'}\n", HTTPStatus.SERVICE_UNAVAILABLE if fault else HTTPStatus.OK)
