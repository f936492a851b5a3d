"""Finds emoji by their names, and replaces short names in text."""

import re
from collections.abc import Sequence
from functools import cache

COMMON = {
    "👍": "thumbs up", "👎": "thumbs down", "❤️": "red heart", "😂": "tears of joy", "🎉": "party popper",
    "😮": "open mouth", "😢": "crying", "🙏": "folded hands", "👀": "eyes", "🚀": "rocket",
    "✅": "check mark", "🔥": "fire",
}  # fmt: skip
ALSO = {"😂": "lol", "❤️": "love", "🎉": "yay"}
"""Common names that the emoji library lacks."""
MOST_FOUND = 50
EXACT, BEGINNING, WORD, WITHIN = range(4)

_VARIATIONS = re.compile("[\ufe0e\ufe0f]")
_SHORT_NAME = re.compile(r"(?<![^\s(\[{\"'“‘«]):([a-z0-9_+-]{1,60}):(?![\w:])", re.IGNORECASE)


def find(words: str) -> dict[str, str]:
    """Return matching emoji with their names, the best match first; the common ones if there are no words."""
    wanted, known = _plain(words), _names()
    if not wanted:
        return COMMON
    pasted = known.get(_bare(words.strip()))
    if pasted:
        return {pasted[0]: pasted[1]}
    return {emoji: _names()[_bare(emoji)][1] for emoji in _matching(wanted, WITHIN)}


def named(begun: str) -> Sequence[str]:
    """Return the emoji with a name that has words with these beginnings (`thumbs_up`), in the order of `find`."""
    return _matching(wanted, WORD) if (wanted := _plain(begun)) else []


def replace_short_names(text: str) -> str:
    """Return a text with emoji in place of short names (`:+1:`), except in code and links."""
    if not _SHORT_NAME.search(text):
        return text
    # Imported late: compiling its patterns would delay the first frame.
    from server.protocol.markdown import MAIL, WEB, MessageParser
    from server.protocol.text_blocks import blocks

    parser = MessageParser(WEB + MAIL)
    lines: list[str] = []
    for block in blocks(text):
        if block.fenced:
            lines += [block.opening, *block.lines, *[block.closing] * bool(block.closing)]
            continue
        for line in block.lines:
            depth, parts = 0, ""
            for token in parser.tokens(line):
                if token.tag in {"code", "a"}:
                    depth += 1 if token.opens else -1
                parts += token.text if token.tag or depth else _SHORT_NAME.sub(_emoji, token.text)
            lines.append(parts)
    return "\n".join(lines)


def _matching(wanted: str, worst: int) -> list[str]:
    """Return the emoji with a name of rank `worst` or better, sorted by rank, common ones first, then by length."""
    ranked = []
    for emoji, *names in _names().values():
        ranks = [(_rank(wanted, name), len(name), at) for at, name in enumerate(names)]
        rank, length, at = min(ranks)
        if rank <= worst:
            ranked.append((rank, emoji not in COMMON, length, at, emoji))
    return [emoji for *_, emoji in sorted(ranked)[:MOST_FOUND]]


def _rank(wanted: str, name: str) -> int:
    """Return how well a name matches (lower is better); more than WITHIN if it does not match."""
    if name.startswith(wanted):
        return EXACT if name == wanted else BEGINNING
    spaced = f" {name}"
    words = wanted.split()
    if all(f" {word}" in spaced for word in words):
        return WORD
    return WITHIN if all(word in name for word in words) else WITHIN + 1


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Return every emoji with its names in lower case, the displayed one first; keys have no variation selectors."""
    # Loading takes 20 ms, which only users who look for an emoji should wait for.
    from emoji import EMOJI_DATA, STATUS

    found = {}
    for emoji, about in EMOJI_DATA.items():
        if about["status"] == STATUS["fully_qualified"]:
            names = (COMMON.get(emoji, ""), str(about["en"]), *about.get("alias", ()), ALSO.get(emoji, ""))
            # The library lists :_1: among the names of the thumbs-down emoji.
            found[_bare(emoji)] = (emoji, *dict.fromkeys(_plain(name) for name in names if name.strip(":_1")))
    return found


@cache
def _by_short_name() -> dict[str, str]:
    return {name.replace(" ", "_"): emoji for emoji, *names in reversed(_names().values()) for name in names}


def _emoji(match: re.Match[str]) -> str:
    return _by_short_name().get(match[1].casefold(), match[0])


def _plain(name: str) -> str:
    return " ".join(name.replace(":", " ").replace("_", " ").casefold().split())


def _bare(emoji: str) -> str:
    return _VARIATIONS.sub("", emoji)
