"""Rows of the pickers: emoji, links, commands, places, themes and statuses."""

from collections.abc import Sequence

from textual.content import Content
from textual.style import Style

from server.protocol import target
from tui.client.emojis import find
from tui.client.entries import Line
from tui.client.fuzzy import BEGINNING, LETTERS, WITHIN, WORD, rank
from tui.client.own_status import AWAY, ONLINE
from tui.client.state import ClientState
from tui.client.timeline import Timeline
from tui.fullscreen.keys.keymap import Key
from tui.fullscreen.slash_commands import SlashCommand
from tui.fullscreen.widgets.rows import ListRow

MOST_PLACES = 100
DIM = Style(dim=True)
DND = " dnd"
"""The ID of the row for Do not disturb; no status starts with a space."""


def emojis(line: Line, query: str) -> list[ListRow]:
    """Return emoji for a message: those already on it, then the common ones; or those that match the query."""
    under = {each.emoji: each.mine for each in line.reactions}
    names = find(query)
    shown = names if query.strip() else dict.fromkeys(under, "") | names
    return [
        ListRow(emoji, Content.assemble(emoji, "  ", name), Content.styled(_mark(under.get(emoji)), DIM))
        for emoji, name in shown.items()
    ]


def links(addresses: Sequence[str], query: str) -> list[ListRow]:
    """Return the addresses that match the query: all of them if it is empty."""
    return [ListRow(each, Content(each)) for each in addresses if rank(query, each) is not None]


def commands(keys: Sequence[Key], commands: Sequence[SlashCommand], query: str) -> list[ListRow]:
    """Return a row for each key and command, or the best matches. The ID is the key's, or "/" and the command."""
    rows = [ListRow(each.id, Content(each.help), Content.styled(each.now.partition(",")[0], DIM)) for each in keys]
    known = {each.help for each in keys}
    others = [each for each in commands if each.help not in known]
    rows += [ListRow(f"/{each.name}", Content(each.help), Content.styled(each.usage, DIM)) for each in others]
    if not query.strip():
        return rows
    names = [[each.help] for each in keys] + [[each.help, each.name] for each in others]
    ranks = [(_best(query, *each), at) for at, each in enumerate(names)]
    return [rows[at] for order, at in sorted(ranks) if order <= WITHIN]


def _best(query: str, *names: str) -> int:
    """Return the best rank of several names; worse than all ranks if none matches."""
    return min((order for name in names if (order := rank(query, name)) is not None), default=LETTERS + 1)


def places(state: ClientState, query: str) -> list[ListRow]:
    """Return channels, conversations and people: unread ones first, or the best matches if there is a query."""
    known = sorted(state.timelines.values(), key=lambda each: not each.unread)
    names = {each.id: _name(each) for each in known if query or each.id != state.current}
    others = sorted(state.people.keys() - state.relations.hidden - {state.me}, key=str.casefold)
    names |= {place: name for name in others if (place := target.conversation(name)) not in state.timelines}
    ranks = {place: rank(query, name) for place, name in names.items()}
    found = sorted((order, place) for place, order in ranks.items() if order is not None) if query.strip() else ()
    chosen = [place for _, place in found] if query.strip() else list(names)
    return [_place(state, place, names[place]) for place in chosen[:MOST_PLACES]]


def themes(names: Sequence[str], current: str, query: str) -> list[ListRow]:
    """Return the themes that match the query, the current one first."""
    ordered = sorted(names, key=lambda each: each != current)
    found = [each for each in ordered if not query.strip() or rank(query, each) is not None]
    return [ListRow(each, Content(each), Content("now" if each == current else "")) for each in found]


def statuses(state: ClientState, query: str) -> list[ListRow]:
    """Return statuses: online and away, Do not disturb, and the query itself."""
    own = state.people.get(state.me)
    rows = [
        ListRow(words, Content(words), Content.styled("now ✓" if own and own.status == words else meaning, DIM))
        for words, meaning in {ONLINE: "available", AWAY: "not at the keyboard"}.items()
        if _begins(query, words)
    ]
    disturb = "Turn off Do not disturb" if state.dnd else "Do not disturb"
    if _begins(query, disturb):
        rows.append(
            ListRow(
                DND,
                Content(disturb),
                Content.styled("no direct messages, no notifications" if not state.dnd else "currently on", DIM),
            )
        )
    words = query.strip()
    own_words = (
        [ListRow(words, Content(words), Content.styled("your status", DIM))] if words not in {"", ONLINE, AWAY} else []
    )
    return [*rows, *own_words]


def _begins(query: str, name: str) -> bool:
    """Return whether a query starts a name or a word in it; a looser match may be meant as a status."""
    return rank(query, name) in {BEGINNING, WORD}


def _place(state: ClientState, place: str, name: str) -> ListRow:
    unread = state.timelines[place].unread if place in state.timelines else 0
    sign, kind = ("@ ", "direct") if target.is_conversation(place) else ("# ", "channel")
    return ListRow(place, Content(sign + name), Content.styled(f"{unread} unread" if unread else kind, DIM))


def _name(timeline: Timeline) -> str:
    return timeline.name if timeline.peer is None else timeline.peer


def _mark(mine: bool | None) -> str:  # noqa: FBT001 - None is the third answer
    return "" if mine is None else "yours ✓" if mine else "added"
