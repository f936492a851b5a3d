"""The room's screen: its layout, and what each key and event does."""

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume, ScreenSuspend, TextSelected
from textual.screen import Screen

from server.protocol import target
from tui.client import slash
from tui.client.client import OFFLINE, Client
from tui.client.entries import Line
from tui.client.search import SearchState
from tui.client.state import ACT
from tui.fullscreen import slash_commands
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.room.commands import RoomCommands
from tui.fullscreen.room.desktop import Desktop
from tui.fullscreen.room.dialogs import Dialogs
from tui.fullscreen.room.drawing import Drawing
from tui.fullscreen.room.interface import RoomHost
from tui.fullscreen.room.message_actions import MessageActions
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.room.profile_actions import ProfileActions
from tui.fullscreen.room.reading import Attention, Reading
from tui.fullscreen.room.reporting import Reporting
from tui.fullscreen.room.writing import Writing
from tui.fullscreen.screen_protocols import Placed
from tui.fullscreen.timeline.scrolling import PageWanted
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import TypeAhead
from tui.fullscreen.widgets.channels import PlaceLists, UnreadOutOfView
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.header import TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.new_below import NewBelow
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.widget_messages import BackToWriting, PersonWanted, Want
from tui.tone import Tone

QUOTATION_ONLY = "Not sent: this is only a quotation. Write your reply below it."
MODES = {
    Where.MESSAGES: ("Message keys · {} to write", "messages.leave"),
    Where.CHANNELS: ("Channel list · {} to write", "channels.leave"),
    Where.PEOPLE: ("People list · {} to write", "people.leave"),
    Where.PROFILE: ("Profile · {} to close", "profile.close"),
}
"""The composer's text while keys act elsewhere, and the ID of the key that it names."""
MARKED = ("Write a message, or press {} to act on the highlighted one", "composer.up")
TINY = 60
"""The width in cells below which the list of channels is hidden."""


