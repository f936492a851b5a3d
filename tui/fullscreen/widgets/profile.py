"""The profile panel on the right: what the site says about a person."""

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from server.protocol import name_text
from tui.client.profile_view import ProfileView, Stage
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where
from tui.fullscreen.widgets.widget_messages import PersonWanted, ProfileClosed, Want

Facts = tuple[tuple[str, str], ...]
ABOUT_OTHERS = ("direct", "mute", "block")
"""Actions on another person."""
MOST_HEADLINE_CELLS = 120
"""About four lines, so that the fields stay in sight."""


class ProfilePanel(VerticalScroll, can_focus=True):
    """Shows one profile: its headline and fields, a note that it is loading, or the error."""

    WHERE = Where.PROFILE
    BINDINGS = bindings(WHERE)

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: ProfileView | None = None
        self._me = ""
        self._facts: Facts = ()

    def compose(self) -> ComposeResult:
        yield Static(id="profile-name", markup=False)
        yield Static(id="profile-headline", markup=False)
        yield Static(id="profile-fields", markup=False)
        yield Static(id="profile-state", markup=False)
        with Horizontal(id="profile-buttons"):
            yield Button("Message", id="profile-direct", compact=True)
            yield Button("Mute", id="profile-mute", compact=True)
            yield Button("Block", id="profile-block", compact=True)
            yield Button("Close", id="profile-close", compact=True)

    def show_profile(self, view: ProfileView, me: str, facts: Facts = ()) -> None:
        """Show a profile, as far as it is loaded; `me`: the name of the user, `facts`: what is known from the room."""
        if view is self._shown and facts == self._facts:
            return
        self._shown, self._me, self._facts = view, me, facts
        for action in ABOUT_OTHERS:
            self.query_one(f"#profile-{action}").display = view.username != me
        self.refresh_bindings()
        self.query_one("#profile-name", Static).update(Content(name_text.shown(view.username)))
        headline = Content(" ".join(view.headline.split()))
        self._fill("#profile-headline", headline.truncate(MOST_HEADLINE_CELLS, ellipsis=True), shown=bool(headline))
        # A tooltip shows what was cut off.
        self.query_one("#profile-headline").tooltip = headline if headline.cell_length > MOST_HEADLINE_CELLS else None
        fields = (*facts, *view.fields)
        self._fill("#profile-fields", _table(fields), shown=bool(fields))
        state = "" if facts and view.stage is Stage.READY else _state(view)
        self._fill("#profile-state", Content(state), shown=bool(state))
        self.query_one("#profile-state").set_class(view.stage is Stage.FAILED, "failed")

    def _fill(self, selector: str, content: Content | Table, *, shown: bool) -> None:
        widget = self.query_one(selector, Static)
        widget.update(content)
        widget.display = shown

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the actions on other people in the user's own profile."""
        return action not in ABOUT_OTHERS or (self._shown is not None and self._shown.username != self._me)

    def action_direct(self) -> None:
        self._post(Want.WRITE)

    def action_mute(self) -> None:
        """Mute or unmute the person."""
        self._post(Want.MUTE)

    def action_block(self) -> None:
        """Block or unblock the person."""
        self._post(Want.BLOCK)

    def _post(self, want: Want) -> None:
        if self._shown:
            self.post_message(PersonWanted(self._shown.username, want))

    def action_close(self) -> None:
        self.post_message(ProfileClosed())

    @on(Button.Pressed)
    async def _button_pressed(self, event: Button.Pressed) -> None:
        """Do what the key of the same action does."""
        event.stop()
        await self.run_action((event.button.id or "").removeprefix("profile-"))


def _state(view: ProfileView) -> str:
    if view.stage is Stage.LOADING:
        return "Asking the site…"
    if view.stage is Stage.FAILED:
        return f"✗ {view.error}"
    return "" if view.fields or view.headline else "The site has no information about this person."


def _table(fields: tuple[tuple[str, str], ...]) -> Table:
    """Return the fields as a table of two columns. `Text` does not parse markup."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(ratio=2, style="dim", overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    for name, value in fields:
        table.add_row(Text(name), Text(value))
    return table
