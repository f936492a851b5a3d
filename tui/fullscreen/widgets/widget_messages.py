"""Messages that widgets post, and their base classes. Not dataclasses: each delays the first frame by 0.5 ms."""

from textual.message import Message

from tui.client.timeline import Line


class BackToWriting(Message):
    """The user leaves a widget to write."""


class AboutLine(Message):
    """Base of messages that request an action on a message in the room."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line


class AboutPerson(Message):
    """Base of messages that request an action on a person."""

    def __init__(self, username: str) -> None:
        super().__init__()
        self.username = username


class AboutPlace(Message):
    """Base of messages about a channel or conversation, by its ID."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class AboutText(Message):
    """Base of messages that request an action on a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class AboutDraft(AboutText):
    """Base of messages that request an action on a text written for a channel or conversation."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text)
        self.place = place
