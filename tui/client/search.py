"""A search on the server: what was asked, and what was found so far."""

from msgspec import Struct, field

from server.protocol import frames

LOST = "The connection was lost before the server answered."
CONTEXT_CHARS = 24


class Search(Struct):
    """Messages that hold every word, the latest first; older ones are asked for as far as one looks."""

    query: str = ""
    found: list[frames.Message] = field(default_factory=list)
    more: bool = False
    nonce: str = ""
    """Of the request that is under way."""
    problem: str = ""

    def ask(self, query: str, nonce: str) -> frames.SearchRequest:
        """Begin a search."""
        self.query, self.found, self.more, self.nonce, self.problem = query, [], False, nonce, ""
        return frames.SearchRequest(query, nonce)

    def ask_more(self, nonce: str) -> frames.SearchRequest | None:
        """Ask for older ones, unless that is under way or there are none."""
        if self.nonce or not self.more:
            return None
        self.nonce = nonce
        return frames.SearchRequest(self.query, nonce, before_id=self.found[-1].msg_id if self.found else 0)

    def take(self, frame: frames.SearchResults) -> None:
        """Take in an answer, if it is the one that is waited for."""
        if frame.nonce == self.nonce:
            found = {each.msg_id: each for each in (*frame.messages, *self.found)}
            # A page with nothing new would be asked for over and over.
            self.more = frame.more and len(found) > len(self.found)
            self.found = sorted(found.values(), key=lambda each: -each.msg_id)
            self.nonce = ""

    def fail(self, nonce: str, why: str) -> bool:
        """End the request of this nonce; False if there is none."""
        if not nonce or nonce != self.nonce:
            return False
        self.nonce, self.problem = "", why
        return True

    def lost(self) -> None:
        """The connection is gone."""
        self.fail(self.nonce, LOST)


def excerpt(text: str, query: str) -> str:
    """A message in one line, from a little before the first word that was searched for."""
    line = " ".join(text.split())
    places = [place for word in query.casefold().split() if (place := line.casefold().find(word)) >= 0]
    place = min(places, default=0)
    start = max(0, place - CONTEXT_CHARS)
    # Not from within a word, unless it is the one that was found, or a long one.
    start = max(start, line.find(" ", start, place) + 1) if start else 0
    return ("…" if start else "") + line[start:]
