"""Parsing of lines that may begin with a slash: command or text, and the addressee."""

import re
from collections.abc import Iterable
from itertools import islice

from server.protocol import target
from server.protocol.name_text import MAX_NAME_CHARS
from server.protocol.names import key
from tui.client.completion import COMMAND
from tui.client.state import ClientState

LITERAL = COMMAND * 2
"""Represents a single slash at the beginning of a text."""


def is_command(text: str) -> bool:
    """Return whether a text is a command to the client."""
    return text.startswith(COMMAND) and not text.startswith(LITERAL)


def said(text: str) -> str:
    """Return the message to send for a text that is not a command."""
    return text.removeprefix(COMMAND) if text.startswith(LITERAL) else text


def action(name: str, text: str) -> str:
    """Return the message of /me: "* ada waves", which reads well in every client."""
    return f"* {name} {text}"


def split(text: str) -> tuple[str, str]:
    """Return the name of a command, and its arguments as typed."""
    name, *rest = re.split(r"\s", text.removeprefix(COMMAND), maxsplit=1)
    return name, "".join(rest)


def addressed(rest: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the name at the start of a text in its known spelling, and the rest as typed; no name if none is known.

    Names may contain spaces: the longest match counts. A name alone may be unknown, since the person may be away.
    """
    known = {key(name): name for name in names}
    rest = target.without_sign(rest.lstrip())
    words = [word.end() for word in islice(re.finditer(r"\S+", rest), MAX_NAME_CHARS)]
    for end in reversed(words):
        if name := known.get(key(rest[:end])):
            return name, rest[end + 1 :]
    return (rest.rstrip(), "") if len(words) == 1 else ("", rest)


def names(state: ClientState) -> set[str]:
    """Return the names of all people this client knows."""
    peers = (each.peer for each in state.timelines.values())
    return {*state.people, *state.relations.hidden, *(peer for peer in peers if peer is not None)}
