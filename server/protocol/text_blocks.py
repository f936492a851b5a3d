"""Splits a message into text and code between fences. Takes linear time.

Three or more ` at the start of a line are a fence; text without ` may follow them. The lines after it are code, up to a
fence that is at least as long and has no text, or to the end of the message. A fence with several words after it counts
only if it is closed.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_FENCE_MARK = "```"
_FENCE = re.compile(r"\s*+(`{3,}+)\s*+([^`]*+)")


class TextBlock(NamedTuple):
    """Consecutive lines of text, or of code with the fences around them, as typed."""

    fenced: bool
    lines: list[str]
    opening: str = ""
    closing: str = ""

    @property
    def info(self) -> str:
        """The text of the opening fence: usually a language."""
        return self.opening.strip().lstrip("`").strip()


def blocks(text: str) -> list[TextBlock]:
    """Split a text into blocks; their lines and fences, in order, are the lines of the text."""
    lines = text.split("\n")
    if _FENCE_MARK not in text:
        return [TextBlock(fenced=False, lines=lines)]
    fences = [_FENCE.fullmatch(line) for line in lines]
    closers = _closers(fences)
    found, open_length = [TextBlock(fenced=False, lines=[])], 0
    for line, fence, closer in zip(lines, fences, closers, strict=True):
        if open_length and fence and not fence[2] and len(fence[1]) >= open_length:
            found[-1] = found[-1]._replace(closing=line)
            found.append(TextBlock(fenced=False, lines=[]))
            open_length = 0
        elif not open_length and fence and (len(fence[2].split()) <= 1 or closer >= len(fence[1])):
            found.append(TextBlock(fenced=True, lines=[], opening=line))
            open_length = len(fence[1])
        else:
            found[-1].lines.append(line)
    return [block for block in found if block.fenced or block.lines]


def _closers(fences: Sequence[re.Match[str] | None]) -> list[int]:
    """Return for each line the length of the longest closing fence after it."""
    longest, found = 0, []
    for fence in reversed(fences):
        found.append(longest)
        if fence and not fence[2]:
            longest = max(longest, len(fence[1]))
    return found[::-1]
