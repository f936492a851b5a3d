"""Completes a name, a channel, an emoji or a command that one has begun to write."""

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct

COMMAND, EMOJI = "/", ":"
SIGNS = ("@", "#", EMOJI, COMMAND)
FEWEST_LETTERS = 2
"""Of an emoji's name: what is shorter is a smiley, or the end of a clause."""


class Completion(Struct, frozen=True):
    """What can stand from `start` on, in characters of the line; one after the other."""

    start: int
    options: tuple[str, ...]
    at: int = 0

    @property
    def text(self) -> str:
        """What stands there now."""
        return f"{self.options[self.at]} "


def complete(
    before: str,
    words: Collection[str],
    last: Completion | None = None,
    emojis: Callable[[str], Sequence[str]] = lambda _: (),
) -> Completion | None:
    """What comes for the line up to the cursor; the next one where the last one stands still. None: nothing.

    `words` begin with one of the signs, as what is completed does; `emojis` gives those whose name begins so.
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
