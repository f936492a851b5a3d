"""What keys and commands do in the room."""

from collections.abc import Callable
from functools import partial

from textual.message import Message

from server.protocol import name_text, target
from server.protocol.frames import MAX_QUERY_CHARS
from tui.client.quotation import original, quoted, words_of
from tui.client.search import SearchState
from tui.client.timeline import Line
from tui.config import Level
from tui.fullscreen import slash_commands
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import KEYS, Where, pressed
from tui.fullscreen.room.base import RoomBase
from tui.fullscreen.screens.live import LiveScreen
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel

DEFAULT_LEVEL = "default"


class RoomActions(RoomBase):
    """Passes what the user wants to the room's subjects; implements `CommandRoom`."""

    WHERE = Where.EVERYWHERE
    BINDINGS = bindings(WHERE)

    class ServerWanted(Message):
        """The user wants to connect to another server."""

        def __init__(self, server: str) -> None:
            super().__init__()
            self.server = server

    # Actions of commands.

    def look_at(self, place: str) -> None:
        """Open a channel or conversation, by its ID."""
        self.navigation.look_at(place)

    def close(self) -> str | None:
        """Close the current conversation; return the problem, or None."""
        return self.navigation.close()

    def mark_read(self, *, everywhere: bool) -> None:
        """Mark the current place as read, or all of them."""
        self.navigation.mark_read(everywhere=everywhere)

    def set_notices(self, level: str) -> str | None:
        """Set which messages of the current place cause notices; return the problem, or None."""
        state = self.client.state
        if level and level not in {*Level, DEFAULT_LEVEL}:
            return f"There are no notices called {level}. Choose all, mentions, none or {DEFAULT_LEVEL}."
        if level and (problem := self._set_level(state.current, None if level == DEFAULT_LEVEL else Level(level))):
            return problem
        self.note(f"Notices of {state.place}: {self._attention.level(state.current)}.")
        return None

    def say(self, text: str, place: str) -> str | None:
        """Send a message to a channel or conversation; return the problem, or None."""
        return self.writing.say(text, place)

    def mute(self, username: str) -> None:
        """Mute a person, or unmute them."""
        self.people.mute(username)

    def block(self, username: str) -> None:
        """Block a person after confirmation, or unblock them."""
        self.start(partial(self.people.block, username))

    def set_status(self, words: str) -> str | None:
        """Set the status; return the problem, or None."""
        return self.people.set_status(words)

    def toggle_dnd(self) -> str | None:
        """Turn do not disturb on or off; return the problem, or None."""
        return self.people.toggle_dnd()

    def choose_status(self) -> None:
        """Ask for a status, from a list or typed."""
        self.start(self.people.choose_status)

    def search(self, words: str) -> None:
        """Open the search after the current command; with words, start searching at once."""
        self.app.call_later(self.action_search, words)

    def connect_elsewhere(self, server: str) -> None:
        """Ask for another server after the current command; `server` is filled in."""
        self.post_message(self.ServerWanted(server))

    def do(self, action: str) -> None:
        """Run the action of a key after the current command."""
        self.app.call_later(self.app.run_action, action, self)

    def may(self, action: str) -> bool:
        """Return whether the action of a key is available now."""
        return bool(self.check_action(action, ()))

    async def pick_command(self) -> None:
        """Let the user pick what a key or a command does, and do it. Call it only in a coroutine run by `start`."""
        from tui.fullscreen import pickers

        keys = {each.id: each for each in KEYS if each.in_palette and self.may(each.action.rpartition(".")[2])}
        commands = {f"/{each.name}": each for each in slash_commands.allowed(self)}
        offer = partial(pickers.commands, list(keys.values()), list(commands.values()))
        chosen = await self.choose("Find a command", offer)
        if chosen in keys:
            self.do(keys[chosen].action)
        elif chosen and commands[chosen].takes:
            self.composer.begin(f"{chosen} ")
            self.write()
        elif chosen:
            slash_commands.run(self, chosen, self.client.state.current)

    # Actions of keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys that do nothing now: before the room is complete, or for the highlighted message."""
        if not self.complete:
            return False
        if action in {"accept_offer", "decline_offer"}:
            return bool(self.client.state.mute_offer)
        if action == "mend":
            return self.client.state.timeline.has_failed
        if action == "my_reports":
            welcome = self.client.state.welcome
            return welcome is not None and welcome.webhooks.report
        return self.timeline.can(action)

    def action_step(self, by: int) -> None:
        self.navigation.step(by)

    def action_turn(self, by: int) -> None:
        self.navigation.next_channel(by)

    def action_turn_to(self, number: int) -> None:
        self.navigation.open_number(number)

    def action_turn_to_unread(self) -> None:
        self.navigation.open_unread()

    def action_first_unread(self) -> None:
        self.navigation.show_new()

    def action_latest(self) -> None:
        self.navigation.show_latest()

    def action_switch(self) -> None:
        self.start(self.navigation.switch)

    def action_read(self) -> None:
        self.timeline.enter()

    def action_unmark(self) -> None:
        self.timeline.unmark()

    def action_scroll(self, by: int) -> None:
        """Scroll the messages by pages, without leaving the composer."""
        self.timeline.scroll_relative(y=by * self.timeline.size.height, animate=False)

    def action_mend(self) -> None:
        self.writing.edit_failed()
        self.refresh_bindings()

    def action_people(self) -> None:
        """Focus the list of people; show it first in a narrow terminal."""
        self.close_profile()
        self.add_class("-people")
        self.query_one(PeopleList).focus()

    def action_my_status(self) -> None:
        self.choose_status()

    async def action_my_reports(self) -> None:
        from tui.fullscreen.screens.reports_screen import ReportsScreen

        if not any(isinstance(each, ReportsScreen) for each in self.app.screen_stack):
            self.reporting.ask_for_reports()
            await self._open(ReportsScreen(self.client, self.navigation.go_to, self.reporting.withdraw))

    async def action_search(self, words: str = "") -> None:
        from tui.fullscreen.screens.search_screen import SearchScreen

        self.client.state.search = SearchState()
        await self._open(SearchScreen(self.client, self.navigation.go_to, words))

    async def action_mentions(self) -> None:
        from tui.fullscreen.screens.mentions_screen import MentionsScreen

        await self._open(MentionsScreen(self.client, self.navigation.go_to))

    async def _open(self, screen: LiveScreen) -> None:
        await self.app.push_screen(screen)
        self.redraw()

    def close_profile(self) -> None:
        """Show the list of people again, and restore the focus."""
        self.people.close_profile()
        before, self._before_profile = self._before_profile, None
        if before and before.is_attached and before.display:
            before.focus()
        else:
            self.write()

    def show_profile(self, username: str) -> None:
        """Request a profile, and show it in place of the list of people."""
        panel = self.query_one(ProfilePanel)
        if self.people.ask_profile(username):
            if self.focused is not panel:
                self._before_profile = self.focused
            panel.focus()

    # Actions on the highlighted message.

    def action_reply(self) -> None:
        self._with_message(self.writing.reply)

    async def action_original(self) -> None:
        """Go to the message that the highlighted one quotes; search for it if it is not loaded."""
        line = self.timeline.highlighted
        if line and (found := original(line, self.client.state.timeline.entries)):
            self.timeline.jump(found.msg_id)
        elif line:
            await self.action_search(words_of(quoted(line))[:MAX_QUERY_CHARS])

    def action_report(self) -> None:
        self._with_message(self._report)

    def _report(self, line: Line) -> None:
        if self.can_ask():
            self.start(partial(self.reporting.report, line))

    def action_profile(self) -> None:
        self._with_message(lambda line: self.show_profile(line.author))

    def action_react(self) -> None:
        self._with_message(self._react)

    def _react(self, line: Line) -> None:
        if self.can_ask():
            self.start(partial(self.messages.react, line))

    def action_direct(self) -> None:
        self._with_message(lambda line: self.look_at(target.conversation(line.author)))

    def action_mute(self) -> None:
        self._with_message(self._mute)

    def _mute(self, line: Line) -> None:
        """Mute the author; again, before the highlight is moved: unmute them, although their messages are hidden."""
        person = self._muted if self.timeline.stands_in else line.author
        if self.can_ask():
            self._muted = person
            what = "is not muted any more" if person in self.client.state.relations.muted else "is muted"
            self.people.mute(person)
            self.composer.flash(f"{name_text.quoted(person)} {what}. {pressed('messages.mute')} undoes it.")

    def action_edit_message(self) -> None:
        self._with_message(self._edit_message)

    def _edit_message(self, line: Line) -> None:
        if self.can_ask():
            self.start(partial(self.messages.edit, line))

    def action_take_back(self) -> None:
        self._with_message(self._take_back)

    def _take_back(self, line: Line) -> None:
        if self.can_ask():
            self.start(partial(self.messages.take_back, line))

    def action_open_link(self) -> None:
        self._with_message(lambda line: self.start(partial(self.messages.open_link, line)))

    def action_accept_offer(self) -> None:
        self.people.accept_offer()

    def action_decline_offer(self) -> None:
        self.people.decline_offer()

    def action_copy_text(self) -> None:
        """Copy what is selected; if nothing is, the key may be meant to quit, as in other programs."""
        if text := self.get_selected_text():
            self.copy(text)
        else:
            self.composer.flash(f"Nothing is selected. {pressed('everywhere.quit')} quits.")

    def action_copy(self) -> None:
        self._with_message(lambda line: self.copy(line.text))

    def _with_message(self, act: Callable[[Line], None]) -> None:
        if line := self.timeline.highlighted:
            act(line)
