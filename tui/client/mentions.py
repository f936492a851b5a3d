"""Messages that name a person."""

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


def mentioning(state: ClientState) -> list[Mention]:
    """Return the loaded messages of others that name the user, the latest first, without those of hidden people."""
    found = [
        Mention(timeline.id, entry)
        for timeline in state.timelines.values()
        for entry in timeline.entries
        if isinstance(entry, Line) and not entry.mine and state.named(entry.text)
    ]
    return sorted(
        (each for each in found if each.line.author not in state.relations.hidden), key=lambda each: -each.msg_id
    )
