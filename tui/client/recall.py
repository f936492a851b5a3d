"""The history of what the user sent in each channel and conversation, to send it again."""

MOST_KEPT = 100


class Recall:
    """Steps through what was sent in one place. The text in the composer counts as the newest, and is not lost."""

    def __init__(self) -> None:
        self._sent: dict[str, list[str]] = {}
        self._place = ""
        self._back = 0
        """Number of steps back from the text in the composer."""
        self._draft = ""

    def add(self, text: str, place: str) -> None:
        """Remember a text that was sent, unless it is the same as the last."""
        sent = self._sent.setdefault(place, [])
        if sent[-1:] != [text]:
            sent.append(text)
            del sent[:-MOST_KEPT]
        self._back = 0

    def step(self, by: int, text: str, place: str) -> str | None:
        """Return the text `by` steps further back, None if there is none; `text` is what the composer holds."""
        sent = self._sent.get(place, [])
        shown = self._draft if self._back == 0 else sent[-self._back] if self._back <= len(sent) else None
        if place != self._place or text != shown:
            # The user switched to another place, or edited a recalled text, which is the newest now.
            self._place, self._back, self._draft = place, 0, text
        back = self._back + by
        if not 0 <= back <= len(sent):
            return None
        self._back = back
        return sent[-back] if back else self._draft
