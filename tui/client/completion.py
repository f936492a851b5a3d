"""Completion of a name, channel, emoji or command that the user has begun to type."""

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct

COMMAND, EMOJI = "/", ":"
SIGNS = ("@", "#", EMOJI, COMMAND)
FEWEST_LETTERS = 2
"""Minimum letters of an emoji's name: anything shorter is a smiley, or the end of a clause."""


class Completion(Struct, frozen=True):
    """Candidates for the text from `start` on (in characters of the line), in cycling order."""

    start: int
    options: tuple[str, ...]
    at: int = 0

    @property
    def text(self) -> str:
        """Return the current candidate."""
        return f"{self.options[self.at]} "


def complete(
    before: str,
    words: Collection[str],
    last: Completion | None = None,
    emojis: Callable[[str], Sequence[str]] = lambda _: (),
) -> Completion | None:
    """Return the completion of the line up to the cursor; the next candidate if `last` still stands. None: no match.

    `words` begin with one of the signs, as the text to be completed does; `emojis` returns those whose name begins with
    it.
    """
    if last and before[last.start :] == last.text:
        return Completion(last.start, last.options, (last.at + 1) % len(last.options))
    starts = sorted((before.rfind(sign) for sign in SIGNS), reverse=True)
    for start in starts:
        if start < 0 or (start and not before[start - 1].isspace()):
            continue
        options = _options(before[start:], words, emojis)
        if options and (start == 0 or not options[0].startswith(COMMAND)):
            return Completion(start, tuple(options))
    return None


def _options(begun: str, words: Iterable[str], emojis: Callable[[str], Sequence[str]]) -> Sequence[str]:
    if begun.startswith(EMOJI):
        return emojis(begun[1:]) if len(begun) > FEWEST_LETTERS else ()
    return sorted(word for word in words if word.casefold().startswith(begun.casefold()))
