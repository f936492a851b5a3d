"""Messages that name the user."""

from typing import NamedTuple

from tui.client.entries import Line
from tui.client.named_texts import NamedTexts
from tui.client.state import ClientState


class Mention(NamedTuple):
    """A message that names the user, and its channel or conversation."""

    channel: str
    line: Line

    @property
    def msg_id(self) -> int:
        return self.line.msg_id


def mentioning(state: ClientState, texts: NamedTexts) -> list[Mention]:
    """Return the messages of others that name the user, loaded or found by the server, the latest first.

    Messages of hidden people are left out. `texts` is the cache from the last call.
    """
    named = texts.next_pass(state.names_of_user)
    found = {each.msg_id: Mention(each.channel, state.line_of(each)) for each in state.mention_search.found}
    for timeline in state.timelines.values():
        for entry in timeline.entries:
            if isinstance(entry, Line) and not entry.mine and named(entry.text):
                found[entry.msg_id] = Mention(timeline.id, entry)
    shown = [
        each for each in found.values() if not each.line.taken_back and each.line.author not in state.relations.hidden
    ]
    return sorted(shown, key=lambda each: -each.msg_id)
