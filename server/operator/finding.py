"""The result of one of the doctor's checks."""

from enum import Enum
from typing import NamedTuple

from server.protocol.characters import in_one_line


class Grade(Enum):
    """The severity of a finding."""

    GOOD = "✓"
    WARNING = "!"
    BAD = "✗"


class Finding(NamedTuple):
    """A result, printed as one line."""

    grade: Grade
    text: str

    def __str__(self) -> str:
        return f"{self.grade.value} {in_one_line(self.text)}"
