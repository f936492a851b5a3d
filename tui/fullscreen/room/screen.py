"""The room: channels, timeline, people or a profile, composer and keys."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from server.protocol.frames import Webhooks
from tui.client.state import State
from tui.fullscreen.commands import Command
from tui.fullscreen.keys.keymap import Where, bindings
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.channels import ChannelList
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.header import TITLE, TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.people import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel

NO_WEBHOOKS = Webhooks(report=False, profile=False)


class ChatScreen(Screen[None]):
    """Shows the state; what the person wants goes up to the app as messages."""

    BINDINGS = bindings(Where.EVERYWHERE)
    # Writing comes first.
    AUTO_FOCUS = "#composer"

    def __init__(self, connection: str) -> None:
        """`connection` is said of it until `show`."""
        super().__init__()
        self._connection = connection
        self.furnished = False
        """Whether all is there."""
        self._before_profile: Widget | None = None
        self._copied = ""
        """What is selected, once it was copied: the mouse is let go for other reasons too."""

    def compose(self) -> ComposeResult:
        """From top to bottom, from left to right."""
        yield TopLine(self._connection, id="top")
        with Horizontal(id="middle"):
            yield Vertical(id="left")
            with Vertical(id="centre"):
                yield TimelineView(id="timeline")
                yield Composer(placeholder="Write a message", id="composer")
            yield Vertical(id="side")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Writing comes first, also where the terminal has not the focus itself, and Textual gives none."""
        self.composer.focus()

    async def furnish(self) -> None:
        """Put in what is still empty, or seen only at times; it would make the first frame late."""
        offer, profile = MuteOffer(id="offer"), ProfilePanel(id="profile")
        offer.display = profile.display = False
        await self.query_one("#left").mount(ChannelList(id="channels"))
        await self.query_one("#centre").mount(offer, before=self.composer)
        await self.query_one("#side").mount(PeopleList(id="people"), profile)
        self.furnished = True

    @property
    def composer(self) -> Composer:
        """Where messages are written."""
        return self.query_one(Composer)

    @property
    def timeline(self) -> TimelineView:
        """Where messages are read."""
        return self.query_one(TimelineView)

    def show(self, state: State, connection: str, *, online: bool, commands: Iterable[Command] = ()) -> None:
        """Draw what is known now; `commands` can be written."""
        if not self.furnished:
            # Something was written before the first frame; it is drawn after it.
            return
        webhooks = state.welcome.webhooks if state.welcome else NO_WEBHOOKS
        title = state.welcome.title if state.welcome else TITLE
        self.query_one(TopLine).show(title, state.place, connection, online=online, typing=state.is_typing)
        self.query_one(ChannelList).show(state.timelines.values(), state.current)
        self.query_one(PeopleList).show(state.people.values(), state.me, state.relations, profiles=webhooks.profile)
        self.query_one(MuteOffer).show(state.mute_offer)
        placeholder = "Nobody has said anything here yet." if state.welcome else f"{connection}…"
        self.timeline.show(
            state.timeline,
            state.relations.hidden,
            reports=webhooks.report,
            profiles=webhooks.profile,
            placeholder=placeholder,
        )
        limit = state.welcome.limits.message_chars if state.welcome else 0
        self.composer.turn(state.current, [*_words(state), *(f"/{each.name}" for each in commands)], limit)
        self._show_profile(state)

    def _show_profile(self, state: State) -> None:
        panel, people = self.query_one(ProfilePanel), self.query_one(PeopleList)
        panel.display, people.display = state.profile is not None, state.profile is None
        if state.profile:
            panel.show(state.profile)
        self.set_class(state.profile is not None, "-profile")

    def action_read(self) -> None:
        """Turn to the latest message."""
        self.timeline.enter()

    def write(self) -> None:
        """Turn to the composer."""
        self.remove_class("-people")
        self.composer.focus()

    def on_text_selected(self) -> None:
        """Copy what was selected as soon as the mouse is let go, as terminals do."""
        text = self.get_selected_text() or ""
        if text and text != self._copied:
            self.post_message(TimelineView.CopyWanted(text))
        self._copied = text

    def show_profile(self) -> None:
        """Turn to the profile; `leave_profile` turns back to where the person came from."""
        if self.focused is not self.query_one(ProfilePanel):
            self._before_profile = self.focused
        self.query_one(ProfilePanel).focus()

    def leave_profile(self) -> None:
        """Turn back from the profile."""
        before, self._before_profile = self._before_profile, None
        if before and before.is_attached and before.display:
            before.focus()
        else:
            self.write()

    def show_people(self) -> None:
        """Turn to the list of people, also where the terminal is too narrow to show it always."""
        self.add_class("-people")
        self.query_one(PeopleList).focus()


def _words(state: State) -> list[str]:
    """What the composer completes: people and channels."""
    people = [f"@{name}" for name in state.people.keys() - state.relations.hidden if name != state.me]
    return [*people, *(f"#{each.name}" for each in state.timelines.values() if not each.id.startswith("@"))]
