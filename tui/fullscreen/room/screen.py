"""The room's screen: how the state is drawn, and what the events of widgets do."""

from functools import partial

from textual import events, on
from textual.events import ScreenResume, TextSelected
from textual.widgets import OptionList

from server.protocol import name_text, target
from server.protocol.frames import Webhooks
from tui.client import slash
from tui.client.completion import Known
from tui.client.state import ClientState
from tui.client.unread import Unseen
from tui.fullscreen import slash_commands
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.room.actions import RoomActions
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import Placed
from tui.fullscreen.widgets.channels import ChannelList, PlaceLists, UnreadOutOfView
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.header import TITLE, TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.new_below import NewBelow
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.fullscreen.widgets.widget_messages import BackToWriting

QUOTATION_ONLY = "Not sent: this is only a quotation. Write your reply below it."
MODES = {
    Where.MESSAGES: "Message keys - Esc to write",
    Where.CHANNELS: "Channel list - Esc to write",
    Where.PEOPLE: "People list - Esc to write",
    Where.PROFILE: "Profile - Esc to close",
}
"""What the composer shows while keys do not write there."""
MARKED = "Write a message, or {} for the keys of the highlighted one"
NO_WEBHOOKS = Webhooks(report=False, profile=False)


class RoomScreen(RoomActions):
    """Draws the state, and passes what widgets report to the room's subjects."""

    def show(self) -> None:
        """Draw the current state."""
        self.navigation.visit()
        top = self.query_one_optional(TopLine)
        if not self.complete or top is None:
            # Before the first frame, after which this is drawn, or while the client ends and its widgets are gone.
            return
        state, status, online = self.client.state, self.client.status, self.client.online
        webhooks = state.welcome.webhooks if state.welcome else NO_WEBHOOKS
        title = state.welcome.title if state.welcome else TITLE
        top.show(
            title,
            state.place,
            status,
            online=online,
            quiet=name_text.shown(state.me) if state.dnd else "",
            typing=state.is_typing,
            exposed=self.client.exposed,
        )
        state.hues.seat(state.people)
        self.query_one(PeopleList).show(
            state.people.values(), state.me, state.relations, state.hues.of, profiles=webhooks.profile
        )
        self.query_one(MuteOffer).show(state.mute_offer)
        self.timeline.show(
            state.timeline,
            state.relations.hidden,
            reports=webhooks.report,
            profiles=webhooks.profile,
            placeholder=self._placeholder(state),
            away=not self.is_active or self._attention.is_elsewhere,
            words=state.names_of_user,
            hues=state.hues.of,
        )
        self.look()
        self.query_one(PlaceLists).show(state.timelines.values(), state.current, state.drafts, self.is_muted)
        self._count_out_of_view()
        limit = state.welcome.limits.message_chars if state.welcome else 0
        for old, new in state.renamed.items():
            self.composer.rename(old, new)
        state.renamed.clear()
        self.composer.set_target(state.current, self._known, limit)
        self._show_profile(state)
        self.navigation.load_shown()

    def look(self) -> None:
        """Record what the user sees, and count what is new below it."""
        if not self.complete or not self.timeline.is_attached:
            return
        below = self.query_one(NewBelow)
        shown_before = below.display
        below.show(self._unseen)
        if below.display and not shown_before:
            # It takes a line of the messages, so what is on the screen is known once they are laid out again.
            return
        if self.is_active and self._attention.focused:
            self.navigation.look()
            below.show(self._unseen)

    @property
    def _unseen(self) -> Unseen:
        state = self.client.state
        return state.unseen(self.timeline.seen[1]) if state.timeline.unread else Unseen()

    def _placeholder(self, state: ClientState) -> str:
        """Return what is shown in place of messages: that there are none only if the server said so."""
        if not state.welcome:
            return f"{self.client.status}…"
        if state.timeline.complete:
            return "Nobody has said anything here yet."
        if not self.client.online:
            return "Nothing is loaded here yet, and you are offline."
        return "The messages could not be loaded." if state.timeline.refused else "Loading…"

    def _show_profile(self, state: ClientState) -> None:
        panel, people = self.query_one(ProfilePanel), self.query_one(PeopleList)
        panel.display, people.display = state.profile is not None, state.profile is None
        if state.profile:
            panel.show(state.profile, state.me)
        self.set_class(state.profile is not None, "-profile")

    def _known(self) -> Known:
        """Return what the composer completes."""
        state = self.client.state
        return Known(
            people=slash.names(state) - state.relations.hidden - {state.me},
            channels=[each.name for each in state.timelines.values() if each.peer is None],
            commands={each.name: each.takes for each in slash_commands.allowed(self)},
            hidden=state.relations.hidden,
        )

    # Events of the widgets.

    @on(ScreenResume)
    def _resumed(self) -> None:
        """Record what is seen again, after another screen."""
        if self.complete:
            self.redraw()

    @on(events.DescendantFocus)
    @on(TimelineView.Marked)
    def _show_mode(self) -> None:
        """Show in the composer that keys do not write there, or how to reach those of a message."""
        nodes = self.focused.ancestors_with_self if self.focused else []
        mode = next((MODES[node.WHERE] for node in nodes if isinstance(node, Placed) and node.WHERE in MODES), "")
        if not mode and self.timeline.is_marked:
            mode = MARKED.format(pressed("composer.up"))
        self.composer.show_mode(mode)

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.timeline.unmark()
        if slash.is_command(event.text):
            problem = slash_commands.run(self, event.text, event.place)
        else:
            problem = self.say(slash.said(event.text), event.place)
        if problem:
            self.writing.give_back(event.text, event.place, problem)
        self.redraw()

    @on(TimelineView.ReactionClicked)
    def _reaction_clicked(self, event: TimelineView.ReactionClicked) -> None:
        if self.can_ask():
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
        self.start(partial(self.writing.paste, event.text))

    @on(Composer.EditorWanted)
    def _edit(self, event: Composer.EditorWanted) -> None:
        self.start(partial(self.writing.edit, event.text, event.place))

    @on(OptionList.OptionSelected, "#left OptionList")
    def _channel_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.look_at(event.option_id)

    @on(OptionList.OptionSelected, "#people")
    def _person_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id and event.option_id != self.client.state.me:
            self.look_at(target.conversation(event.option_id))

    @on(PeopleList.ProfileWanted)
    def _profile_wanted(self, event: PeopleList.ProfileWanted) -> None:
        self.show_profile(event.username)

    @on(PeopleList.MuteWanted)
    def _mute_wanted(self, event: PeopleList.MuteWanted) -> None:
        self.people.mute(event.username)

    @on(PeopleList.BlockWanted)
    def _block_wanted(self, event: PeopleList.BlockWanted) -> None:
        if self.can_ask():
            self.block(event.username)

    @on(ProfilePanel.WriteWanted)
    def _write_wanted(self, event: ProfilePanel.WriteWanted) -> None:
        self.close_profile()
        self.look_at(target.conversation(event.username))

    @on(ProfilePanel.Closed)
    def _profile_closed(self) -> None:
        self.close_profile()

    @on(MuteOffer.Accepted)
    def _mute_accepted(self) -> None:
        self.people.accept_offer()

    @on(MuteOffer.Declined)
    def _mute_declined(self) -> None:
        self.people.decline_offer()

    @on(TimelineView.PageWanted)
    def _page_wanted(self, event: TimelineView.PageWanted) -> None:
        timeline = self.client.state.timeline
        timeline.refused = timeline.refused and not event.scrolled
        if not timeline.refused:
            self.navigation.load_page(event.low, forward=event.forward)

    @on(ChannelList.Moved)
    def _count_out_of_view(self) -> None:
        """Hint at unread messages of places that are out of view."""
        self.query_one(PlaceLists).count_out_of_view()

    @on(UnreadOutOfView.Wanted)
    def _out_of_view_pressed(self) -> None:
        self.navigation.open_unread()

    @on(TimelineView.Scrolled)
    def _scrolled(self) -> None:
        before = self.client.state.timeline.unread
        self.look()
        if before != self.client.state.timeline.unread:
            self.redraw()

    @on(NewBelow.Pressed)
    def _below_pressed(self) -> None:
        self.navigation.show_latest()

    @on(BackToWriting)
    def _back_to_writing(self) -> None:
        self.write()

    @on(TextSelected)
    def _selected(self) -> None:
        """Copy the selection as soon as the mouse button is released, as terminals do."""
        text = self.get_selected_text() or ""
        if text and text != self._copied:
            self.copy(text)
        self._copied = text
