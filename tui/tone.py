"""The tone of a notice, common to all interfaces."""

from enum import StrEnum


class Tone(StrEnum):
    """Whether a notice is neutral, the server's own words, good news or bad news."""

    INFO = "info"
    SAID = "said"
    """A message of ChatServer, in Markdown."""
    GOOD = "good"
    BAD = "bad"
