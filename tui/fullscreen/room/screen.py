"""The room's screen: its layout, and what each key and event does."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.events import ScreenResume, ScreenSuspend, TextSelected
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.screen_protocols import Placed
from tui.fullscreen.widgets.backdrop import HorizontalBackdrop, VerticalBackdrop, first_line
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.header import TopLine
from tui.fullscreen.widgets.widget_messages import (
    BackToWriting,
    LatestWanted,
    Marked,
    OfferAnswered,
    PageWanted,
    PersonWanted,
    PlaceWanted,
    ProfileClosed,
    ReactionClicked,
    TimelineScrolled,
    UnreadWanted,
    Want,
)
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.client.client import Client
    from tui.client.entries import Line
    from tui.fullscreen.room.dialogs import Dialogs
    from tui.fullscreen.room.subjects import Subjects
    from tui.fullscreen.timeline.view import TimelineView

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

    client: "Client"
    subjects: "Subjects"
    """`client` and `subjects` are set after the first frame."""

    def __init__(self, redraw: Callable[[], None]) -> None:
        """`redraw` redraws all screens."""
        super().__init__()
        self.redraw = redraw
        self.complete = False
        """True once all widgets are mounted."""

    # Layout and drawing.

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        with HorizontalBackdrop(id="middle"):
            # Replaced by the lists after the first frame.
            yield VerticalBackdrop(id="left")
            with VerticalBackdrop(id="centre"):
                yield Composer(placeholder="Write a message", id="composer")
            yield VerticalBackdrop(id="side")
        yield KeyFooter()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of the background, which are all the same: only the first is rendered."""
        return super().render_lines(first_line(crop)) * crop.height

    @on(events.Mount)
    def _focus_composer(self) -> None:
        """Focus the composer; Textual's AUTO_FOCUS does nothing while the terminal is not focused."""
        self.composer.focus()

    @on(events.Resize)
    def _hide_lists(self, event: events.Resize) -> None:
        """Hide the list of channels in a tiny terminal; keys still switch channels."""
        self.set_class(event.size.width < TINY, "-tiny")

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def timeline(self) -> "TimelineView":
        return self.subjects.timeline

    @property
    def dialogs(self) -> "Dialogs":
        return self.subjects.dialogs

    def draw(self) -> None:
        """Draw the current state."""
        # Widgets are missing until the first frame, after which everything is drawn, and while the client ends.
        if self.complete and self.query_one_optional(TopLine):
            self.subjects.navigation.visit()
            self.subjects.drawing.draw_room()
            self.subjects.navigation.load_shown()

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
        """Show a notice about what the user did."""
        self.subjects.notes.add_notice(text, tone)

    def restore_drafts(self) -> None:
        """Put drafts of an earlier run into the composer."""
        self.composer.restore(self.client.state.drafts)

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""
        return self.subjects.notes.can_ask()

    async def search(self, words: str) -> None:
        """Open the search; with words, start searching at once."""
        await self.subjects.overviews.search(words)

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
        self.subjects.navigation.step(by)

    def action_next_channel(self, by: int) -> None:
        self.subjects.navigation.next_channel(by)

    def action_open_number(self, number: int) -> None:
        self.subjects.navigation.open_number(number)

    def action_open_unread(self) -> None:
        self.subjects.navigation.open_unread()

    def action_first_unread(self) -> None:
        self.subjects.navigation.show_new()

    def action_latest(self) -> None:
        self.subjects.navigation.show_latest()

    def action_switch(self) -> None:
        self.subjects.navigation.switch()

    def action_read(self) -> None:
        self.timeline.enter()

    def action_unmark(self) -> None:
        self.timeline.unmark()

    def action_scroll(self, by: int) -> None:
        """Scroll the messages by pages, without leaving the composer."""
        self.timeline.scroll_relative(y=by * self.timeline.size.height, animate=False)

    def action_edit(self) -> None:
        self.subjects.writing.edit(self.composer.text, self.composer.place)

    def action_edit_failed(self) -> None:
        self.subjects.writing.edit_failed()
        self.refresh_bindings()

    def action_people(self) -> None:
        """Focus the list of people; show it first in a narrow terminal."""
        self.subjects.profile.close()
        self.add_class("-people")
        self.query_one("#people-rows").focus()

    def action_my_status(self) -> None:
        self.subjects.people.choose_status()

    async def action_my_reports(self) -> None:
        await self.subjects.overviews.reports()

    async def action_search(self) -> None:
        await self.search("")

    async def action_mentions(self) -> None:
        await self.subjects.overviews.mentions()

    # Actions on the highlighted message.

    def action_reply(self) -> None:
        self._with_message(self.subjects.writing.reply)

    async def action_original(self) -> None:
        if line := self.timeline.highlighted:
            await self.subjects.messages.original(line)

    def action_report(self) -> None:
        self._with_message(self.subjects.reporting.report)

    def action_profile(self) -> None:
        self._with_message(lambda line: self.subjects.profile.open(line.author))

    def action_react(self) -> None:
        self._with_message(self.subjects.messages.react)

    def action_direct(self) -> None:
        self._with_message(lambda line: self.subjects.navigation.write_to(line.author))

    def action_mute(self) -> None:
        self._with_message(self.subjects.people.mute_author)

    def action_edit_message(self) -> None:
        self._with_message(self.subjects.messages.edit)

    def action_take_back(self) -> None:
        self._with_message(self.subjects.messages.take_back)

    def action_open_link(self) -> None:
        self._with_message(self.subjects.messages.open_link)

    def action_accept_offer(self) -> None:
        self.subjects.people.accept_offer()

    def action_decline_offer(self) -> None:
        self.subjects.people.decline_offer()

    def action_copy_text(self) -> None:
        """Copy the selection; if there is none, show how to quit, which this key does in other programs."""
        if text := self.get_selected_text():
            self.subjects.desktop.copy(text)
        else:
            self.composer.flash(f"Nothing is selected. Press {pressed('everywhere.quit')} to quit.")

    def action_copy(self) -> None:
        self._with_message(lambda line: self.subjects.desktop.copy(line.text))

    def _with_message(self, act: "Callable[[Line], None]") -> None:
        if line := self.timeline.highlighted:
            act(line)

    # Events of the widgets.

    @on(events.DescendantFocus)
    @on(Marked)
    def _show_mode(self) -> None:
        """Show in the composer which keys act while it has no focus, or how to act on the highlighted message."""
        if not self.complete:
            return
        nodes = self.focused.ancestors_with_self if self.focused else []
        modes = (MODES[node.WHERE] for node in nodes if isinstance(node, Placed) and node.WHERE in MODES)
        words, key = next(modes, MARKED if self.timeline.is_marked else ("", "composer.up"))
        self.composer.show_mode(words.format(pressed(key)))

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.timeline.unmark()
        self.subjects.commands.submit(event.text, event.place)
        self.redraw()

    @on(ReactionClicked)
    def _reaction_clicked(self, event: ReactionClicked) -> None:
        self.subjects.messages.toggle(event.line, event.emoji)

    @on(Composer.NothingSaid)
    def _nothing_said(self) -> None:
        self.note(QUOTATION_ONLY)

    @on(Composer.Changed, "#composer")
    def _draft_changed(self) -> None:
        if self.complete:
            self.client.state.drafts = self.composer.drafts
            self.client.changed()

    @on(Composer.Typed)
    def _typed(self, event: Composer.Typed) -> None:
        self.subjects.writing.typed(event.place)

    @on(Composer.LongPaste)
    def _pasted(self, event: Composer.LongPaste) -> None:
        self.subjects.writing.paste(event.text)

    @on(PlaceWanted)
    def _place_wanted(self, event: PlaceWanted) -> None:
        self.subjects.navigation.look_at(event.place)

    @on(PersonWanted)
    def _person_wanted(self, event: PersonWanted) -> None:
        acts = {
            Want.PROFILE: self.subjects.profile.open,
            Want.WRITE: self._write_to,
            Want.MUTE: self.subjects.people.mute,
            Want.BLOCK: self.subjects.people.block,
        }
        acts[event.want](event.username)

    def _write_to(self, username: str) -> None:
        self.subjects.profile.close()
        self.subjects.navigation.write_to(username)

    @on(ProfileClosed)
    def _profile_closed(self) -> None:
        self.subjects.profile.close()

    @on(OfferAnswered)
    def _offer_answered(self, event: OfferAnswered) -> None:
        if event.mute:
            self.subjects.people.accept_offer()
        else:
            self.subjects.people.decline_offer()

    @on(PageWanted)
    def _page_wanted(self, event: PageWanted) -> None:
        self.subjects.navigation.load_page(event.low, forward=event.forward, scrolled=event.scrolled)

    @on(UnreadWanted)
    def _unread_wanted(self) -> None:
        self.subjects.navigation.open_unread()

    @on(TimelineScrolled)
    def _scrolled(self) -> None:
        self.subjects.reading.scrolled()

    @on(LatestWanted)
    def _latest_wanted(self) -> None:
        self.subjects.navigation.show_latest()

    @on(BackToWriting)
    def _back_to_writing(self) -> None:
        self.write()

    @on(TextSelected)
    def _selected(self) -> None:
        self.subjects.desktop.copy_selection()
