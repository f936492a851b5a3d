"""Amounts in messages to people."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, whose plural ends in "s": "1 row", "2 rows"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
