"""What one can write behind a slash: each command with what it does."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from server.protocol.frames import MAX_QUERY_CHARS, Frame, Status
from tui.client import slash
from tui.client.client import OFFLINE
from tui.client.completion import COMMAND
from tui.client.own_status import problem_of

if TYPE_CHECKING:
    from tui.fullscreen.app import FlagpostApp
    from tui.fullscreen.roomapp import RoomApp

UNDISTURBED = (
    f"Nobody disturbs you now: direct messages are refused, and nothing rings. {COMMAND}dnd once more ends that."
)
DISTURBED = "You can be disturbed again."
HINT = f"{slash.LITERAL} at the beginning sends a slash."


class Command(Struct, frozen=True):
    """A command by its name; `takes` says what follows it, empty where nothing does."""

    name: str
    takes: str
    help: str
    run: Callable[["FlagpostApp", str], str]
    """Do it with what follows; why it cannot be done, or nothing."""
    action: str = ""
    """The app's action that has to be allowed for it."""

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"{COMMAND}{self.name} {self.takes}".rstrip()

    def is_incomplete(self, rest: str) -> bool:
        """Whether something has to follow, and does not."""
        return bool(self.takes) and not self.takes.startswith("[") and not rest


def run(app: "FlagpostApp", text: str) -> str:
    """Do what a command says; why it cannot be done, or nothing."""
    name, rest = slash.split(text)
    command = next((each for each in allowed(app) if each.name == name.casefold()), None)
    if command is None:
        return f"There is no command {COMMAND}{name}; {COMMAND}help lists them. {HINT}"
    if rest and not command.takes:
        return f"{command.usage} takes nothing behind it."
    if command.is_incomplete(rest):
        return f"Something is missing: {command.usage}"
    return command.run(app, rest)


def allowed(app: "RoomApp") -> Iterator[Command]:
    """The commands that there are in this room."""
    return (each for each in COMMANDS if not each.action or app.check_action(each.action, ()))


def _person(app: "FlagpostApp", rest: str, act: Callable[[str], object]) -> str:
    name, behind = slash.addressed(rest, slash.names(app.state))
    if not name or behind:
        return f"Nobody here is called {rest}."
    if name == app.state.me:
        return "That is you."
    if not app.online:
        return OFFLINE
    act(name)
    app.show()
    return ""


def _join(app: "FlagpostApp", rest: str) -> str:
    wanted = rest.removeprefix("#").strip().casefold()
    channels = [each for each in app.state.timelines.values() if not each.id.startswith("@")]
    found = next((each.id for each in channels if wanted in {each.name.casefold(), each.id.casefold()}), None)
    if found is None:
        return f"There is no channel {rest}; ctrl+k lists them."
    app.look_at(found)
    return ""


def _message(app: "FlagpostApp", rest: str) -> str:
    name, words = slash.addressed(rest, slash.names(app.state))
    if not name:
        return f"Nobody here is called so: {rest}. To write to somebody who is away: {COMMAND}msg and the name alone."
    if name == app.state.me:
        return "That is you."
    if words and (problem := app.say(words, f"@{name}")):
        return problem
    app.look_at(f"@{name}")
    return ""


def _status(app: "FlagpostApp", rest: str) -> str:
    if not rest:
        app.action_my_status()
        return ""
    return set_status(app, rest)


def set_status(app: "FlagpostApp", words: str) -> str:
    """Say how one is; why that cannot be, or nothing."""
    return problem_of(words) or _send(app, Status(words), f'You are "{words}" to the others now.')


def set_dnd(app: "FlagpostApp", _: str = "") -> str:
    """Be disturbed no more, or again; why that cannot be, or nothing."""
    return _send(app, Status(dnd=not app.state.dnd), DISTURBED if app.state.dnd else UNDISTURBED)


def _send(app: "FlagpostApp", frame: Frame, told: str) -> str:
    if app.online:
        app.send(frame)
        # The list of people shows it too, but not in a narrow terminal.
        app.tell(told)
    return "" if app.online else OFFLINE


def _mute(app: "FlagpostApp", rest: str) -> str:
    return _person(app, rest, lambda name: app.send(app.state.toggle_mute(name)))


def _block(app: "FlagpostApp", rest: str) -> str:
    return _person(app, rest, app.block)


def _acting(action: str) -> Callable[["FlagpostApp", str], str]:
    """A command that does what a key does."""

    def run(app: "FlagpostApp", _: str) -> str:
        app.call_later(app.run_action, action)
        return ""

    return run


def _search(app: "FlagpostApp", rest: str) -> str:
    if len(rest) > MAX_QUERY_CHARS:
        return f"The words have {len(rest)} of at most {MAX_QUERY_CHARS} characters; use fewer."
    app.call_later(app.action_search, rest)
    return ""


COMMANDS = (
    Command("join", "channel", "Go to a channel", _join),
    Command("msg", "name [text]", "Write to a person directly", _message),
    Command("status", "[words]", "Say how you are: online, away or a few words", _status),
    Command("dnd", "", "Do not disturb: direct messages are refused, nothing rings; again: disturb", set_dnd),
    Command("mute", "name", "Mute a person, or show again what they say", _mute),
    Command("block", "name", "Block a person: neither sees the other; or take that back", _block),
    Command("search", "[words]", "Search messages", _search),
    Command("mentions", "", "Messages that name you", _acting("mentions")),
    Command("reports", "", "My reports", _acting("my_reports"), "my_reports"),
    Command("settings", "", "Settings", _acting("settings")),
    Command("help", "", "All keys and commands", _acting("help")),
    Command("quit", "", "Quit", _acting("quit")),
)
