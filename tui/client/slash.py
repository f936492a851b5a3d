"""Lines that begin with a slash: command or text, and the addressee."""

from collections.abc import Iterable

from server.protocol import target
from tui.client.completion import COMMAND
from tui.client.state import ClientState

LITERAL = COMMAND * 2
"""At the beginning of a text it stands for a single slash."""


def is_command(text: str) -> bool:
    """Return whether a text is a command to the client."""
    return text.startswith(COMMAND) and not text.startswith(LITERAL)


def said(text: str) -> str:
    """Return the message to send for a text that is not a command."""
    return text.removeprefix(COMMAND) if text.startswith(LITERAL) else text


def split(text: str) -> tuple[str, str]:
    """Return the name of a command, and its arguments."""
    name, _, rest = text.strip().removeprefix(COMMAND).replace("\n", " ").partition(" ")
    return name, rest.strip()


def addressed(rest: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the name at the start of a text, as written there, and the rest; the name is empty if none is known.

    Names may contain spaces: the longest match counts. A name alone may be unknown, since the person may be away.
    """
    rest = target.without_sign(rest)
    for name in sorted(names, key=len, reverse=True):
        begun, behind = rest[: len(name)], rest[len(name) :]
        if begun.casefold() == name.casefold() and (not behind or behind[0].isspace()):
            return name, behind.strip()
    return (rest, "") if rest and not any(map(str.isspace, rest)) else ("", rest)


def names(state: ClientState) -> set[str]:
    """Return the names of all people whom this client knows of."""
    peers = (each.peer for each in state.timelines.values())
    return {*state.people, *state.relations.hidden, *(peer for peer in peers if peer is not None)}
