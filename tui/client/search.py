"""A search on the server: its query, and its results so far."""

from msgspec import Struct, field

from server.protocol import frames

LOST = "The connection was lost before the server answered."
CONTEXT_CHARS = 24


class Search(Struct):
    """Messages that contain every word, the latest first; older ones are requested as the user scrolls."""

    query: str = ""
    found: list[frames.Message] = field(default_factory=list)
    more: bool = False
    nonce: str = ""
    """The nonce of the pending request."""
    problem: str | None = None

    def ask(self, query: str, nonce: str) -> frames.SearchRequest:
        """Start a search."""
        self.query, self.found, self.more, self.nonce, self.problem = query, [], False, nonce, None
        return frames.SearchRequest(query, nonce)

    def ask_more(self, nonce: str) -> frames.SearchRequest | None:
        """Request older results, unless a request is pending or there are no more."""
        if self.nonce or not self.more:
            return None
        self.nonce = nonce
        return frames.SearchRequest(self.query, nonce, before_id=self.found[-1].msg_id if self.found else 0)

    def fold(self, frame: frames.SearchResults) -> None:
        """Fold an answer, if it is the expected one."""
        if frame.nonce == self.nonce:
            found = {each.msg_id: each for each in (*frame.messages, *self.found)}
            # A page without new results would be requested again and again.
            self.more = frame.more and len(found) > len(self.found)
            self.found = sorted(found.values(), key=lambda each: -each.msg_id)
            self.nonce = ""

    def fail(self, nonce: str, why: str) -> bool:
        """End the request of this nonce; return False if there is none."""
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
    places = [place for word in query.casefold().split() if (place := line.casefold().find(word)) >= 0]
    place = min(places, default=0)
    start = max(0, place - CONTEXT_CHARS)
    # Start at a word, unless that word is the match, or is a long one.
    start = max(start, line.find(" ", start, place) + 1) if start else 0
    return ("…" if start else "") + line[start:]
