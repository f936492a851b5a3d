"""What widgets post about somebody or something; plain classes, as a dataclass takes 0.5 ms of the first frame."""

from textual.message import Message

from tui.client.timeline import Line


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


class AboutPlace(Message):
    """Something is meant for a channel or conversation, by its ID."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class AboutText(Message):
    """Something is wanted of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class AboutDraft(AboutText):
    """Something is wanted of a text that was written for a channel or conversation."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text)
        self.place = place
