"""A search on the server: its query, and its results so far."""

from datetime import datetime, timedelta

from msgspec import Struct, field

from server.protocol import frames

LOST = "The connection was lost before the server answered. Try again once you are reconnected."
CONTEXT_CHARS = 24


class SearchState(Struct):
    """Messages that contain every word, the latest first; older ones are requested as the user scrolls."""

    query: str = ""
    found: list[frames.Message] = field(default_factory=list)
    more: bool = False
    searched_to: int = 0
    """The number down to which the server searched; 0 if it searched everything."""
    nonce: str = ""
    """The nonce of the pending request."""
    problem: str | None = None
    mentions: bool = False
    """True if only messages that mention the user are searched."""
    _utc_offset: int = 0

    def ask(self, query: str, nonce: str, now: datetime) -> frames.SearchRequest:
        """Start a search; dates in the query are days in the time zone of `now`."""
        self.query, self.found, self.more, self.nonce, self.problem = query, [], False, nonce, None
        self.searched_to, self._utc_offset = 0, int((now.utcoffset() or timedelta()).total_seconds() // 60)
        return frames.SearchRequest(query, nonce, utc_offset=self._utc_offset, mentions=self.mentions)

    @property
    def unfinished(self) -> bool:
        """Return whether older messages can be searched."""
        return self.more or bool(self.searched_to)

    def ask_more(self, nonce: str) -> frames.SearchRequest | None:
        """Request older results, unless a request is pending or there are no more."""
        if self.nonce or not self.unfinished:
            return None
        self.nonce = nonce
        oldest = self.found[-1].msg_id if self.found else 0
        return frames.SearchRequest(
            self.query,
            nonce,
            before_id=self.searched_to or oldest,
            utc_offset=self._utc_offset,
            mentions=self.mentions,
        )

    def fold(self, frame: frames.SearchResults) -> None:
        """Fold an answer, if it is the expected one."""
        if frame.nonce == self.nonce:
            found = {each.msg_id: each for each in (*frame.messages, *self.found)}
            # A page without new results, or one that leads nowhere, would be requested again and again.
            self.more = frame.more and len(found) > len(self.found)
            ahead = not self.searched_to or frame.searched_to < self.searched_to
            self.searched_to = frame.searched_to if ahead else 0
            self.found = sorted(found.values(), key=lambda each: -each.msg_id)
            self.nonce = ""

    def fail(self, nonce: str, why: str) -> bool:
        """Mark the request with this nonce as failed; return False if there is none."""
        if not nonce or nonce != self.nonce:
            return False
        self.nonce, self.problem = "", why
        return True

    def lost(self) -> None:
        """Drop the pending request: the connection is lost."""
        self.fail(self.nonce, LOST)


def excerpt(text: str, query: str) -> str:
    """Return a message as one line that starts a little before the first match."""
    line = " ".join(text.split())
    places = [
        place for word in query.casefold().replace('"', " ").split() if (place := line.casefold().find(word)) >= 0
    ]
    place = min(places, default=0)
    start = max(0, place - CONTEXT_CHARS)
    # Start at a word, unless that word is the match, or is a long one.
    start = max(start, line.find(" ", start, place) + 1) if start else 0
    return ("…" if start else "") + line[start:]
