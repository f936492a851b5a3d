"""The who list as frames, each encoded again only after somebody in it changed."""

from collections.abc import Collection, Sequence

from msgspec.structs import astuple

from server.protocol.frames import Who, WhoEntry, WholeWhoEntry
from server.room.session import Session, framed

PAGE = 200
"""Maximum number of people in a frame of the who list: at most some 70 KiB."""


class WhoPages:
    """The entries of everyone in the room. A session stays on its page, so that the other pages stay encoded."""

    def __init__(self) -> None:
        self._pages: list[_Page] = []
        self._page_of: dict[Session, _Page] = {}

    def set(self, session: Session, entry: WhoEntry) -> None:
        """Add a session, or replace its entry."""
        page = self._page_of.get(session) or self._page_with_space()
        self._page_of[session] = page
        page.entries[session] = entry
        page.wire = None

    def remove(self, session: Session) -> None:
        """Remove a session, if it is listed."""
        page = self._page_of.pop(session, None)
        if page is None:
            return
        del page.entries[session]
        page.wire = None
        if not page.entries:
            self._pages.remove(page)

    def whole(self, hidden: Collection[str] = ()) -> bytes:
        """Return the list as one frame with all fields, for clients of BareRTC, which do not know their defaults."""
        return framed(Who([WholeWhoEntry(*astuple(entry)) for entry in self._entries(hidden)]))

    def wires(self, hidden: Collection[str] = ()) -> list[bytes]:
        """Return the who list without the hidden identities, as frames."""
        if hidden:
            return _encoded(self._entries(hidden))
        last = self._pages[-1:]
        return [page.encoded(more=page not in last) for page in self._pages]

    def _page_with_space(self) -> "_Page":
        for page in self._pages:
            if len(page.entries) < PAGE:
                return page
        self._pages.append(_Page())
        return self._pages[-1]

    def _entries(self, hidden: Collection[str]) -> list[WhoEntry]:
        return [
            entry
            for page in self._pages
            for session, entry in page.entries.items()
            if session.logged_in_person.identity not in hidden
        ]


class _Page:
    """The entries of one frame."""

    def __init__(self) -> None:
        self.entries: dict[Session, WhoEntry] = {}
        self.wire: bytes | None = None
        """The frame; None if the entries have changed."""
        self._more = False

    def encoded(self, *, more: bool) -> bytes:
        """Return the frame; `more`: another one follows."""
        if self.wire is None or self._more != more:
            self.wire, self._more = framed(Who([*self.entries.values()], more)), more
        return self.wire


def _encoded(people: Sequence[WhoEntry]) -> list[bytes]:
    starts = range(0, len(people), PAGE) or (0,)
    return [framed(Who([*people[at : at + PAGE]], at + PAGE < len(people))) for at in starts]
