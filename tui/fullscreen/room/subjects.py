"""The subjects of the room, and the widgets that its first frame does not need: imported and created after it."""

from textual.screen import Screen

from tui.fullscreen.room.commands import RoomCommands
from tui.fullscreen.room.desktop import Desktop
from tui.fullscreen.room.dialogs import Dialogs
from tui.fullscreen.room.drawing import Drawing
from tui.fullscreen.room.interface import RoomHost, RoomInterface
from tui.fullscreen.room.message_actions import MessageActions
from tui.fullscreen.room.navigation import Navigation
from tui.fullscreen.room.notes import Notes
from tui.fullscreen.room.overviews import Overviews
from tui.fullscreen.room.people_actions import PeopleActions
from tui.fullscreen.room.profile_actions import ProfileActions
from tui.fullscreen.room.reading import Attention, Reading
from tui.fullscreen.room.reporting import Reporting
from tui.fullscreen.room.writing import Writing
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.typeahead import TypeAhead
from tui.fullscreen.widgets.channels import PlaceLists
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.new_below import NewBelow
from tui.fullscreen.widgets.people_list import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel


class Subjects:
    """The objects that handle the keys and events of the room, one for each subject."""

    def __init__(
        self, screen: Screen[None], room: RoomInterface, typeahead: TypeAhead, attention: Attention, host: RoomHost
    ) -> None:
        """`screen` and `room` are the same object."""
        self._screen = screen
        self.timeline = TimelineView(id="timeline")
        self.notes = Notes(screen, room)
        self.dialogs = Dialogs(screen, typeahead, room.write)
        self.desktop = Desktop(screen, lambda text: room.composer.flash(text))
        self.reading = Reading(screen, room, attention)
        self.navigation = Navigation(room, attention.is_muted)
        self.writing = Writing(room, host.edit_text)
        self.reporting = Reporting(room)
        self.overviews = Overviews(screen, room, self.navigation, self.reporting)
        self.people = PeopleActions(room)
        self.profile = ProfileActions(screen, room, self.people)
        self.messages = MessageActions(room, self.desktop)
        self.commands = RoomCommands(
            screen,
            room,
            navigation=self.navigation,
            writing=self.writing,
            people=self.people,
            attention=attention,
            host=host,
        )
        self.drawing = Drawing(screen, room.client, self.reading, attention, self.commands)

    async def mount(self) -> None:
        """Mount the widgets that are empty or hidden at first, which would delay the first frame."""
        offer, profile, below = MuteOffer(id="offer"), ProfilePanel(id="profile"), NewBelow(id="below")
        offer.display = profile.display = below.display = False
        # In one step, or the composer would move to the left while nothing is there.
        with self._screen.app.batch_update():
            await self._screen.query_one("#left").remove()
            await self._screen.query_one("#middle").mount(PlaceLists(id="left"), before="#centre")
            await self._screen.query_one("#centre").mount(self.timeline, below, offer, before="#composer")
            await self._screen.query_one("#side").mount(PeopleList(id="people"), profile)
