"""The tone of a notice, common to all interfaces."""

from enum import StrEnum


class Tone(StrEnum):
    """The tone of a notice: neutral, the server's own words, good news or bad news."""

    INFO = "info"
    SAID = "said"
    """A message of ChatServer, in Markdown."""
    GOOD = "good"
    BAD = "bad"
