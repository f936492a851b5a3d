"""Emoji to choose from: the common ones, and all others by their names."""

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
    # 20 ms that only whoever looks for one has to wait.
    from emoji import EMOJI_DATA, STATUS

    # Terminals disagree on the width of one with a variation selector, and would shift what stands beside it.
    names = {
        emoji: str(about["en"]).strip(":").replace("_", " ")
        for emoji, about in EMOJI_DATA.items()
        if about["status"] == STATUS["fully_qualified"] and VARIATION not in emoji
    }
    known = COMMON | {emoji: name for emoji, name in names.items() if emoji not in COMMON}
    found = {
        emoji: name
        for emoji, name in known.items()
        if emoji == words.strip() or all(word in f"{name} {names.get(emoji, '')}".casefold() for word in wanted)
    }
    return dict(sorted(found.items(), key=lambda each: len(each[1]))[:MOST_FOUND])