class RoomScreen(Screen[None]):
    """Draws the state, and passes keys and events to the room's subjects."""

    WHERE = Where.EVERYWHERE
    BINDINGS = bindings(WHERE)

    # The user starts by writing.
    AUTO_FOCUS = "#composer"

    def __init__(self, client: Client, typeahead: TypeAhead, attention: Attention, host: RoomHost) -> None:
        super().__init__()
        self.client = client
        self.redraw = host.show
        self.complete = False
        """True once all widgets are mounted."""
        self.dialogs = Dialogs(self, typeahead, self.write)
        self.desktop = Desktop(self, lambda text: self.composer.flash(text))
        self.reading = Reading(self, self, attention)
        client.state.watched = lambda: self.reading.watches
        self.navigation = Navigation(self, attention.is_muted)
        self.writing = Writing(self, host.edit_text)
        self.reporting = Reporting(self)
        self.people = PeopleActions(self)
        self.profile = ProfileActions(self, self, self.people)
        self.messages = MessageActions(self, self.desktop)
        self.commands = RoomCommands(
            self,
            self,
            navigation=self.navigation,
            writing=self.writing,
            people=self.people,
            attention=attention,
            host=host,
        )
        self._drawing = Drawing(self, client, self.reading, attention, self.commands)

    # Layout and drawing.

    def compose(self) -> ComposeResult:
        yield TopLine(self.client.status, id="top")
        with Horizontal(id="middle"):
            yield PlaceLists(id="left")
            with Vertical(id="centre"):
                yield TimelineView(id="timeline")
                yield Composer(placeholder="Write a message", id="composer")
            yield Vertical(id="side")
        yield KeyFooter()

    @on(events.Mount)
    def _focus_composer(self) -> None:
        """Focus the composer; Textual's AUTO_FOCUS does nothing while the terminal is not focused."""
        self.composer.focus()

    @on(events.Resize)
    def _hide_lists(self, event: events.Resize) -> None:
        """Hide the list of channels in a tiny terminal; keys still switch channels."""
        self.set_class(event.size.width < TINY, "-tiny")

    async def mount_deferred(self) -> None:
        """Mount the widgets that are empty or hidden at first, which would delay the first frame."""
        offer, profile, below = MuteOffer(id="offer"), ProfilePanel(id="profile"), NewBelow(id="below")
        offer.display = profile.display = below.display = False
        await self.query_one(PlaceLists).mount_lists()
        await self.query_one("#centre").mount(below, offer, before=self.composer)
        await self.query_one("#side").mount(PeopleList(id="people"), profile)
        self.complete = True

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def timeline(self) -> TimelineView:
        return self.query_one(TimelineView)

    def show(self) -> None:
        """Draw the current state."""
        self.navigation.visit()
        # Widgets are missing until the first frame, after which everything is drawn, and while the client ends.
        if self.complete and self.query_one_optional(TopLine):
            self._drawing.show()
            self.navigation.load_shown()

    @on(ScreenSuspend)
    def _suspended(self) -> None:
        self.composer.add_class("-behind")

    @on(ScreenResume)
    def _resumed(self) -> None:
        """Record what the user sees once another screen has closed."""
        self.composer.remove_class("-behind")
        if self.complete:
            self.redraw()

    def accept_text(self) -> None:
        """Focus the composer: text typed or pasted in a list, or on a message, becomes a message."""
        self.write()

    def write(self) -> None:
        """Focus the composer."""
        self.remove_class("-people")
        self.composer.focus()

    # What subjects may use: see `RoomInterface`.

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Add a notice to the current timeline; also show it as a toast if the end is scrolled out of view."""
        # The notice about the next action replaces this one.
        self.client.state.note(text, tone, topic=ACT)
        if self.complete and not self.timeline.follows:
            self.app.notify(text, severity="error" if tone is Tone.BAD else "information", markup=False)
        self.redraw()

    def restore_drafts(self) -> None:
        """Put drafts of an earlier run into the composer."""
        self.composer.restore(self.client.state.drafts)

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""
        if not self.client.online:
            self.note(OFFLINE, Tone.BAD)
        return self.client.online

    async def search(self, words: str) -> None:
        """Open the search; with words, start searching at once."""
        from tui.fullscreen.screens.search_screen import SearchScreen

        self.client.state.search = SearchState()
        await self._open(SearchScreen(self.client, self.navigation.go_to, words))

    # Actions of keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide keys that do nothing in the current state of the room or for the highlighted message."""
        if not self.complete:
            return False
        if not self.client.state.abilities.offer_action(action):
            return False
        if action in {"accept_offer", "decline_offer"}:
            return bool(self.client.state.mute_offer)
        if action == "edit_failed":
            return self.client.state.timeline.has_failed
        if action == "my_reports":
            welcome = self.client.state.welcome
            return welcome is not None and welcome.webhooks.report
        return self.timeline.can(action)

    def action_step(self, by: int) -> None:
        self.navigation.step(by)

    def action_next_channel(self, by: int) -> None:
        self.navigation.next_channel(by)

    def action_open_number(self, number: int) -> None:
        self.navigation.open_number(number)

    def action_open_unread(self) -> None:
        self.navigation.open_unread()

    def action_first_unread(self) -> None:
        self.navigation.show_new()

    def action_latest(self) -> None:
        self.navigation.show_latest()

    def action_switch(self) -> None:
        self.navigation.switch()

    def action_read(self) -> None:
        self.timeline.enter()

    def action_unmark(self) -> None:
        self.timeline.unmark()

    def action_scroll(self, by: int) -> None:
        """Scroll the messages by pages, without leaving the composer."""
        self.timeline.scroll_relative(y=by * self.timeline.size.height, animate=False)

    def action_edit(self) -> None:
        self.writing.edit(self.composer.text, self.composer.place)

    def action_edit_failed(self) -> None:
        self.writing.edit_failed()
        self.refresh_bindings()

    def action_people(self) -> None:
        """Focus the list of people; show it first in a narrow terminal."""
        self.profile.close()
        self.add_class("-people")
        self.query_one(PeopleList).rows.focus()

    def action_my_status(self) -> None:
        self.people.choose_status()

    async def action_my_reports(self) -> None:
        from tui.fullscreen.screens.reports_screen import ReportsScreen

        if not any(isinstance(each, ReportsScreen) for each in self.app.screen_stack):
            self.reporting.ask_for_reports()
            await self._open(ReportsScreen(self.client, self.navigation.go_to, self.reporting.withdraw))

    async def action_search(self) -> None:
        await self.search("")

    async def action_mentions(self) -> None:
        from tui.fullscreen.screens.mentions_screen import MentionsScreen

        await self._open(MentionsScreen(self.client, self.navigation.go_to))

    async def _open(self, screen: Screen[None]) -> None:
        await self.app.push_screen(screen)
        self.redraw()

    # Actions on the highlighted message.

    def action_reply(self) -> None:
        self._with_message(self.writing.reply)

    async def action_original(self) -> None:
        if line := self.timeline.highlighted:
            await self.messages.original(line)

    def action_report(self) -> None:
        self._with_message(self.reporting.report)

    def action_profile(self) -> None:
        self._with_message(lambda line: self.profile.open(line.author))

    def action_react(self) -> None:
        self._with_message(self.messages.react)

    def action_direct(self) -> None:
        self._with_message(lambda line: self.navigation.look_at(target.conversation(line.author)))

    def action_mute(self) -> None:
        self._with_message(self.people.mute_author)

    def action_edit_message(self) -> None:
        self._with_message(self.messages.edit)

    def action_take_back(self) -> None:
        self._with_message(self.messages.take_back)

    def action_open_link(self) -> None:
        self._with_message(self.messages.open_link)

    def action_accept_offer(self) -> None:
        self.people.accept_offer()

    def action_decline_offer(self) -> None:
        self.people.decline_offer()

    def action_copy_text(self) -> None:
        """Copy the selection; if there is none, show how to quit, which this key does in other programs."""
        if text := self.get_selected_text():
            self.desktop.copy(text)
        else:
            self.composer.flash(f"Nothing is selected. Press {pressed('everywhere.quit')} to quit.")

    def action_copy(self) -> None:
        self._with_message(lambda line: self.desktop.copy(line.text))

    def _with_message(self, act: Callable[[Line], None]) -> None:
        if line := self.timeline.highlighted:
            act(line)

    # Events of the widgets.

    @on(events.DescendantFocus)
    @on(TimelineView.Marked)
    def _show_mode(self) -> None:
        """Show in the composer which keys act while it has no focus, or how to act on the highlighted message."""
        nodes = self.focused.ancestors_with_self if self.focused else []
        modes = (MODES[node.WHERE] for node in nodes if isinstance(node, Placed) and node.WHERE in MODES)
        words, key = next(modes, MARKED if self.timeline.is_marked else ("", "composer.up"))
        self.composer.show_mode(words.format(pressed(key)))

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.timeline.unmark()
        if slash.is_command(event.text):
            problem = slash_commands.run(self.commands, event.text, event.place)
        else:
            problem = self.writing.say(slash.said(event.text), event.place)
        if problem:
            self.writing.give_back(event.text, event.place, problem)
        self.redraw()

    @on(TimelineView.ReactionClicked)
    def _reaction_clicked(self, event: TimelineView.ReactionClicked) -> None:
        self.messages.toggle(event.line, event.emoji)

    @on(Composer.NothingSaid)
    def _nothing_said(self) -> None:
        self.note(QUOTATION_ONLY)

    @on(Composer.Changed, "#composer")
    def _draft_changed(self) -> None:
        self.client.state.drafts = self.composer.drafts
        self.client.changed()

    @on(Composer.Typed)
    def _typed(self, event: Composer.Typed) -> None:
        self.writing.typed(event.place)

    @on(Composer.LongPaste)
    def _pasted(self, event: Composer.LongPaste) -> None:
        self.writing.paste(event.text)

    @on(RowList.Selected, "#left RowList")
    def _channel_selected(self, event: RowList.Selected) -> None:
        if event.id:
            self.navigation.look_at(event.id)

    @on(RowList.Selected, "#people RowList")
    def _person_selected(self, event: RowList.Selected) -> None:
        if event.id and event.id != self.client.state.me:
            self.navigation.look_at(target.conversation(event.id))

    @on(PersonWanted)
    def _person_wanted(self, event: PersonWanted) -> None:
        acts = {
            Want.PROFILE: self.profile.open,
            Want.WRITE: self._write_to,
            Want.MUTE: self.people.mute,
            Want.BLOCK: self.people.block,
        }
        acts[event.want](event.username)

    def _write_to(self, username: str) -> None:
        self.profile.close()
        self.navigation.look_at(target.conversation(username))

    @on(ProfilePanel.Closed)
    def _profile_closed(self) -> None:
        self.profile.close()

    @on(MuteOffer.Accepted)
    def _mute_accepted(self) -> None:
        self.people.accept_offer()

    @on(MuteOffer.Declined)
    def _mute_declined(self) -> None:
        self.people.decline_offer()

    @on(PageWanted)
    def _page_wanted(self, event: PageWanted) -> None:
        self.navigation.load_page(event.low, forward=event.forward, scrolled=event.scrolled)

    @on(UnreadOutOfView.Wanted)
    def _out_of_view_pressed(self) -> None:
        self.navigation.open_unread()

    @on(TimelineView.Scrolled)
    def _scrolled(self) -> None:
        self.reading.scrolled()

    @on(NewBelow.Pressed)
    def _below_pressed(self) -> None:
        self.navigation.show_latest()

    @on(BackToWriting)
    def _back_to_writing(self) -> None:
        self.write()

    @on(TextSelected)
    def _selected(self) -> None:
        self.desktop.copy_selection()
