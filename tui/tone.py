"""How a notice is meant, whichever face shows it."""

from enum import StrEnum


class Tone(StrEnum):
    """How a notice is meant."""

    INFO = "info"
    SAID = "said"
    """By ChatServer, in Markdown."""
    GOOD = "good"
    BAD = "bad"
