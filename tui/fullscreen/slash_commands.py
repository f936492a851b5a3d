"""Slash commands: how the room runs each, and the protocol by which they use the room."""

from collections.abc import Callable, Container, Iterator
from typing import Protocol

from msgspec import Struct

from server.protocol import target
from server.protocol.frames import MAX_QUERY_CHARS
from server.protocol.names import key
from tui.client import slash
from tui.client.client import OFFLINE, Client
from tui.client.completion import COMMAND
from tui.client.slash_table import DEFINITIONS, OPERATOR_COMMANDS, for_server, meant
from tui.fullscreen.keys.keymap import pressed


class CommandRoom(Protocol):
    """The operations that a command may use. Methods that return a string return the problem, or None."""

    @property
    def client(self) -> Client:
        """The client and its state."""

    def look_at(self, place: str) -> None:
        """Open a channel or conversation, by its ID."""

    def say(self, text: str, place: str) -> str | None:
        """Send a message to a channel or conversation."""

    def choose_status(self) -> None:
        """Let the user choose a status from a list, or type one."""

    def set_status(self, words: str) -> str | None:
        """Set the user's status to these words; empty ones mean online."""

    def toggle_dnd(self) -> str | None:
        """Turn Do not disturb on or off."""

    def mute(self, username: str) -> None:
        """Mute a person, or unmute them."""

    def block(self, username: str) -> None:
        """Block a person after confirmation, or unblock them."""

    def search(self, words: str) -> None:
        """Open the search; with words, start searching at once."""

    def close(self) -> str | None:
        """Close the current conversation."""

    def mark_read(self, *, everywhere: bool) -> None:
        """Mark the current place as read, or all of them."""

    def set_notices(self, level: str) -> str | None:
        """Set which messages of the current place cause notifications; "" shows the current level."""

    def connect_elsewhere(self, server: str) -> None:
        """Ask for another server after the current command; `server` prefills the field."""

    def do(self, action: str) -> None:
        """Run the action of a key after the current command."""

    def may(self, action: str) -> bool:
        """Return whether the action of a key is available now."""


class SlashCommand(Struct, frozen=True):
    """A command defined in `slash_table`, and the function that runs it in the room."""

    name: str
    run: Callable[[CommandRoom, str], str | None] | None
    """Runs the command with its arguments and returns the problem, or None; without it, they are sent as an action."""
    action: str = ""
    """The room's action that must be available for this command; "" if there is none."""

    @property
    def usage(self) -> str:
        """Name and arguments, as shown in the help."""
        return DEFINITIONS[self.name].usage

    @property
    def takes(self) -> str:
        """The arguments, as shown in the help."""
        return DEFINITIONS[self.name].takes

    @property
    def help(self) -> str:
        """A few words about the effect of the command."""
        return DEFINITIONS[self.name].help


def run(room: CommandRoom, text: str, place: str) -> str | None:
    """Run a command that was typed in a channel or conversation; return the problem, or None."""
    commands = {each.name: each for each in allowed(room)}
    typed = meant(text, commands)
    if typed.problem:
        return typed.problem
    command = commands[typed.name]
    if command.run is None:
        return room.say(slash.action(room.client.state.me, typed.rest), place)
    return command.run(room, typed.rest)


def allowed(room: CommandRoom) -> Iterator[SlashCommand]:
    """Return the commands that are available in this room now."""
    state = room.client.state
    return (
        each
        for each in COMMANDS
        if (not each.action or room.may(each.action))
        and (state.is_operator or not DEFINITIONS[each.name].operator)
        and state.abilities.offer_command(each.name)
    )


def _person(
    room: CommandRoom, rest: str, act: Callable[[str], None], among: Container[str] | None = None, status: str = ""
) -> str | None:
    name, behind = slash.addressed(rest, slash.names(room.client.state))
    if not name or behind.strip():
        return f"No one named “{rest}” is here. See /who for the names."
    if name == room.client.state.me:
        return "That's you. Name someone else."
    if among is not None and name not in among:
        return f"“{name}” is not {status}, so there is nothing to undo."
    if not room.client.online:
        return OFFLINE
    act(name)
    return None


