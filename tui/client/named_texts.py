"""Which texts name the user, remembered where the same texts are looked through again and again."""

from collections.abc import Callable

from msgspec import Struct, field

from server.protocol.mentions import mentions


class NamedTexts(Struct):
    """The answers of the last pass through some texts; the next one, at the next message, asks mostly for the same."""

    _words: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict)

    def next_pass(self, words: tuple[str, ...]) -> Callable[[str], bool]:
        """Return a function that tells whether a text contains one of these words; each text is searched only once."""
        before, now = self._known if words == self._words else {}, dict[str, bool]()
        self._words, self._known = words, now

        def named(text: str) -> bool:
            if text not in now:
                now[text] = before[text] if text in before else mentions(text, words)
            return now[text]

        return named
