"""How a line that begins with a slash is read: as a command or as text, and to whom it is addressed."""

from collections.abc import Iterable

from tui.client.completion import COMMAND
from tui.client.state import State

LITERAL = COMMAND * 2
"""At the beginning it stands for a slash."""


def is_command(text: str) -> bool:
    """Whether a text is meant for this client."""
    return text.startswith(COMMAND) and not text.startswith(LITERAL)


def said(text: str) -> str:
    """What is said by a text that is no command."""
    return text.removeprefix(COMMAND) if text.startswith(LITERAL) else text


def split(text: str) -> tuple[str, str]:
    """A command's name, and what follows it."""
    name, _, rest = text.strip().removeprefix(COMMAND).replace("\n", " ").partition(" ")
    return name, rest.strip()


def addressed(rest: str, names: Iterable[str]) -> tuple[str, str]:
    """The name that a text begins with, as it is written here, and what follows it; an empty name if none is known.

    A name may have spaces in it: the longest one counts. A name alone need not be known, as it may be away.
    """
    rest = rest.removeprefix("@")
    for name in sorted(names, key=len, reverse=True):
        begun, behind = rest[: len(name)], rest[len(name) :]
        if begun.casefold() == name.casefold() and (not behind or behind[0].isspace()):
            return name, behind.strip()
    return (rest, "") if rest and not any(map(str.isspace, rest)) else ("", rest)


def names(state: State) -> set[str]:
    """Everyone of whom this client has heard."""
    return {*state.people, *state.relations.hidden, *(each[1:] for each in state.timelines if each.startswith("@"))}