def _join(room: CommandRoom, rest: str) -> str | None:
    wanted = key(rest.removeprefix("#"))
    channels = [each for each in room.client.state.timelines.values() if each.peer is None]
    found = next((each.id for each in channels if wanted in {key(each.name), key(each.id)}), None)
    if found is None:
        return f"There is no channel “{rest}”. Press {pressed('everywhere.switch')} for the list."
    room.look_at(found)
    return None


def _message(room: CommandRoom, rest: str) -> str | None:
    name, words = slash.addressed(rest, slash.names(room.client.state))
    if not name:
        how = f"To write to someone who is away, type {COMMAND}msg and only the name."
        return f"No one named “{rest.strip()}” is here. {how}"
    if words.strip() and (problem := room.say(words, target.conversation(name))):
        return problem
    room.look_at(target.conversation(name))
    return None


def _status(room: CommandRoom, rest: str) -> str | None:
    if not rest:
        room.choose_status()
        return None
    return room.set_status(rest)


def _dnd(room: CommandRoom, _: str) -> str | None:
    return room.toggle_dnd()


def _mute(room: CommandRoom, rest: str) -> str | None:
    return _person(room, rest, room.mute)


def _unmute(room: CommandRoom, rest: str) -> str | None:
    return _person(room, rest, room.mute, room.client.state.relations.muted, "muted")


def _unblock(room: CommandRoom, rest: str) -> str | None:
    return _person(room, rest, room.block, room.client.state.relations.blocked, "blocked")


def _block(room: CommandRoom, rest: str) -> str | None:
    return _person(room, rest, room.block)


def _operating(name: str) -> SlashCommand:
    """Return a command that the server carries out and answers with a notice."""

    def run(room: CommandRoom, rest: str) -> str | None:
        if not room.client.online:
            return OFFLINE
        room.client.send(for_server(name, rest))
        return None

    return SlashCommand(name, run)


def _acting(action: str) -> Callable[[CommandRoom, str], str | None]:
    """Return a command function that runs the action of a key."""

    def run(room: CommandRoom, _: str) -> str | None:
        room.do(action)
        return None

    return run


def _close(room: CommandRoom, rest: str) -> str | None:
    if rest:
        state = room.client.state
        place = state.known_as(target.conversation(target.without_sign(rest)))
        if place not in state.timelines:
            return f"There is no conversation with “{rest}”. Check the name."
        room.look_at(place)
    return room.close()


def _read(room: CommandRoom, rest: str) -> str | None:
    if rest.casefold() not in {"", "all"}:
        return f"Usage: {COMMAND}read [all]"
    room.mark_read(everywhere=bool(rest))
    return None


def _notices(room: CommandRoom, rest: str) -> str | None:
    return room.set_notices(rest.casefold())


def _connect(room: CommandRoom, rest: str) -> str | None:
    room.connect_elsewhere(rest)
    return None


def _search(room: CommandRoom, rest: str) -> str | None:
    if len(rest) > MAX_QUERY_CHARS:
        return f"The search has {len(rest)} characters; the limit is {MAX_QUERY_CHARS}. Use fewer words."
    room.search(rest)
    return None


COMMANDS = (
    SlashCommand("join", _join),
    SlashCommand("msg", _message),
    SlashCommand("me", None),
    SlashCommand("who", _acting("people")),
    SlashCommand("close", _close),
    SlashCommand("read", _read),
    SlashCommand("notices", _notices),
    SlashCommand("status", _status),
    SlashCommand("dnd", _dnd),
    SlashCommand("mute", _mute),
    SlashCommand("unmute", _unmute),
    SlashCommand("block", _block),
    SlashCommand("unblock", _unblock),
    *map(_operating, OPERATOR_COMMANDS),
    SlashCommand("search", _search),
    SlashCommand("mentions", _acting("mentions")),
    SlashCommand("reports", _acting("my_reports"), "my_reports"),
    SlashCommand("reconnect", _acting("app.reconnect")),
    SlashCommand("connect", _connect),
    SlashCommand("settings", _acting("app.settings")),
    SlashCommand("help", _acting("app.help")),
    SlashCommand("quit", _acting("app.quit")),
)
