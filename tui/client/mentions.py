"""Messages that name a person."""

import re
from typing import NamedTuple

from tui.client.state import ClientState
from tui.client.timeline import Line


class Mention(NamedTuple):
    """A message that names the user, and its channel or conversation."""

    channel: str
    line: Line

    @property
    def msg_id(self) -> int:
        return self.line.msg_id


def mentions(text: str, name: str) -> bool:
    """Return whether a text names a person: @name anywhere, or the bare name first, as in "name: yes"."""
    known = re.escape(name)
    return bool(name) and re.search(rf"(?<!\w)@{known}(?!\w)|\A\s*{known}[:,]", text, re.IGNORECASE) is not None


def mentioning(state: ClientState) -> list[Mention]:
    """Return the loaded messages of others that name the user, the latest first, without those of hidden people."""
    found = [
        Mention(timeline.id, entry)
        for timeline in state.timelines.values()
        for entry in timeline.entries
        if isinstance(entry, Line) and not entry.mine and mentions(entry.text, state.me)
    ]
    return sorted(
        (each for each in found if each.line.author not in state.relations.hidden), key=lambda each: -each.msg_id
    )
