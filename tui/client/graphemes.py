"""Boundaries of characters as people see them: an emoji or an accented letter can be several code points."""

JOINERS = frozenset("\u200c\u200d")
DIRECTIONS = frozenset("\u061c\u200e\u200f\u2066\u2067\u2068\u2069")


def before(text: str, at: int) -> int:
    """Return where the character before a position begins; 0 at the beginning."""
    # Imported late: only moving and deleting need it.
    from wcwidth import grapheme_boundary_before

    return grapheme_boundary_before(text, at) if at > 0 else 0


def after(text: str, at: int) -> int:
    """Return where the character after a position ends; the length of the text at the end."""
    from wcwidth import iter_graphemes

    return at + len(next(iter_graphemes(text[at:]), ""))


def is_text(character: str | None) -> bool:
    """Return whether a typed character is text although Python calls it unprintable."""
    return bool(character) and character in JOINERS | DIRECTIONS
