"""The dialog for name and server, both filled in so that Enter suffices."""

from collections.abc import Callable
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from server.protocol.name_text import MAX_NAME_CHARS
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.footer import KeyFooter
from tui.net.server_address import MAX_URL_CHARS, AddressError, fault, normal
from tui.net.sign_in import MAX_LINK_CHARS, is_link, read
from tui.options import SiteToken
from tui.text import clean_line

WELCOME, ELSEWHERE = "⚑ Welcome to Flagpost", "⚑ Connect to a server"
HINT = "Press {join} to join. You can change both later in Settings ({settings})."
LOCAL = "Leave as is to chat on this machine; we start a server if none is running."
NO_NAME = "Enter a name others will know you by."


class Filled(NamedTuple):
    """The values of the form; an empty `server` is the local one."""

    name: str
    server: str
    sign_in: SiteToken = SiteToken()


class StartScreen(ModalScreen[None]):
    """Stays open until the server has accepted the login, and shows problems below their field."""

    BINDINGS = bindings(Where.START)

    def __init__(
        self,
        filled: Filled,
        local: str,
        join: Callable[[Filled], None],
        *,
        title: str = WELCOME,
        can_cancel: bool = False,
    ) -> None:
        """`local` is the address of the local server, "" if it is not known; `join` begins an attempt."""
        super().__init__()
        self._join = join
        self._filled = filled
        self._local = local
        self._can_cancel = can_cancel
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield Static(Content(self._title), id="start-title")
            yield Static(Content("Your name"))
            yield Field(self._filled.name, max_length=MAX_NAME_CHARS, id="start-name", compact=True)
            yield Static(id="start-name-problem", classes="start-problem", markup=False)
            yield Static(Content("Server"), classes="field-label")
            yield Field(self._filled.server or self._local, max_length=MAX_URL_CHARS, id="start-server", compact=True)
            yield Static(id="start-server-problem", classes="start-problem", markup=False)
            yield Static(Content(LOCAL), classes="start-hint")
            yield Static(
                Content("Sign-in link, if your site gave you one"), id="start-link-label", classes="field-label"
            )
            token = self._filled.sign_in.token
            yield Field(token, max_length=MAX_LINK_CHARS, id="start-link", compact=True, password=True)
            yield Static(id="start-link-problem", classes="start-problem", markup=False)
            hint = HINT.format(join=pressed("start.go_on"), settings=pressed("everywhere.settings"))
            yield Static(Content(hint), classes="start-hint")
        yield KeyFooter()

    @property
    def filled(self) -> Filled:
        """The form as filled in; the link may be in the server field. Raises AddressError if the link is malformed."""
        name, server, link = (
            clean_line(self.query_one(f"#start-{part}", Input).value).strip() for part in ("name", "server", "link")
        )
        if is_link(server):
            server, link = self._local, server
        token = read(link) if link else SiteToken()
        return Filled(name, token.server if server == self._local else server, token)

    def action_go_on(self) -> None:
        """Join, or show the problem."""
        try:
            filled = self.filled
        except AddressError as error:
            self.complain(str(error), "link")
            return
        if not filled.name:
            self.complain(NO_NAME, "name")
        elif filled.server and (problem := fault(filled.server)):
            self.complain(problem)
        else:
            self._show_below("Connecting…", "server", failed=False)
            self._join(filled._replace(server=filled.server and normal(filled.server)))

    def complain(self, problem: str, part: str = "server") -> None:
        """Show why joining failed, below the field "name", "server" or "link"."""
        self._show_below(f"✗ {problem}", part, failed=True)
        self.query_one(f"#start-{part}").focus()
        # In a low terminal, the dialog scrolls.
        self.query_one(f"#start-{part}-problem").scroll_visible(animate=False)

    def _show_below(self, text: str, part: str, *, failed: bool) -> None:
        for each in ("name", "server", "link"):
            line = self.query_one(f"#start-{each}-problem", Static)
            line.update(Content(clean_line(text) if each == part else ""))
            line.set_class(failed, "-failed")

    @on(Input.Changed)
    def _forget_problem(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            self._show_below("", "server", failed=False)

    def action_cancel(self) -> None:
        """Close the dialog, unless there is nothing behind it."""
        if self._can_cancel:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the key for cancelling if the dialog cannot be cancelled."""
        return action != "cancel" or self._can_cancel
