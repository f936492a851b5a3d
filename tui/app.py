"""Wires state, connection and screens: what a person wants becomes acts on the state, frames and screens."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.widgets import OptionList

from server.protocol.codes import ReportState
from server.protocol.frames import MAX_PAGE, Message, React, ReportEntry, Takeback, Typing
from tui import commands
from tui.configured import ConfiguredApp
from tui.connected import OFFLINE, nonce
from tui.core.news import news
from tui.core.quotation import quotation
from tui.core.reports import GONE
from tui.core.search import Search
from tui.core.timeline import Line, Tone
from tui.core.visited import Visited
from tui.keymap import KEYS, Where, bindings
from tui.notices import Notices
from tui.options import Options
from tui.screens.chat import ChatScreen
from tui.screens.following import Following
from tui.text import clean, clean_line
from tui.widgets.channels import ChannelList
from tui.widgets.offer import MuteOffer
from tui.widgets.people import PeopleList
from tui.widgets.profile import ProfilePanel
from tui.widgets.prompt import Composer
from tui.widgets.timeline import TimelineView

# Screens over the room, and what they alone need, are imported where they are shown: the first frame is there without.
TYPING_EVERY_SECONDS = 3.0
LATER_CSS = Path(__file__).with_name("later.tcss")
BLOCKED = "Neither of you will see the other here: not in the list of people, not in messages, not in history."

if TYPE_CHECKING:
    from tui.core.mentions import Mention
    from tui.net.connection import Event
    from tui.screens.mentions import MentionsScreen
    from tui.screens.reports import ReportsScreen
    from tui.screens.search import SearchScreen
    from tui.widgets.rows import Row


class FlagpostApp(ConfiguredApp):
    """The chat client."""

    TITLE = "Flagpost"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings(Where.ALWAYS)
    # Its own binding would open it over forms and questions too; `action_commands` is bound in the room alone.
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - Textual declares it so

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._chat = ChatScreen(self.status)
        self._said_typing = -TYPING_EVERY_SECONDS
        self._visited = Visited()
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

    def show(self) -> None:
        """Draw what is known now."""
        self._visited.visit(self.state.current)
        self._notices.look(self.state.current)
        self._chat.show(self.state, self.status, online=self.online, commands=commands.allowed(self))
        for screen in self.screen_stack:
            if isinstance(screen, Following) and screen.is_mounted:
                screen.show(self.state, self.status, online=self.online)

    async def action_search(self, words: str = "") -> None:
        """Search messages."""
        from tui.screens.search import SearchScreen

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

    def on_mentions_screen_jump_wanted(self, event: "MentionsScreen.JumpWanted") -> None:
        """Go to where one was named."""
        self._go_to(event.message)

    def _go_to(self, message: "Message | Mention") -> None:
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

    def _told(self, event: "Event") -> None:
        """Go on to the wanted message after what came, and tell of it who looks elsewhere."""
        from tui.net.connection import Received

        since = self.state.last_seen
        super()._told(event)
        if isinstance(event, Received):
            self._notices.tell(list(news(event.frames, self.state, since)), dnd=self.state.dnd)
            self._notices.look(self.state.current)
        if self.state.wanted:
            self._pursue()
            self.show()

    def _write_to_terminal(self, data: str) -> None:
        # Textual's own bell and clipboard go the same way.
        if self._driver and not self.is_headless:
            self._driver.write(data)

    def on_unmount(self) -> None:
        """Leave the terminal's title as it was."""
        self._notices.end()

    @property
    def _reports_screen(self) -> "ReportsScreen | None":
        from tui.screens.reports import ReportsScreen

        found = (each for each in self.screen_stack if isinstance(each, ReportsScreen) and each.is_mounted)
        return next(found, None)

    def action_help(self) -> None:
        """Show all keys, or go back from them."""
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen([(each.usage, each.help) for each in commands.allowed(self)]))

    @on(TimelineView.CopyWanted)
    def _copy(self, event: TimelineView.CopyWanted) -> None:
        # OSC 52: the terminal's clipboard, also over ssh.
        self.copy_to_clipboard(event.text)
        self.notify("Copied.", timeout=2, markup=False)

    @on(TimelineView.ReplyWanted)
    def _reply(self, event: TimelineView.ReplyWanted) -> None:
        self._chat.composer.quote(quotation(event.line))
        self._chat.write()

    async def action_mentions(self) -> None:
        """Show who named one, in what is loaded."""
        from tui.screens.mentions import MentionsScreen

        await self.push_screen(MentionsScreen(self.state.place_of))
        self.show()

    def action_commands(self) -> None:
        """Open the palette of everything that the keys of the room do."""
        from textual.command import SimpleCommand

        offered = [
            SimpleCommand(key.help, partial(self.run_action, key.action), key.now)
            for key in KEYS
            if key.in_palette and self.check_action(key.action.removeprefix("app."), ())
        ]
        self.search_commands(offered, placeholder="Find a command")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only to quit before all of the room is there; no key for reports where the site takes none."""
        if not self._chat.furnished:
            return action == "quit"
        welcome = self.state.welcome
        return action != "my_reports" or (welcome is not None and welcome.webhooks.report)

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        """Say it, or do what it says; what cannot be done is given back."""
        if commands.is_command(event.text):
            problem = commands.run(self, event.text)
        else:
            problem = self.say(commands.plain(event.text), event.place)
        if problem:
            self._chat.composer.give_back(event.text, event.place)
            self.state.note(problem, Tone.BAD)
        self.show()

    def say(self, text: str, place: str) -> str:
        """Write in a channel or conversation, once there is a connection; why that cannot be, or nothing."""
        if self.state.welcome is None:
            return "There was no connection yet; send it once there is one."
        limit = self.state.welcome.limits.message_chars
        if len(text) > limit:
            return f"The message has {len(text)} of at most {limit} characters. Shorten it, or send it in parts."
        said = self.state.say(text, nonce(), place)
        if self.online:
            self.send(said)
        return ""

    @on(Composer.EditorWanted)
    def _editor_wanted(self, event: Composer.EditorWanted) -> None:
        self._edit(event)

    @work(group="form", exclusive=True)
    async def _edit(self, event: Composer.EditorWanted) -> None:
        """Let the text be written on in the person's own editor."""
        from tui.editor import EditorError, edit

        try:
            with self._notices.lent(), self._ending.lent():
                text = await edit(self, event.text, os.environ)
        except EditorError as error:
            self.tell(clean_line(str(error)), Tone.BAD)
        else:
            self._chat.composer.put(text, event.place)
        self.show()

    async def _ask(self, question: str, yes: str) -> bool:
        from tui.screens.question import Question

        return await self.push_screen_wait(Question(question, yes, "Cancel"))

    async def _choose(self, placeholder: str, offer: "Callable[[str], Sequence[Row]]") -> str | None:
        from tui.screens.picker import Picker

        return await self.push_screen_wait(Picker(placeholder, offer))

    @work(group="form", exclusive=True)
    async def action_my_status(self) -> None:
        """Choose how one is, in words of one's own or the usual ones."""
        from tui import choices

        if chosen := await self._choose("How you are, in a few words", partial(choices.statuses, self.state)):
            problem = commands.set_dnd(self) if chosen == choices.DND else commands.set_status(self, chosen)
            if problem:
                self.tell(problem, Tone.BAD)

    @on(Composer.LongPaste)
    def _long_paste(self, event: Composer.LongPaste) -> None:
        self._paste(event.text)

    @work(group="form", exclusive=True)
    async def _paste(self, text: str) -> None:
        """Ask whether so many lines were meant."""
        lines = text.strip("\n").count("\n") + 1
        if await self._ask(f"Paste {lines} lines into the message?", "Paste"):
            self._chat.composer.insert(text)

    @on(Composer.Typed)
    def _typed(self, event: Composer.Typed) -> None:
        """Let the other one of a conversation know, now and then."""
        now = monotonic()
        if self.online and event.place.startswith("@") and now - self._said_typing >= TYPING_EVERY_SECONDS:
            self._said_typing = now
            self.send(Typing(event.place))

    @on(TimelineView.Left)
    @on(ChannelList.Left)
    @on(PeopleList.Left)
    def _write(self) -> None:
        self._chat.write()

    @on(TimelineView.OlderWanted)
    def _load_older(self) -> None:
        ask = self.state.ask_older(nonce()) if self.online else None
        if ask:
            self.send(ask)

    @on(TimelineView.TakebackWanted)
    def _take_back(self, event: TimelineView.TakebackWanted) -> None:
        if self.can_ask():
            self.send(Takeback(event.msg_id))

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

    def look_at(self, channel: str) -> None:
        """Turn to a channel or conversation, by its ID."""
        self.state.look_at(channel)
        self.show()
        self._chat.write()

    def action_step(self, by: int) -> None:
        """Go back (-1) or forward (1) through what one has looked at."""
        if place := self._visited.step(by):
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

    @work(group="form", exclusive=True)
    async def action_switch(self) -> None:
        """Choose where to go."""
        from tui import choices

        if place := await self._choose("A channel or a name", partial(choices.places, self.state)):
            self.look_at(place)

    def action_turn_to_unread(self) -> None:
        """Turn to the next channel that has something unread."""
        ids = list(self.state.timelines)
        at = ids.index(self.state.current) if self.state.current in ids else 0
        unread = [each for each in ids[at:] + ids[:at] if self.state.timelines[each].unread]
        if unread:
            self.look_at(unread[0])

    def action_people(self) -> None:
        """Turn to the list of people."""
        self._close_profile()
        self._chat.show_people()

    @on(TimelineView.MuteWanted)
    @on(PeopleList.MuteWanted)
    def _mute_wanted(self, event: TimelineView.MuteWanted | PeopleList.MuteWanted) -> None:
        if self.can_ask():
            self.send(self.state.toggle_mute(event.username))
            self.show()

    @on(MuteOffer.Accepted)
    def _mute_offered(self) -> None:
        if self.can_ask():
            self.send(self.state.toggle_mute(self.state.mute_offer))
        self._decline_offer()

    @on(PeopleList.BlockWanted)
    def _block_wanted(self, event: PeopleList.BlockWanted) -> None:
        if self.can_ask():
            self.block(event.username)

    @work(group="form", exclusive=True)
    async def block(self, username: str) -> None:
        """Ask, and block; to take it back needs no question."""
        if username in self.state.relations.blocked or await self._ask(f"Block {username}? {BLOCKED}", "Block"):
            self.send(self.state.relations.toggle_block(username))

    @on(MuteOffer.Declined)
    def _decline_offer(self) -> None:
        self.state.mute_offer = ""
        self.show()
        self._chat.write()

    @on(TimelineView.ProfileWanted)
    @on(PeopleList.ProfileWanted)
    def _profile_wanted(self, event: TimelineView.ProfileWanted | PeopleList.ProfileWanted) -> None:
        if self.can_ask():
            self.send(self.state.ask_profile(event.username, nonce()))
            self.show()
            self._chat.show_profile()

    @on(ProfilePanel.Closed)
    def _close_profile(self) -> None:
        self.state.profile = None
        self.show()
        self._chat.leave_profile()

    @on(TimelineView.ReactWanted)
    def _react_wanted(self, event: TimelineView.ReactWanted) -> None:
        if self.can_ask():
            self._react(event.line)

    @work(group="form", exclusive=True)
    async def _react(self, line: Line) -> None:
        """Let an emoji be chosen; one's own is taken away."""
        from tui import choices

        if emoji := await self._choose("An emoji by its name", partial(choices.emojis, line)):
            now = self.state.timeline.find(line.msg_id) or line
            remove = any(each.emoji == emoji and each.mine for each in now.reactions)
            self.send(React(line.msg_id, emoji, remove))

    @on(TimelineView.ReportWanted)
    def _report_wanted(self, event: TimelineView.ReportWanted) -> None:
        if self.can_ask():
            self._report(event.line)

    @work(group="form", exclusive=True)
    async def _report(self, line: Line) -> None:
        """Ask where it was reported before, show the form, send it."""
        from tui.screens.report import ReportForm, Subject

        welcome, reports = self.state.welcome, self.state.reports
        if welcome is None or not welcome.report_reasons:
            return
        again = reports.reported(line.msg_id)
        question = f"You have reported this message of {line.author} already. Add to that report?"
        if again and not await self._ask(question, "Add to report"):
            return
        context = self.state.context_of(line) if welcome.webhooks.evidence else None
        subject = Subject(line, self.state.place, context, again, reports.drafts.get(line.msg_id))
        form = ReportForm(subject, welcome.report_reasons, welcome.limits.comment_chars, self._obstacle)
        filled = await self.push_screen_wait(form)
        if filled and not self.state.timeline.holds(line):
            self.state.note(GONE, Tone.BAD)
        elif filled:
            self.send(self.state.report(line, filled, nonce()))
        self.show()

    def _obstacle(self) -> str:
        return "" if self.online else OFFLINE

    async def action_my_reports(self) -> None:
        """Show one's own reports, as the server knows them now."""
        from tui.screens.reports import ReportsScreen

        if self._reports_screen:
            return
        self.state.reports.problem = ""
        if self.online:
            self.send(self.state.reports.ask(nonce()))
        await self.push_screen(ReportsScreen(self.state.place_of))
        self.show()

    def on_reports_screen_jump_wanted(self, event: "ReportsScreen.JumpWanted") -> None:
        """Go to the reported message, where it is loaded and shown."""
        entry, screen = event.entry, self._reports_screen
        timeline = self.state.timelines.get(entry.channel)
        if screen is None:
            return
        if timeline is None or timeline.find(entry.msg_id) is None:
            self._complain(f"That message is not loaded: it is further up in {self.state.place_of(entry.channel)}.")
        elif entry.about in self.state.relations.hidden:
            self._complain(f"{entry.about} is muted or blocked, and what {entry.about} says is not shown.")
        else:
            screen.dismiss()
            self.state.look_at(entry.channel)
            self.show()
            self._chat.timeline.jump(entry.msg_id)

    def on_reports_screen_withdraw_wanted(self, event: "ReportsScreen.WithdrawWanted") -> None:
        """Take it back, where there is a connection."""
        if self.online:
            self._withdraw(event.entry)
        else:
            self._complain(OFFLINE)

    def _complain(self, problem: str) -> None:
        """Say on the screen of reports why something cannot be done."""
        self.state.reports.problem = problem
        self.show()

    @work(group="form", exclusive=True)
    async def _withdraw(self, entry: ReportEntry) -> None:
        """Ask, and take the report back."""
        evidence = self.state.welcome is not None and self.state.welcome.webhooks.evidence
        words = f"Withdraw your report of {entry.about}'s message? {_consequence(entry, evidence=evidence)}"
        if await self._ask(words, "Withdraw"):
            self.send(self.state.reports.withdraw(entry.report_id, nonce()))
            self.show()


def _consequence(entry: ReportEntry, *, evidence: bool) -> str:
    """What comes of a withdrawal; a site is told of it where it is sent evidence."""
    if entry.status in {ReportState.RECEIVED, ReportState.WAITING, ReportState.GIVEN_UP}:
        return "It is not sent to the website any more."
    return "The website is told so." if evidence else "The website has it already, and is not told."
