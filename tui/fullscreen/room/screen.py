"""The room's screen: its layout, and what each key and event does."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume, TextSelected
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker

from server.protocol import name_text, target
from server.protocol.frames import MAX_QUERY_CHARS, Webhooks
from tui.client import slash
from tui.client.client import OFFLINE, Client
from tui.client.completion import Known
from tui.client.quotation import original, quoted, words_of
from tui.client.search import SearchState
from tui.client.state import ACT, ClientState
from tui.client.timeline import Line
from tui.client.unread import Unseen
from tui.config import Level
from tui.fullscreen import clipboard, slash_commands
from tui.fullscreen.browser import has_browser
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import KEYS, Where, pressed
from tui.fullscreen.room.interface import Result
from tui.fullscreen.room.message_actions import MessageActions
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.room.reporting import Reporting
from tui.fullscreen.room.writing import Writing
from tui.fullscreen.screens.live import LiveScreen
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import Placed, TypeAhead
from tui.fullscreen.widgets.channels import ChannelList, PlaceLists, UnreadOutOfView
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.header import TITLE, TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.new_below import NewBelow
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.widget_messages import BackToWriting
from tui.tone import Tone

if TYPE_CHECKING:
    from tui.fullscreen.widgets.rows import ListRow

QUOTATION_ONLY = "Not sent: this is only a quotation. Write your reply below it."
MODES = {
    Where.MESSAGES: "Message keys - Esc to write",
    Where.CHANNELS: "Channel list - Esc to write",
    Where.PEOPLE: "People list - Esc to write",
    Where.PROFILE: "Profile - Esc to close",
}
"""What the composer shows while keys do not write there."""
MARKED = "Write a message, or {} for the keys of the highlighted one"
DEFAULT_LEVEL = "default"
TINY = 60
"""The width in cells below which the list of channels is hidden."""
STATE_ACTIONS = ("accept_offer", "decline_offer", "mend", "my_reports")
"""Actions that are available in some states of the room only."""
NO_WEBHOOKS = Webhooks(report=False, profile=False)


class Attention(Protocol):
    """Where the user looks, and what they want to hear of; implemented by the app."""

    @property
    def focused(self) -> bool:
        """True if the user looks at the terminal, as far as is known."""

    @property
    def is_elsewhere(self) -> bool:
        """True if the terminal reported that the user looks elsewhere."""

    def is_muted(self, place: str) -> bool:
        """Return whether the user wants no notices of a channel or conversation."""

    def level(self, place: str) -> str:
        """Return which messages of a channel or conversation cause notices."""


class RoomScreen(Screen[None]):
    """Draws the state, and passes what the user wants to the room's subjects."""

    WHERE = Where.EVERYWHERE
    BINDINGS = bindings(WHERE)

    class ServerWanted(Message):
        """The user wants to connect to another server."""

        def __init__(self, server: str) -> None:
            super().__init__()
            self.server = server

    # The user starts by writing.
    AUTO_FOCUS = "#composer"

    def __init__(
        self,
        client: Client,
        typeahead: TypeAhead,
        *,
        redraw: Callable[[], None],
        edit: Callable[[str], Awaitable[str]],
        attention: Attention,
        set_level: Callable[[str, Level | None], str | None],
    ) -> None:
        """`redraw` draws all screens; `edit` opens a text in the user's editor and returns it.

        `set_level` stores the level of notices of a place (None: as everywhere), and returns the problem, or None.
        """
        super().__init__()
        self.client = client
        self.redraw = redraw
        self._typeahead = typeahead
        self._attention = attention
        self._set_level = set_level
        client.state.watched = self._is_watched
        self.navigation = Navigation(self)
        self.writing = Writing(self, edit)
        self.reporting = Reporting(self)
        self.people = PeopleActions(self)
        self.messages = MessageActions(self)
        self.complete = False
        """True once all widgets are mounted."""
        self._before_profile: Widget | None = None
        self._muted = ""
        """Whom the user muted last by a key on a message."""
        self._means: tuple[bool | str | None, ...] = ()
        """The availability of actions when the footer was last drawn."""
        self._copied = ""
        """The selected text, once copied: the mouse button is released for other reasons too."""

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
        """Leave a tiny terminal to the messages; places can be found by key."""
        self.set_class(event.size.width < TINY, "-tiny")

    async def mount_deferred(self) -> None:
        """Mount the widgets that are still empty or hidden; they would delay the first frame."""
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
        self.query_one(PeopleList).show(
            state.people,
            state.me,
            state.relations,
            state.name_hues,
            changes=state.people_changes,
            profiles=webhooks.profile,
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
            hues=state.name_hues,
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
        self._refresh_keys()
        self.navigation.load_shown()

    def _refresh_keys(self) -> None:
        """Redraw the footer if the available actions have changed; those of a message are the timeline's affair."""
        profiles = self.query_one(PeopleList).check_action("profile", ())
        means = (*(self.check_action(name, ()) for name in STATE_ACTIONS), profiles, self.client.state.me)
        if means != self._means:
            self._means = means
            self.refresh_bindings()

    def look(self) -> None:
        """Record what the user sees, and count what is new below it."""
        if not self.complete or not self.timeline.is_attached:
            return
        below = self.query_one(NewBelow)
        below.show(self._unseen)
        if below.display and not below.region:
            # It takes a line of the messages, so what is on the screen is known once they are laid out again.
            return
        if self.is_active and self._attention.focused:
            self.navigation.look()
            below.show(self._unseen)

    @property
    def _unseen(self) -> Unseen:
        state = self.client.state
        return state.unseen(self.timeline.seen[1]) if state.timeline.unread else Unseen()

    def _is_watched(self) -> bool:
        """Return whether the user sees what arrives in the current place."""
        return self.is_active and self._attention.focused and self.complete and self.timeline.follows

    def _placeholder(self, state: ClientState) -> str:
        """Return what is shown in place of messages: that there are none only if the server said so."""
        if not state.welcome:
            return f"{self.client.status}…"
        if state.timeline.complete:
            return "Nobody has said anything here yet."
        if not self.client.online:
            return "Nothing is loaded here yet, and you are offline."
        return "The messages could not be loaded." if state.timeline.refused else "Loading…"

    @on(ScreenResume)
    def _resumed(self) -> None:
        """Record what is seen again, after another screen."""
        if self.complete:
            self.redraw()

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

    def take_text(self) -> None:
        """Focus the composer: what is typed or pasted in a list, or on a message, is a message."""
        self.write()

    def write(self) -> None:
        """Focus the composer."""
        self.remove_class("-people")
        self.composer.focus()

    # What subjects and commands may use: see `RoomInterface` and `CommandRoom`.

    def note(self, text: str, tone: Tone = Tone.INFO) -> None:
        """Show a notice in the current timeline, and over it if its end is out of view."""
        # What the user does next replaces it.
        self.client.state.note(text, tone, topic=ACT)
        if self.complete and not self.timeline.follows:
            self.app.notify(text, severity="error" if tone is Tone.BAD else "information", markup=False)
        self.redraw()

    def can_ask(self) -> bool:
        """Return whether the client is online; if not, show a notice."""
        if not self.client.online:
            self.note(OFFLINE, Tone.BAD)
        return self.client.online

    def is_muted(self, place: str) -> bool:
        """Return whether the user wants no notices of a channel or conversation."""
        return self._attention.is_muted(place)

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

    def start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a coroutine that asks the user, in place of any that is still running."""

        async def run() -> None:
            with self._typeahead.working():
                await work()

        _: Worker[None] = self.run_worker(run, group="form", exclusive=True)

    async def ask(self, question: str, yes: str, *, sends: bool = False) -> bool:
        """Ask a yes/no question. Call it only in a coroutine run by `start`.

        What is typed without answering it goes to the composer afterwards; `sends`: Enter too, if the answer is yes.
        """
        from tui.fullscreen.screens.question import Question

        asked = Question(question, yes, "Cancel")
        answer = await self.result_of(asked)
        if typed := asked.deferred(send=sends and answer):
            self.write()
            self._typeahead.replay(typed)
        return answer

    async def choose(self, placeholder: str, offer: "Callable[[str], Sequence[ListRow]]") -> str | None:
        """Return the ID of the row that the user picks, or None. Call it only in a coroutine run by `start`."""
        from tui.fullscreen.screens.picker import Picker

        return await self.result_of(Picker(placeholder, offer))

    async def result_of(self, screen: Screen[Result]) -> Result:
        """Show a screen and return its result. Call it only in a coroutine run by `start`."""
        with self._typeahead.asking(screen):
            return await self.app.push_screen_wait(screen)

    def look_at(self, place: str) -> None:
        """Open a channel or conversation, by its ID."""
        self.navigation.look_at(place)

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

    async def open_address(self, url: str) -> None:
        """Open an address in the user's browser, or copy it if there is none."""
        if self.app.is_web:
            self.app.open_url(url)
        elif has_browser(os.environ):
            # It can wait for the browser to answer.
            await asyncio.to_thread(self.app.open_url, url)
            self.composer.flash("Opened in your browser.")
        else:
            self.app.copy_to_clipboard(url)
            self.composer.flash("No browser can be opened from here. The address is copied.")

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
        self._close_profile()
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
        self._with_message(lambda line: self._show_profile_of(line.author))

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
            self._copy(text)
        else:
            self.composer.flash(f"Nothing is selected. {pressed('everywhere.quit')} quits.")

    def action_copy(self) -> None:
        self._with_message(lambda line: self._copy(line.text))

    def _with_message(self, act: Callable[[Line], None]) -> None:
        if line := self.timeline.highlighted:
            act(line)

    def _copy(self, text: str) -> None:
        # OSC 52: the terminal's clipboard, also over ssh.
        self.app.copy_to_clipboard(text)
        if clipboard.asks_tmux(os.environ):
            self.run_worker(self._copy_in_tmux(text), group="copy", exclusive=True)
        else:
            self.composer.flash(clipboard.sent(os.environ))

    async def _copy_in_tmux(self, text: str) -> None:
        self.composer.flash(await clipboard.load_tmux(text, os.environ))

    # Events of the widgets.

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

    @on(RowList.Selected, "#left RowList")
    def _channel_selected(self, event: RowList.Selected) -> None:
        if event.id:
            self.look_at(event.id)

    @on(RowList.Selected, "#people")
    def _person_selected(self, event: RowList.Selected) -> None:
        if event.id and event.id != self.client.state.me:
            self.look_at(target.conversation(event.id))

    @on(PeopleList.ProfileWanted)
    def _profile_wanted(self, event: PeopleList.ProfileWanted) -> None:
        self._show_profile_of(event.username)

    @on(PeopleList.MuteWanted)
    def _mute_wanted(self, event: PeopleList.MuteWanted) -> None:
        self.people.mute(event.username)

    @on(PeopleList.BlockWanted)
    def _block_wanted(self, event: PeopleList.BlockWanted) -> None:
        if self.can_ask():
            self.block(event.username)

    @on(ProfilePanel.WriteWanted)
    def _write_wanted(self, event: ProfilePanel.WriteWanted) -> None:
        self._close_profile()
        self.look_at(target.conversation(event.username))

    @on(ProfilePanel.Closed)
    def _close_profile(self) -> None:
        """Show the list of people again, and restore the focus."""
        self.people.close_profile()
        before, self._before_profile = self._before_profile, None
        if before and before.is_attached and before.display:
            before.focus()
        else:
            self.write()

    def _show_profile_of(self, username: str) -> None:
        panel = self.query_one(ProfilePanel)
        if self.people.ask_profile(username):
            if self.focused is not panel:
                self._before_profile = self.focused
            panel.focus()

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
            self._copy(text)
        self._copied = text
