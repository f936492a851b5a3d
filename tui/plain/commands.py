"""What a typed line asks for; pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from server.protocol.frames import ReportReason

HELP = (
    ("/report N REASON [COMMENT]", "report message N; REASON is its number, its text or one word of it"),
    ("/profile NAME", "what the site says about a person"),
    ("/join CHANNEL", "write in another channel, or to @NAME"),
    ("/who", "who is in the room"),
    ("/msg NAME TEXT", "write to one person"),
    ("/history", "older messages of where you write"),
    ("/help", "this list, and the reasons of reports"),
    ("/quit", "leave, once the server has what you wrote"),
    ("//TEXT", "write text that begins with a slash"),
)


class CommandError(Exception):
    """A command that cannot be followed; the text is one line that says why, and what to do."""


class Text(Struct, frozen=True):
    """Write where one is."""

    text: str


class Command(Struct, frozen=True):
    """A command without its slash, and what stands behind it."""

    name: str
    rest: str


def parse(line: str) -> Text | Command | None:
    """What a line asks for; None for one that is empty. CommandError for an unknown command or one that lacks words."""
    line = line.strip()
    if not line.startswith("/"):
        return Text(line) if line else None
    if line.startswith("//"):
        return Text(line[1:])
    name, _, rest = line[1:].partition(" ")
    command = Command(name, rest.strip())
    usage = next((usage for usage, _ in HELP if usage.split()[0] == f"/{name}"), "")
    if not usage:
        raise CommandError(f"There is no command /{name}. /help lists them; to write a slash first, type //.")
    required = [word for word in usage.split()[1:] if not word.startswith("[")]
    if len(command.rest.split()) < len(required):
        raise CommandError(f"The command is {usage}.")
    return command


def number_and_rest(text: str) -> tuple[int, str]:
    """The number of a message, and what stands behind it."""
    word, _, rest = text.partition(" ")
    number = word.strip("[]")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise CommandError(f"{word} is no number of a message; each message has one in brackets, like [12].")
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
        found = [each for each in reasons if word.casefold() in each.reason.casefold()]
    if len(found) != 1:
        several = "fits several reasons" if found else "is none of the reasons"
        raise CommandError(f"{word} {several}: {numbered(reasons)}.")
    return found[0], comment.strip()


def numbered(reasons: Sequence[ReportReason]) -> str:
    """The reasons with their numbers, in one line."""
    return "; ".join(f"{number} {each.reason}" for number, each in enumerate(reasons, 1))


def name_and_text(text: str, known: Collection[str]) -> tuple[str, str]:
    """The name that a text begins with, which may have spaces if it is known, and the rest; the longest one counts."""
    fitting = [name for name in known if text.startswith(f"{name} ")]
    name = max(fitting, key=len, default=text.partition(" ")[0])
    return name.removeprefix("@"), text[len(name) :].strip()
