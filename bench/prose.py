"""English text for messages, because indexing costs too little if all messages are alike."""

import re
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "docs" / "explanation"
WORD = re.compile("[a-z]+")
STEP = 7
"""Words between the beginnings of two messages; they repeat after all the text."""


def prose() -> str:
    """Return the words of our own documentation in lower case, which folding for the search leaves unchanged."""
    texts = (file.read_text(encoding="utf-8").lower() for file in sorted(SOURCES.glob("*.md")))
    return " ".join(word for text in texts for word in WORD.findall(text))


def messages(count: int, chars: int) -> list[str]:
    """Return messages of at most this many characters, each from a different place of the text."""
    words = prose().split()
    several = words + words[: 2 * chars]
    starts = (number * STEP % len(words) for number in range(count))
    return [_message(several[start : start + chars], chars) for start in starts]


def _message(words: list[str], chars: int) -> str:
    return " ".join(words)[:chars].strip()
