"""The table of slash commands: their names, arguments and help. Each interface carries out those that it can."""

from collections.abc import Collection

from msgspec import Struct

from server.protocol.frames import Say
from tui.client.completion import COMMAND
from tui.client.slash import LITERAL, split

HINT = f"Start with {LITERAL} to send a slash."


class Definition(Struct, frozen=True):
    """A command; `takes` names its arguments, optional ones in brackets."""

    name: str
    takes: str
    help: str
    verbatim: bool = False
    """True if the arguments are text to send, with all its lines and spaces."""
    operator: bool = False
    """True if the server carries it out, for operators only."""

    @property
    def usage(self) -> str:
        """The command with its arguments, as the help shows it."""
        return f"{COMMAND}{self.name} {self.takes}".rstrip()

    def problem(self, rest: str) -> str | None:
        """Return what is wrong with the arguments, or None."""
        required = sum(not each.startswith("[") for each in self.takes.split())
        if len(rest.split()) < required:
            return f"Usage: {self.usage}"
        return f"{self.usage} takes no arguments." if rest and not self.takes else None


class Meant(Struct, frozen=True):
    """A typed command and its arguments, or why there is none."""

    name: str = ""
    rest: str = ""
    problem: str | None = None


DEFINITIONS = {
    each.name: each
    for each in (
        Definition("join", "CHANNEL", "Go to a channel"),
        Definition("msg", "NAME [TEXT]", "Send a person a direct message", verbatim=True),
        Definition("me", "TEXT", "Describe what you do: * ada waves", verbatim=True),
        Definition("who", "", "Who is here"),
        Definition("history", "", "Older messages of this channel"),
        Definition("read", "[all]", "Mark this channel or conversation as read, or all of them"),
        Definition("close", "[NAME]", "Close this or another conversation until it has a new message"),
        Definition("notices", "[LEVEL]", "Notifications here: all, mentions, none (muted) or default"),
        Definition("profile", "NAME", "The profile of a person"),
        Definition("report", "N REASON [COMMENT]", "Report message N; REASON is the number or a word of a reason"),
        Definition("reports", "", "Your reports and their status"),
        Definition("withdraw", "N", "Withdraw report N of /reports"),
        Definition("react", "N EMOJI", "Add a reaction to message N, or remove it: 👍 or :+1:"),
        Definition("edit", "N TEXT", "Replace the text of your message N", verbatim=True),
        Definition("delete", "N", "Delete your message N"),
        Definition("status", "[WORDS]", "Set your status: online, away or a few words"),
        Definition("dnd", "", "Turn Do not disturb on or off: no direct messages, no notifications"),
        Definition("mute", "NAME", "Mute or unmute a person"),
        Definition("unmute", "NAME", "Unmute a person"),
        Definition("block", "NAME", "Block or unblock a person; while blocked, neither of you sees the other"),
        Definition("unblock", "NAME", "Unblock a person"),
        Definition("kick", "NAME", "Operators: remove a person from the room", operator=True),
        Definition("ban", "NAME [HOURS]", "Operators: ban a person, for 24 hours by default", operator=True),
        Definition("unban", "NAME", "Operators: lift a ban", operator=True),
        Definition("bans", "", "Operators: list bans", operator=True),
        Definition("op", "NAME", "Operators: make a person an operator until they log in again", operator=True),
        Definition("deop", "NAME", "Operators: revoke a person's rights until they log in again", operator=True),
        Definition(
            "unmute-all",
            "",
            "Operators: lift all your mutes and, unless users can block operators, all blocks of you",
            operator=True,
        ),
        Definition("kickall", "", "Operators: disconnect everyone; clients log in again", operator=True),
        Definition("reconfigure", "", "Operators: reload the server's settings", operator=True),
        Definition("shutdown", "", "Operators: shut down the server", operator=True),
        Definition("search", "[WORDS]", "Search messages"),
        Definition("mentions", "", "Mentions of you"),
        Definition("reconnect", "", "Reconnect now"),
        Definition("connect", "[ADDRESS]", "Connect to another server"),
        Definition("settings", "", "Settings: theme, notifications, mouse, name"),
        Definition("help", "", "Show help"),
        Definition("quit", "", "Quit"),
    )
}


OPERATOR_COMMANDS = tuple(each.name for each in DEFINITIONS.values() if each.operator)


def for_server(name: str, rest: str) -> Say:
    """Return an operator's command as it is sent. It has no nonce: after a lost connection it is not repeated."""
    return Say("", f"{COMMAND}{name} {rest}".rstrip())


def meant(text: str, available: Collection[str]) -> Meant:
    """Parse a text as one of the available commands."""
    typed, rest = split(text)
    name = typed.casefold()
    if name not in available:
        return Meant(problem=f"Unknown command {COMMAND}{typed}. See {COMMAND}help. {HINT}")
    definition = DEFINITIONS[name]
    rest = rest if definition.verbatim else rest.strip()
    return Meant(name, rest, definition.problem(rest))
