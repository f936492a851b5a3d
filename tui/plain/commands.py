"""What a typed line means; pure."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from server.protocol.frames import ReportReason
from tui.client.slash import addressed, is_command, said, split

HELP = (
    ("/report N REASON [COMMENT]", "report message N; REASON is its number, its text or how a word of it begins"),
    ("/profile NAME", "what the site says about a person"),
    ("/join CHANNEL", "go to another channel, or to @NAME"),
    ("/who", "who is in the room"),
    ("/msg NAME TEXT", "write to one person"),
    ("/history", "older messages of this channel"),
    ("/help", "this list, and the reasons of reports"),
    ("/quit", "leave once the server has what you wrote"),
    ("//TEXT", "write text that begins with a slash"),
)


MIN_LETTERS = 3
"""Fewer of them begin too many words."""
_WORD = re.compile(r"\w[\w'’]*")


class CommandError(Exception):
    """A command that cannot be run; the text is one line that says why, and what to do."""


class Text(Struct, frozen=True):
    """Text for the current channel."""

    text: str


class Command(Struct, frozen=True):
    """A command without its slash, and what stands behind it."""

    name: str
    rest: str


def parse(line: str) -> Text | Command | None:
    """What a line asks for; None for one that is empty. CommandError for an unknown command or one that lacks words."""
    line = line.strip()
    if not is_command(line):
        return Text(said(line)) if line else None
    name, rest = split(line)
    command = Command(name, rest)
    usage = next((usage for usage, _ in HELP if usage.split()[0] == f"/{name}"), "")
    if not usage:
        raise CommandError(f"Unknown command /{name}. See /help. Start with // to send a slash.")
    required = [word for word in usage.split()[1:] if not word.startswith("[")]
    if len(command.rest.split()) < len(required):
        raise CommandError(f"Usage: {usage}")
    return command


def number_and_rest(text: str) -> tuple[int, str]:
    """The number of a message, and what stands behind it."""
    word, _, rest = text.partition(" ")
    number = word.strip("[]")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise CommandError(f"{word} is not a message number. Each message has one in brackets, like [12].")
    return int(number), rest.strip()


def reason_and_comment(text: str, reasons: Sequence[ReportReason]) -> tuple[ReportReason, str]:
    """The reason that a text begins with, as its text, its number from 1 or a word of it; the rest is the comment."""
    for each in reasons:
        if text.casefold().startswith(each.reason.casefold()):
            return each, text[len(each.reason) :].strip()
    word, _, comment = text.partition(" ")
    if word.isascii() and word.isdecimal() and len(word) < 10:
        found = list(reasons)[int(word) - 1 : int(word)] if int(word) else []
    else:
        found = _meant(word.casefold(), reasons)
    if len(found) != 1:
        several = "fits several reasons" if found else "is none of the reasons"
        raise CommandError(f"{word} {several}: {numbered(reasons)}.")
    return found[0], comment.strip()


def _meant(word: str, reasons: Sequence[ReportReason]) -> list[ReportReason]:
    """The reasons that are meant by a word, or by how one begins.

    Where another one's is nearly the same, both: "abuse" must not pass for "child abuse" where "abusive" was meant.
    """
    if len(word) < MIN_LETTERS and word.isascii():
        return []
    found = _having(word, reasons)
    return _having(word[:-1], reasons) if len(found) == 1 else found


def _having(beginning: str, reasons: Sequence[ReportReason]) -> list[ReportReason]:
    return [
        each for each in reasons if any(word.startswith(beginning) for word in _WORD.findall(each.reason.casefold()))
    ]


def numbered(reasons: Sequence[ReportReason]) -> str:
    """The reasons with their numbers, in one line."""
    return "; ".join(f"{number} {each.reason}" for number, each in enumerate(reasons, 1))


def name_and_text(text: str, known: Iterable[str]) -> tuple[str, str]:
    """The name that a text begins with, and what shall be written to that person.

    Of a name that is not known here it is the first word: the server knows who has been there, and keeps it for them.
    """
    name, words = addressed(text, known)
    if not name:
        name, _, words = text.removeprefix("@").partition(" ")
    if not words:
        raise CommandError(f"There is no text after the name {name}. Usage: /msg NAME TEXT")
    return name, words
