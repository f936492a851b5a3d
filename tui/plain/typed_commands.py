"""Parsing of typed lines, as pure functions."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from server.protocol import target
from server.protocol.errors import OneLineError
from server.protocol.frames import ReportReason
from tui.client.slash import addressed, is_command, said
from tui.client.slash_table import DEFINITIONS, OPERATOR_COMMANDS, meant
from tui.text import clean_own

COMMANDS = (
    "join", "msg", "me", "who", "history", "read", "close", "profile", "report", "reports", "withdraw",
    "react", "edit", "delete",
    "status", "dnd", "mute", "unmute", "block", "unblock", *OPERATOR_COMMANDS, "search", "reconnect", "help", "quit",
)  # fmt: skip
"""The commands of line mode, in the order of the help."""

WITHOUT_OPTIONS = frozenset({"msg", "search"})
"""Commands whose optional arguments line mode requires."""

MIN_LETTERS = 3
"""Minimum letters of an abbreviation: shorter ones match too many words."""
_UNDECODED = re.compile("[\udc80-\udcff]")
_WORD = re.compile(r"\w[\w'’]*")


class LineError(OneLineError):
    """A line that cannot be carried out."""


class Text(Struct, frozen=True):
    """Text for the current channel."""

    text: str


class TypedCommand(Struct, frozen=True):
    """A command without its slash, and its arguments."""

    name: str
    rest: str


def usage(name: str) -> str:
    """Return a command with its arguments, optional ones in brackets."""
    shown = DEFINITIONS[name].usage
    return shown.replace("[", "").replace("]", "") if name in WITHOUT_OPTIONS else shown


def parse(line: str) -> Text | TypedCommand | None:
    """Parse a line; None if it is blank. Raises LineError for an unknown command, missing arguments or bad bytes."""
    if not line.strip():
        return None
    if not_utf_8 := _UNDECODED.search(line):
        byte = ord(not_utf_8[0]) & 0xFF
        raise LineError(f"This line is not UTF-8 (byte {byte:02x}), so it was not sent. Convert it to UTF-8: {line}")
    line = clean_own(line)
    if not is_command(line):
        return Text(said(line))
    command = meant(line, COMMANDS)
    if command.problem:
        raise LineError(command.problem)
    return TypedCommand(command.name, command.rest)


def number_and_rest(text: str) -> tuple[int, str]:
    """Split a text into the number at its start and the rest. Raises LineError if it does not start with a number."""
    word, _, rest = text.partition(" ")
    number = word.strip("[]")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise LineError(f"“{word}” is not a number. Messages have one in brackets ([12]), reports in /reports.")
    return int(number), rest.strip()


def reason_and_comment(text: str, reasons: Sequence[ReportReason]) -> tuple[ReportReason, str]:
    """Split a text into reason and comment. A reason is named by its text, its number, or the start of a word in it.

    Raises LineError unless exactly one reason matches.
    """
    for each in reasons:
        if text.casefold().startswith(each.reason.casefold()):
            return each, text[len(each.reason) :].strip()
    word, _, comment = text.partition(" ")
    if word.isascii() and word.isdecimal() and len(word) < 10:
        found = list(reasons)[int(word) - 1 : int(word)] if int(word) else []
    else:
        found = _matching(word.casefold(), reasons)
    if len(found) != 1:
        several = "matches several reasons" if found else "is not one of the reasons"
        raise LineError(f"“{word}” {several}: {numbered(reasons)}.")
    return found[0], comment.strip()


def _matching(word: str, reasons: Sequence[ReportReason]) -> list[ReportReason]:
    """Return the reasons that have a word with this beginning.

    If there is only one, also return those that match without the last letter: "abuse" must not select "child abuse"
    if "abusive" was meant.
    """
    if len(word) < MIN_LETTERS and word.isascii():
        return []
    found = _containing(word, reasons)
    return _containing(word[:-1], reasons) if len(found) == 1 else found


def _containing(beginning: str, reasons: Sequence[ReportReason]) -> list[ReportReason]:
    return [
        each for each in reasons if any(word.startswith(beginning) for word in _WORD.findall(each.reason.casefold()))
    ]


def numbered(reasons: Sequence[ReportReason]) -> str:
    """Return the numbered reasons, in one line."""
    return "; ".join(f"{number} {each.reason}" for number, each in enumerate(reasons, 1))


def name_and_text(text: str, known: Iterable[str]) -> tuple[str, str]:
    """Split a text into the name of a person and the message to them. Raises LineError if there is no message.

    An unknown name is the first word: the server knows earlier visitors, and stores messages for them.
    """
    name, words = addressed(text, known)
    if not name:
        name, _, words = target.without_sign(text.lstrip()).partition(" ")
    if not words.strip():
        raise LineError(f"There is no text after the name “{name}”. Usage: {usage('msg')}")
    return name, words
