"""The syntax of operators' commands; `handlers.operators` executes them."""

import re
import shlex
from typing import NamedTuple

from server.protocol.characters import UNSEEN, ZERO, ZERO_NAME
from server.protocol.target import without_sign

SIGN = "/"
DEFAULT_HOURS = 24
MAX_HOURS = 10 * 365 * 24
_LEAD = re.compile(rf"(?:\s|{UNSEEN.pattern})*")


class CommandUsage(NamedTuple):
    """A command in the help; `takes` names its arguments, optional ones in brackets."""

    name: str
    takes: str
    help: str
    advanced: bool = False

    @property
    def line(self) -> str:
        return f"`{SIGN}{f'{self.name} {self.takes}'.strip()}` {self.help}"


USAGES = {
    usage.name: usage
    for usage in (
        CommandUsage("kick", "NAME", "to remove someone from the room"),
        CommandUsage("ban", "NAME [HOURS]", f"to keep someone out, for {DEFAULT_HOURS} hours unless you say otherwise"),
        CommandUsage("unban", "NAME", "to lift a ban"),
        CommandUsage("bans", "", "to list who is banned"),
        CommandUsage(
            "unmute-all", "", "to lift all your mutes and, unless users can block operators, all blocks of you"
        ),
        CommandUsage("nsfw", "NAME", "has no effect: there are no webcams here"),
        CommandUsage("cut", "NAME", "has no effect: there are no webcams here"),
        CommandUsage("help", "", "to list the commands"),
        CommandUsage("help-advanced", "", "to list the dangerous commands"),
        CommandUsage("op", "NAME", "to make someone an operator until they log in again", advanced=True),
        CommandUsage("deop", "NAME", "to revoke an operator's rights until they log in again", advanced=True),
        CommandUsage("kickall", "", "to disconnect everyone; their clients log in again", advanced=True),
        CommandUsage("reconfigure", "", "to reload the server's settings", advanced=True),
        CommandUsage("shutdown", "", "to stop the server", advanced=True),
    )
}


class BadCommand(NamedTuple):
    """A text that looks like a command but is not valid; it is not sent to the room."""

    problem: str


class OperatorCommand(NamedTuple):
    """A command with its arguments, without quotation marks."""

    name: str
    words: tuple[str, ...]

    @property
    def person(self) -> str:
        """The argument as the name of a person, which can contain spaces."""
        return without_sign(" ".join(self.words)).strip()


class BanRequest(NamedTuple):
    """The name to ban, and the duration."""

    name: str
    hours: int


def is_command(text: str) -> bool:
    """Return whether a text begins with one slash, after any invisible characters. Two slashes escape one."""
    typed = _typed(text)
    return typed.startswith(SIGN) and not typed.startswith(SIGN + SIGN)


def parse(text: str) -> OperatorCommand | BadCommand:
    """Return the command that an operator typed, or a BadCommand that says what is wrong with it."""
    if ZERO in text:
        return BadCommand(f"The command contains {ZERO_NAME}, so nothing was done. Remove it.")
    try:
        name, *words = _words(_typed(text).rstrip().removeprefix(SIGN))
    except ValueError:
        return BadCommand("A quotation mark is not closed, so nothing was done. Close it, or leave it out.")
    usage = USAGES.get(name.casefold())
    if usage is None:
        return BadCommand(
            f"There is no command {SIGN}{name}, and nothing was sent to the room. See {SIGN}help. Start with"
            f" {SIGN}{SIGN} to send a slash."
        )
    required = bool(usage.takes)
    command = OperatorCommand(usage.name, tuple(words))
    if required != bool(words) or (required and not command.person):
        return BadCommand(
            f"Usage: {usage.line}." + (" Names with spaces can be in quotation marks." if required else "")
        )
    return command


def ban_of(command: OperatorCommand, *, is_known: bool) -> BanRequest | BadCommand:
    """Return the requested ban; `is_known`: the whole argument is the name of someone who has been here."""
    *names, last = command.words
    if is_known or not names:
        return BanRequest(command.person, DEFAULT_HOURS)
    name = without_sign(names[0]).strip()
    if len(names) > 1 or not name or not _is_hours(last):
        return BadCommand(
            f"Nobody was banned. Usage: {USAGES['ban'].line}. HOURS is a number from 1 to {MAX_HOURS}; put a name with"
            " spaces in quotation marks."
        )
    return BanRequest(name, int(last))


def _is_hours(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MAX_HOURS


def listing(*, advanced: bool) -> str:
    """Return the help: the usual commands, or the dangerous ones."""
    title = "Use these with care" if advanced else "The commands of operators"
    lines = [f"- {usage.line}" for usage in USAGES.values() if usage.advanced == advanced]
    return "\n".join([f"{title}:", *lines])


def _typed(text: str) -> str:
    """Return the text from its first visible character; pasted text can begin with invisible ones."""
    return _LEAD.sub("", text, count=1)


def _words(text: str) -> list[str]:
    # Not shlex.split: an apostrophe is part of a name.
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.commenters, lexer.escape = True, '"', "", ""
    return list(lexer) or [""]
