"""Emoji to choose from: the common ones, and all others by name."""

from collections.abc import Sequence
from functools import cache

COMMON = {
    "👍": "thumbs up", "👎": "thumbs down", "💙": "heart", "😂": "tears of joy", "🎉": "party popper",
    "😮": "open mouth", "😢": "crying", "🙏": "folded hands", "👀": "eyes", "🚀": "rocket",
    "✅": "check mark", "🔥": "fire",
}  # fmt: skip
MOST_FOUND = 50
VARIATION = "\ufe0f"


def find(words: str) -> dict[str, str]:
    """Return emoji and names: those with every word in the name, shortest first; the common ones for no words."""
    wanted = words.replace(":", " ").replace("_", " ").casefold().split()
    if not wanted:
        return COMMON
    names = _names()
    known = COMMON | {emoji: name for emoji, (name, *_) in names.items() if emoji not in COMMON}
    found = {
        emoji: name
        for emoji, name in known.items()
        if emoji == words.strip() or all(word in f"{name} {names.get(emoji, ('',))[0]}".casefold() for word in wanted)
    }
    return dict(sorted(found.items(), key=lambda each: len(each[1]))[:MOST_FOUND])


def named(begun: str) -> Sequence[str]:
    """Return emoji with a name that begins like this (`:thumbs_up:`): the common ones first, then by shortest name."""
    begun = begun.rstrip(":").replace("_", " ").casefold()
    found = []
    for emoji, (official, *others) in _names().items():
        lengths = [len(name) for name in (COMMON.get(emoji, ""), official, *others) if name.startswith(begun)]
        if lengths:
            found.append((emoji not in COMMON, min(lengths), not official.startswith(begun), emoji))
    return [emoji for *_, emoji in sorted(found)[:MOST_FOUND]] if begun else []


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Return every emoji with its names in lower case, the official one first."""
    # Loading takes 20 ms, which only users who look for an emoji should wait for.
    from emoji import EMOJI_DATA, STATUS

    # Terminals disagree on the width of an emoji with a variation selector, which would shift the text beside it.
    return {
        emoji: tuple(_plain(str(name)) for name in (about["en"], *about.get("alias", ())))
        for emoji, about in EMOJI_DATA.items()
        if about["status"] == STATUS["fully_qualified"] and VARIATION not in emoji
    }


def _plain(name: str) -> str:
    return name.strip(":").replace("_", " ").casefold()
