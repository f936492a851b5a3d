"""The tone of a notice, common to all interfaces."""

from enum import StrEnum


class Tone(StrEnum):
    """The tone of a notice."""

    INFO = "info"
    SAID = "said"
    """From ChatServer, in Markdown."""
    GOOD = "good"
    BAD = "bad"
