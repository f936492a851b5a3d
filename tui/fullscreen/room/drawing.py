"""Drawing the state of the client: what each widget of the room shows."""

from textual.screen import Screen

from server.protocol import name_text
from server.protocol.frames import Webhooks
from tui.client import slash
from tui.client.client import Client
from tui.client.completion import Completion, Known, complete
from tui.client.emojis import named
from tui.client.state import ClientState
from tui.fullscreen import slash_commands
from tui.fullscreen.room.reading import Attention, Reading
from tui.fullscreen.slash_commands import CommandRoom
from tui.fullscreen.timeline.allowed import Offers
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.header import TITLE, TopLine
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel

STATE_ACTIONS = ("accept_offer", "decline_offer", "edit_failed", "my_reports", "search")
"""Actions that are available only in some states of the room."""
NO_WEBHOOKS = Webhooks(report=False, profile=False)


class Drawing:
    """Passes the state to the widgets."""

    def __init__(
        self, screen: Screen[None], client: Client, reading: Reading, attention: Attention, commands: CommandRoom
    ) -> None:
        self._screen, self._client = screen, client
        self._reading, self._attention, self._commands = reading, attention, commands
        self._available: tuple[bool | str | None, ...] = ()
        """The availability of actions when the footer was last drawn."""

    def draw_room(self) -> None:
        """Draw the current state."""
        state = self._client.state
        webhooks = state.welcome.webhooks if state.welcome else NO_WEBHOOKS
        self._show_top(state)
        self._screen.query_one(PeopleList).show_people(
            state.people,
            state.me,
            state.relations,
            state.name_hues,
            changes=state.people_changes,
            profiles=webhooks.profile or state.has_facts,
        )
        self._screen.query_one(MuteOffer).offer_mute(state.mute_offer)
        self._show_timeline(state, webhooks)
        self._reading.look()
        places = self._screen.query_one(PlaceLists)
        places.show_places(state.timelines.values(), state.current, state.drafts, self._attention.is_muted)
        # The layout decides what is in view.
        places.call_after_refresh(places.count_out_of_view)
        self._show_composer(state)
        self._show_profile(state)
        self._show_keys()

    def _show_top(self, state: ClientState) -> None:
        self._screen.query_one(TopLine).show_room(
            state.welcome.title if state.welcome else TITLE,
            state.place,
            self._client.status,
            online=self._client.online,
            quiet=name_text.shown(state.me) if state.dnd else "",
            typing=state.is_typing,
            exposed=self._client.exposed,
        )

    def _show_timeline(self, state: ClientState, webhooks: Webhooks) -> None:
        self._screen.query_one(TimelineView).show_timeline(
            state.timeline,
            state.relations.hidden,
            Offers(webhooks.report, webhooks.profile or state.has_facts, state.is_operator),
            placeholder=self._placeholder(state),
            away=self._reading.is_away,
            words=state.names_of_user,
            hues=state.name_hues,
        )

    def _placeholder(self, state: ClientState) -> str:
        """Return the text shown in place of messages; it says that there are none only if the server said so."""
        if not state.welcome:
            return f"{self._client.status}…"
        if state.timeline.complete:
            return "Nobody has said anything here yet."
        if not self._client.online:
            return "You are offline, and nothing is loaded here yet."
        return f"Loading failed. Open {state.place} again to retry." if state.timeline.refused else "Loading…"

    def _show_composer(self, state: ClientState) -> None:
        composer = self._screen.query_one(Composer)
        for old, new in state.renamed.items():
            composer.rename(old, new)
        state.renamed.clear()
        composer.set_target(state.current, self._complete, state.welcome.limits.message_chars if state.welcome else 0)

    def _complete(self, before: str, last: Completion | None, *, first_line: bool, bare: bool) -> Completion | None:
        """Complete a name, channel, emoji or command in the composer."""
        return complete(before, self._known, last, named, first_line=first_line, bare=bare)

    def _known(self) -> Known:
        """Return the names that the composer completes."""
        state = self._client.state
        return Known(
            people=slash.names(state) - state.relations.hidden - {state.me},
            channels=[each.name for each in state.timelines.values() if each.peer is None],
            commands={each.name: each.takes for each in slash_commands.allowed(self._commands)},
            hidden=state.relations.hidden,
        )

    def _show_profile(self, state: ClientState) -> None:
        panel, people = self._screen.query_one(ProfilePanel), self._screen.query_one(PeopleList)
        panel.display, people.display = state.profile is not None, state.profile is None
        if state.profile:
            panel.show_profile(state.profile, state.me, state.facts_of(state.profile.username))
        self._screen.set_class(state.profile is not None, "-profile")

    def _show_keys(self) -> None:
        """Redraw the footer if the available actions have changed; the timeline does so for those on a message."""
        profiles = self._screen.query_one(PeopleList).check_action("profile", ())
        available = (*(self._screen.check_action(name, ()) for name in STATE_ACTIONS), profiles, self._client.state.me)
        if available != self._available:
            self._available = available
            self._screen.refresh_bindings()
