"""Loading messages: which page to request for what is missing, and what its answer covers."""

from collections.abc import Callable
from itertools import islice

from server.protocol.frames import MAX_PAGE, History, HistoryRequest
from tui.client.coverage import BEGINNING, END, Hole
from tui.client.timeline import Timeline

PAGE = 50
"""Messages loaded at a time."""
FEW = 25
"""If fewer messages than this are loaded at the end of a timeline, opening it requests more."""
CONTEXT = 20
"""Messages loaded before the one that the user jumps to."""

Nonces = Callable[[], str]
"""Returns a new nonce with each call."""


def ask(timeline: Timeline, hole: Hole, nonce: str, *, forward: bool = False) -> HistoryRequest | None:
    """Request the last missing messages of a hole, or (forward) the first ones; None if that is pending already."""
    before = int(hole.high) if hole.high < END else 0
    after = int(hole.low) if forward and hole.low > BEGINNING else None
    return _request(timeline, HistoryRequest(timeline.id, nonce, before, PAGE, after))


def ask_newest(timeline: Timeline, nonces: Nonces) -> list[HistoryRequest]:
    """Request the end of a timeline, if less than a screen of it is loaded."""
    holes = [*timeline.covered.holes()]
    if not holes or timeline.refused:
        return []
    last = holes[-1]
    loaded = timeline.after(int(last.low)) if last.low > BEGINNING else timeline.entries
    few = sum(1 for _ in islice(loaded, FEW)) < FEW
    request = ask(timeline, last, nonces()) if few or last.high == END else None
    return [request] if request else []


def ask_around(timeline: Timeline, msg_id: int, nonces: Nonces, *, both: bool) -> list[HistoryRequest]:
    """Request a message and those before it; if `both`, also those after it."""
    before = HistoryRequest(timeline.id, nonces(), msg_id + 1, CONTEXT)
    after = HistoryRequest(timeline.id, nonces(), 0, MAX_PAGE - CONTEXT, msg_id)
    wanted = [(before, msg_id), *([(after, msg_id + 1)] if both else [])]
    return [each for each, number in wanted if not timeline.covered.holds(number) and _request(timeline, each)]


def answer(timeline: Timeline, frame: History) -> HistoryRequest | None:
    """Record what an answer covers; return its request, if this client sent it."""
    request = timeline.requests.pop(frame.nonce, None)
    if request is None:
        return None
    numbers = [each.msg_id for each in frame.messages]
    high = request.before_id - 1 if request.before_id else END
    if request.after_id is not None:
        timeline.cover(request.after_id + 1, max(numbers) if frame.more and numbers else high)
    else:
        timeline.cover(min(numbers) if frame.more and numbers else BEGINNING, high)
    return request


def fail(timeline: Timeline, nonce: str) -> HistoryRequest | None:
    """Record that the server refused a request; return the request, or None if it is not one of this timeline."""
    request = timeline.requests.pop(nonce, None)
    timeline.refused = timeline.refused or request is not None
    return request


def _request(timeline: Timeline, request: HistoryRequest) -> HistoryRequest | None:
    bounds = request.before_id, request.after_id
    if any((each.before_id, each.after_id) == bounds for each in timeline.requests.values()):
        return None
    timeline.requests[request.nonce] = request
    return request
