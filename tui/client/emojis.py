"""Emoji to choose from: the common ones, and all others by their names."""

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
    """Emoji and their names: those with every word in the name, the shortest names first; without words the common."""
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
    """Emoji of which a name begins so, like `:thumbs_up:`: the common ones first, then by the shortest such name."""
    begun = begun.rstrip(":").replace("_", " ").casefold()
    found = []
    for emoji, (official, *others) in _names().items():
        lengths = [len(name) for name in (COMMON.get(emoji, ""), official, *others) if name.startswith(begun)]
        if lengths:
            found.append((emoji not in COMMON, min(lengths), not official.startswith(begun), emoji))
    return [emoji for *_, emoji in sorted(found)[:MOST_FOUND]] if begun else []


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Every emoji with its names in small letters, the official one first."""
    # 20 ms that only whoever looks for one has to wait.
    from emoji import EMOJI_DATA, STATUS

    # Terminals disagree on the width of one with a variation selector, and would shift what stands beside it.
    return {
        emoji: tuple(_plain(str(name)) for name in (about["en"], *about.get("alias", ())))
        for emoji, about in EMOJI_DATA.items()
        if about["status"] == STATUS["fully_qualified"] and VARIATION not in emoji
    }


def _plain(name: str) -> str:
    return name.strip(":").replace("_", " ").casefold()
