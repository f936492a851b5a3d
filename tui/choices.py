"""What can be chosen from a list, as rows."""

from textual.content import Content
from textual.style import Style

from tui.core.timeline import Line
from tui.emojis import find
from tui.widgets.rows import Row

DIM = Style(dim=True)


def emojis(line: Line, query: str) -> list[Row]:
    """Emoji for a message: those that stand under it first, then the common ones; or what the words say."""
    under = {each.emoji: each.mine for each in line.reactions}
    names = find(query)
    shown = names if query.strip() else dict.fromkeys(under, "") | names
    return [
        Row(emoji, Content.assemble(emoji, "  ", name), Content.styled(_mark(under.get(emoji)), DIM))
        for emoji, name in shown.items()
    ]


def _mark(mine: bool | None) -> str:  # noqa: FBT001 - three answers of one question
    return "" if mine is None else "yours ✓" if mine else "there"
