"""Shows what is known in the room, and leads through it: channels, what was said before, what was found, the keys."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.widgets import OptionList

from server.protocol.frames import MAX_PAGE, Message, ReportEntry, ServerFrame
from tui.client.client import OFFLINE, nonce
from tui.client.news import news
from tui.client.search import Search
from tui.client.visited import Visited
from tui.fullscreen import commands
from tui.fullscreen.keys.keymap import KEYS, Where, bindings
from tui.fullscreen.notices import Notices
from tui.fullscreen.preferences import ConfiguredApp
from tui.fullscreen.room.screen import ChatScreen
from tui.fullscreen.screens.live import Following
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.channels import ChannelList
from tui.fullscreen.widgets.people import PeopleList
from tui.options import Options
from tui.text import clean
from tui.tone import Tone

# Screens over the room, and what they alone need, are imported where they are shown: the first frame is there without.
LATER_CSS = Path(__file__).parent / "styles" / "overlays.tcss"

MAX_TOASTS = 5
"""Remarks that are shown beside the timeline at once."""

if TYPE_CHECKING:
    from tui.client.mentions import Mention
    from tui.fullscreen.screens.mentions import MentionsScreen
    from tui.fullscreen.screens.search import SearchScreen
    from tui.fullscreen.widgets.rows import Row


class RoomApp(ConfiguredApp):
    """A configured app in which one looks around."""

    TITLE = "Flagpost"
    CSS_PATH = "styles/room.tcss"
    BINDINGS = bindings(Where.ALWAYS)
    # Its own binding would open it over forms and questions too; `action_commands` is bound in the room alone.
    ENABLE_COMMAND_PALETTE = False
    SUSPENDED_SCREEN_CLASS = "-behind"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (35, "-tall")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._chat = ChatScreen(self.client.status)
        self._visited = Visited()
        self._came: list[ServerFrame] = []
        """What came since it was drawn."""
        self._last_seen = 0
        """The latest message of what was drawn."""
        self._notices = Notices(self._write_to_terminal, os.environ, lambda channel: self.config.level(channel))

    def get_default_screen(self) -> ChatScreen:
        """The room."""
        return self._chat

    async def on_ready(self) -> None:
        """The room was seen: go on with what else may be."""
        self.stylesheet.read(LATER_CSS)
        self.stylesheet.parse()
        await self._chat.furnish()
        self.refresh_bindings()

    async def on_event(self, event: events.Event) -> None:
        """What is pasted is other people's text, wherever it goes."""
        if isinstance(event, events.Paste) and not event.is_forwarded:
            event.text = clean(event.text)
        self._notices.notice(event)
        await super().on_event(event)
        if isinstance(event, events.Key | events.AppFocus | events.MouseDown):
            self._notices.look(self.state.current)

    def on_unmount(self) -> None:
        """Leave the terminal's title as it was."""
        self._notices.end()

    def show(self) -> None:
        """Draw what is known now."""
        self._visited.visit(self.state.current)
        self._notices.look(self.state.current)
        self._chat.show(self.state, self.client.status, online=self.online, commands=commands.allowed(self))
        for screen in self.screen_stack:
            if isinstance(screen, Following) and screen.is_mounted:
                screen.show(self.state, self.client.status, online=self.online)

    def _received(self, frame: ServerFrame) -> None:
        super()._received(frame)
        self._came.append(frame)

    def _changed(self) -> None:
        """Draw, tell of what came who looks elsewhere, and go on to the wanted message."""
        super()._changed()
        if self._came:
            self._notices.tell(list(news(self._came, self.state, self._last_seen)), dnd=self.state.dnd)
            self._notices.keep(self.state.timelines)
            self._notices.look(self.state.current)
            self._came, self._last_seen = [], self.state.last_seen
        self._show_remarks()
        if self.state.wanted:
            self._pursue()
            self.show()

    def _show_remarks(self) -> None:
        """What is new about reports stands in the timeline; where that is not seen, it is told beside it."""
        remarks, self.state.remarks = self.state.remarks, []
        for remark in remarks[-MAX_TOASTS:]:
            seen = self._chat.timeline.follows and remark.channel in {"", self.state.current}
            if self.screen is self._chat and not seen:
                self.notify(remark.text, severity="error" if remark.tone is Tone.BAD else "information", markup=False)

    def _write_to_terminal(self, data: str) -> None:
        # Textual's own bell and clipboard go the same way.
        if self._driver and not self.is_headless:
            self._driver.write(data)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only to quit before all of the room is there; no key for what there is nothing to do with."""
        if not self._chat.furnished:
            return action == "quit"
        if action == "mend":
            return self.state.timeline.has_failed
        welcome = self.state.welcome
        return action != "my_reports" or (welcome is not None and welcome.webhooks.report)

    async def _ask(self, question: str, yes: str) -> bool:
        from tui.fullscreen.screens.question import Question

        return await self.push_screen_wait(Question(question, yes, "Cancel"))

    async def _choose(self, placeholder: str, offer: "Callable[[str], Sequence[Row]]") -> str | None:
        from tui.fullscreen.screens.picker import Picker

        return await self.push_screen_wait(Picker(placeholder, offer))

    def look_at(self, channel: str) -> None:
        """Turn to a channel or conversation, by its ID."""
        self.state.look_at(channel)
        self.show()
        self._chat.write()

    @on(OptionList.OptionSelected, "#channels")
    def _channel_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.look_at(event.option_id)

    @on(OptionList.OptionSelected, "#people")
    def _person_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id and event.option_id != self.state.me:
            self.look_at(f"@{event.option_id}")

    @on(TimelineView.DirectWanted)
    def _direct_wanted(self, event: TimelineView.DirectWanted) -> None:
        self.look_at(f"@{event.username}")

    @on(TimelineView.Left)
    @on(ChannelList.Left)
    @on(PeopleList.Left)
    def _write(self) -> None:
        self._chat.write()

    def action_step(self, by: int) -> None:
        """Go back (-1) or forward (1) through what one has looked at."""
        place = self._visited.step(by)
        while place and place not in self.state.timelines:
            # The room has that channel no more.
            place = self._visited.step(by)
        if place:
            self.look_at(place)

    def action_turn(self, by: int) -> None:
        """Turn to the channel so many places further in the list."""
        ids = list(self.state.timelines)
        if self.state.current in ids:
            self.look_at(ids[(ids.index(self.state.current) + by) % len(ids)])

    def action_turn_to(self, number: int) -> None:
        """Turn to a channel or conversation by its place in the list, from 1."""
        ids = list(self.state.timelines)
        if number <= len(ids):
            self.look_at(ids[number - 1])

    def action_turn_to_unread(self) -> None:
        """Turn to the next channel that has something unread."""
        ids = list(self.state.timelines)
        at = ids.index(self.state.current) if self.state.current in ids else 0
        unread = [each for each in ids[at:] + ids[:at] if self.state.timelines[each].unread]
        if unread:
            self.look_at(unread[0])

    @work(group="form", exclusive=True)
    async def action_switch(self) -> None:
        """Choose where to go."""
        from tui.fullscreen import pickers

        if place := await self._choose("A channel or a name", partial(pickers.places, self.state)):
            self.look_at(place)

    @on(TimelineView.OlderWanted)
    def _load_older(self) -> None:
        ask = self.state.ask_older(nonce()) if self.online else None
        if ask:
            self.send(ask)

    def _go_to(self, message: "Message | Mention | ReportEntry") -> None:
        if isinstance(self.screen, Following):
            self.screen.dismiss()
        self.state.go_to(message.channel, message.msg_id)
        self.show()
        self._pursue()

    def _pursue(self) -> None:
        """Load older messages until the wanted one is there."""
        if arrived := self.state.arrived():
            self._chat.timeline.jump(arrived)
        elif self.state.wanted and (asked := self.state.ask_older(nonce(), MAX_PAGE)):
            self.send(asked)

    async def action_search(self, words: str = "") -> None:
        """Search messages."""
        from tui.fullscreen.screens.search import SearchScreen

        self.state.search = Search()
        await self.push_screen(SearchScreen(self.state.place_of, words))
        self.show()

    def on_search_screen_asked(self, event: "SearchScreen.Asked") -> None:
        """Search, where there is a connection."""
        asked = self.state.search.ask(event.query, nonce())
        if self.online:
            self.send(asked)
        else:
            self.state.search.fail(asked.nonce, OFFLINE)
        self.show()

    def on_search_screen_more_wanted(self) -> None:
        """Search on."""
        if self.online and (asked := self.state.search.ask_more(nonce())):
            self.send(asked)
            self.show()

    def on_search_screen_jump_wanted(self, event: "SearchScreen.JumpWanted") -> None:
        """Go to what was found."""
        self._go_to(event.message)

    async def action_mentions(self) -> None:
        """Show who named one, in what is loaded."""
        from tui.fullscreen.screens.mentions import MentionsScreen

        await self.push_screen(MentionsScreen(self.state.place_of))
        self.show()

    def on_mentions_screen_jump_wanted(self, event: "MentionsScreen.JumpWanted") -> None:
        """Go to where one was named."""
        self._go_to(event.message)

    def action_help(self) -> None:
        """Show all keys, or go back from them."""
        from tui.fullscreen.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen([(each.usage, each.help) for each in commands.allowed(self)]))

    def action_commands(self) -> None:
        """Open the palette of everything that the keys of the room do."""
        from textual.command import SimpleCommand

        offered = [
            SimpleCommand(key.help, partial(self.run_action, key.action), key.now)
            for key in KEYS
            if key.in_palette and self.check_action(key.action.removeprefix("app."), ())
        ]
        self.search_commands(offered, placeholder="Find a command")
