"""The room's side of slash commands and the command palette."""

from functools import partial

from textual.screen import Screen

from tui.client import slash
from tui.client.client import Client
from tui.config import Level
from tui.fullscreen import pickers, slash_commands
from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.room.interface import RoomHost, RoomInterface
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.room.reading import Attention
from tui.fullscreen.room.writing import Writing

DEFAULT_LEVEL = "default"


class RoomCommands:
    """Implements `slash_commands.CommandRoom` with the subjects of the room."""

    def __init__(
        self,
        screen: Screen[None],
        room: RoomInterface,
        *,
        navigation: Navigation,
        writing: Writing,
        people: PeopleActions,
        attention: Attention,
        host: RoomHost,
    ) -> None:
        self._screen, self._room = screen, room
        self._navigation, self._writing, self._people = navigation, writing, people
        self._attention, self._host = attention, host

    @property
    def client(self) -> Client:
        return self._room.client

    def look_at(self, place: str) -> None:
        self._navigation.look_at(place)

    def say(self, text: str, place: str) -> str | None:
        return self._writing.say(text, place)

    def choose_status(self) -> None:
        self._people.choose_status()

    def set_status(self, words: str) -> str | None:
        return self._people.set_status(words)

    def toggle_dnd(self) -> str | None:
        return self._people.toggle_dnd()

    def mute(self, username: str) -> None:
        self._people.mute(username)

    def block(self, username: str) -> None:
        self._people.block(username)

    def close(self) -> str | None:
        return self._navigation.close()

    def mark_read(self, *, everywhere: bool) -> None:
        self._navigation.mark_read(everywhere=everywhere)

    def submit(self, text: str, place: str) -> None:
        """Run a command or send a message; if that fails, put the text back into the composer and show why."""
        is_command = slash.is_command(text)
        problem = slash_commands.run(self, text, place) if is_command else self.say(slash.said(text), place)
        if problem:
            self._writing.give_back(text, place, problem)

    def set_notices(self, level: str) -> str | None:
        """Set the notification level of the current place, or show it; return the problem, or None."""
        state = self.client.state
        if level and level not in {*Level, DEFAULT_LEVEL}:
            return f"Unknown level {level}. Choose all, mentions, none or {DEFAULT_LEVEL}."
        if level and (problem := self._host.set_level(state.current, None if level == DEFAULT_LEVEL else Level(level))):
            return problem
        self._room.note(f"Notifications in {state.place}: {self._attention.level(state.current)}.")
        return None

    def search(self, words: str) -> None:
        self._screen.app.call_later(self._room.search, words)

    def connect_elsewhere(self, server: str) -> None:
        self._screen.app.call_later(self._host.connect_elsewhere, server)

    def do(self, action: str) -> None:
        self._screen.app.call_later(self._screen.app.run_action, action, self._screen)

    def may(self, action: str) -> bool:
        return bool(self._screen.check_action(action, ()))

    @property
    def explained(self) -> list[tuple[str, str]]:
        """The usage and the help of each available command."""
        return [(each.usage, each.help) for each in slash_commands.allowed(self)]

    async def pick(self) -> None:
        """Let the user pick a key or a command, and run it. Call it only in a coroutine run by `Dialogs.start`."""
        keys = {each.id: each for each in KEYS if each.in_palette and self.may(each.action.rpartition(".")[2])}
        commands = {f"/{each.name}": each for each in slash_commands.allowed(self)}
        offer = partial(pickers.commands, list(keys.values()), list(commands.values()))
        chosen = await self._room.dialogs.choose("Find a command", offer)
        if chosen in keys:
            self.do(keys[chosen].action)
        elif chosen and commands[chosen].takes:
            self._room.composer.begin(f"{chosen} ")
            self._room.write()
        elif chosen:
            slash_commands.run(self, chosen, self.client.state.current)
