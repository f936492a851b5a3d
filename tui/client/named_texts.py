"""Remembers which texts name the user, for texts that are searched repeatedly."""

from collections.abc import Callable

from msgspec import Struct, field

from server.protocol.mentions import mentions


class NamedTexts(Struct):
    """Cache of the last pass over the texts; in the next pass, most of them are the same."""

    _words: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict)

    def next_pass(self, words: tuple[str, ...]) -> Callable[[str], bool]:
        """Return a test of whether a text contains one of these words; each text is searched only once."""
        before, now = self._known if words == self._words else {}, dict[str, bool]()
        self._words, self._known = words, now

        def named(text: str) -> bool:
            if text not in now:
                now[text] = before[text] if text in before else mentions(text, words)
            return now[text]

        return named
