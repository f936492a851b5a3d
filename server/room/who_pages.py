"""The who list as frames. A frame is encoded again only after one of its entries has changed."""

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec.structs import asdict, replace

from server.protocol.frames import Who, WhoEntry, WholeWhoEntry
from server.room.present import Present
from server.room.session import framed
from server.rules.visibility import View, entry_for

PAGE = 200
"""Maximum number of people in a frame of the who list."""
PAGE_BYTES = 64 * 1024
"""Size of links and other texts at which a frame is full."""
WHOLE_BYTES = 384 * 1024
"""Maximum size of a whole list with links: below what a client may have unread at any time."""


class WhoPages:
    """The entries of everyone in the room. A person stays on their page, so that the other pages stay encoded."""

    def __init__(self) -> None:
        self._pages: list[_Page] = []
        self._page_of: dict[Present, _Page] = {}

    def set(self, present: Present, entry: WhoEntry) -> None:
        """Add a person, or replace their entry."""
        page = self._page_of.get(present) or self._page_with_space()
        self._page_of[present] = page
        page.size += _size(entry) - _size(page.entries.get(present))
        page.entries[present] = entry
        page.wire = None

    def remove(self, present: Present) -> None:
        """Remove a person, if they are in the list."""
        page = self._page_of.pop(present, None)
        if page is None:
            return
        page.size -= _size(page.entries.pop(present))
        page.wire = None
        if not page.entries:
            self._pages.remove(page)

    def whole(self, hidden: Collection[str] = ()) -> bytes:
        """Return the list as one frame with all fields, for clients of BareRTC, which do not know the defaults.

        Links are omitted from a list that would be larger than WHOLE_BYTES.
        """
        entries = self._entries(hidden)
        wire = framed(Who([WholeWhoEntry(**asdict(entry)) for entry in entries]))
        if len(wire) <= WHOLE_BYTES:
            return wire
        return framed(Who([WholeWhoEntry(**asdict(replace(each, avatar="", profile_url=""))) for each in entries]))

    def wires(self, hidden: Collection[str] = ()) -> list[bytes]:
        """Return the who list without the hidden identities, as frames."""
        if hidden:
            return _encoded(self._entries(hidden))
        last = self._pages[-1:]
        return [page.encoded(more=page not in last) for page in self._pages]

    def _page_with_space(self) -> "_Page":
        for page in self._pages:
            if len(page.entries) < PAGE and page.size < PAGE_BYTES:
                return page
        self._pages.append(_Page())
        return self._pages[-1]

    def _entries(self, hidden: Collection[str]) -> list[WhoEntry]:
        return [
            entry
            for page in self._pages
            for present, entry in page.entries.items()
            if present.logged_in_person.identity not in hidden
        ]


class WhoLists:
    """The who list in each view. A view is built when a session first needs it."""

    def __init__(self) -> None:
        self._pages: dict[View, WhoPages] = {}

    def set(self, present: Present, entry: WhoEntry) -> None:
        """Add a person, or replace their entry."""
        for view, pages in self._pages.items():
            _set_seen(pages, view, present, entry)

    def remove(self, present: Present) -> None:
        for pages in self._pages.values():
            pages.remove(present)

    def seen_in(self, view: View, everyone: Callable[[], Iterable[Present]]) -> WhoPages:
        """Return the list in a view; `everyone` returns the people in the room."""
        if view not in self._pages:
            self._pages[view] = WhoPages()
            for each in everyone():
                _set_seen(self._pages[view], view, each, each.who_entry(each.logged_in_person))
        return self._pages[view]


def _set_seen(pages: WhoPages, view: View, present: Present, entry: WhoEntry) -> None:
    if seen := entry_for(view, entry):
        pages.set(present, seen)
    else:
        pages.remove(present)


class _Page:
    """The entries of one frame."""

    def __init__(self) -> None:
        self.entries: dict[Present, WhoEntry] = {}
        self.size = 0
        """Bytes of the optional texts in the entries."""
        self.wire: bytes | None = None
        """The encoded frame; None if the entries have changed since."""
        self._more = False

    def encoded(self, *, more: bool) -> bytes:
        """Return the frame; `more` says that another one follows."""
        if self.wire is None or self._more != more:
            self.wire, self._more = framed(Who([*self.entries.values()], more)), more
        return self.wire


def _size(entry: WhoEntry | None) -> int:
    if entry is None:
        return 0
    texts = entry.nickname, entry.avatar, entry.profile_url, entry.emoji, entry.gender
    return sum(len(text.encode(errors="replace")) for text in texts if text)


def _encoded(people: Sequence[WhoEntry]) -> list[bytes]:
    starts, size = [0], 0
    for at, entry in enumerate(people):
        if at - starts[-1] == PAGE or size >= PAGE_BYTES:
            starts.append(at)
            size = 0
        size += _size(entry)
    ends = [*starts[1:], len(people)]
    return [framed(Who([*people[start:end]], end < len(people))) for start, end in zip(starts, ends, strict=True)]
