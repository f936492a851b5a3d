"""What widgets post about somebody or something; plain classes, as a dataclass takes 0.5 ms of the first frame."""

from textual.message import Message

from tui.core.timeline import Line


class AboutLine(Message):
    """Something is wanted of a message in the room."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line


class AboutPerson(Message):
    """Something is wanted of a person."""

    def __init__(self, username: str) -> None:
        super().__init__()
        self.username = username
