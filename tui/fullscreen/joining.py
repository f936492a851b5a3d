"""The dialog that joins a server, at the first start or to switch to another one."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace
from textual.app import App

from tui import files
from tui.client.client import Client
from tui.files import FileError
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.screens.start import ELSEWHERE, WELCOME, Filled, StartScreen
from tui.net.server_address import AddressError, configured
from tui.options import Options, SiteToken


def retry_hint() -> str:
    """Return the hint for connecting again, with the keys as they are bound now."""
    return (
        f"Press {pressed('everywhere.reconnect')} to try again now, {pressed('everywhere.connect')} for another server."
    )


def first_steps() -> str:
    """Return the hint for a user who is alone on their own server."""
    elsewhere, keys = pressed("everywhere.connect"), pressed("always.help")
    return (
        f"You are alone here. To chat with others, connect to their server ({elsewhere}), or run flagpost-server where"
        f" they can reach it and give them its address. To try everything: flagpost --demo. All keys: {keys}."
    )


class Joining:
    """Opens the dialog, shows failed attempts in it, and closes it after the login."""

    def __init__(self, app: App[None], client: Client, connect: Callable[[], None]) -> None:
        """`connect` starts an attempt with the client's current options."""
        self._app, self._client, self._connect = app, client, connect
        self._screen: StartScreen | None = None

    @property
    def is_open(self) -> bool:
        """True while the dialog is open; it then shows failed attempts."""
        return self._screen is not None

    async def begin(self) -> None:
        """Ask for name and server if the options say so; connect at once if the user has already chosen them."""
        options = self._client.options
        if not options.asks:
            self._connect()
            return
        self._screen = self._dialog(options.url or "", self._join, None if options.joins else _saved())
        await self._app.push_screen(self._screen)
        if options.joins:
            self._screen.action_go_on()

    def ask(self, server: str, join: Callable[[Filled], None]) -> None:
        """Ask for another server, in a dialog that can be cancelled; `join` switches to it."""
        self._app.push_screen(self._dialog(server, join, can_cancel=True))

    def save(self) -> None:
        """Save the name and server for the next start, if the dialog is open."""
        if self._screen and self._screen.is_mounted:
            with suppress(OSError, AddressError):
                _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                files.write_atomically(_file(), msgspec.json.encode(self._screen.filled[:2]).decode())

    def _dialog(
        self,
        server: str,
        join: Callable[[Filled], None],
        saved: tuple[str, str] | None = None,
        *,
        can_cancel: bool = False,
    ) -> StartScreen:
        title = ELSEWHERE if can_cancel or self._client.options.joins else WELCOME
        # A token for this server is never sent to another one.
        token = SiteToken() if can_cancel else self._client.options.sign_in
        filled = Filled(*(saved or (self._client.wanted_name, server)), token)
        return StartScreen(filled, self._local(self._client.options), join, title=title, can_cancel=can_cancel)

    def _join(self, filled: Filled) -> None:
        self._client.options = replace(
            self._client.options, name=filled.name, url=filled.server or None, sign_in=filled.sign_in
        )
        self._connect()

    def failed(self, why: str, part: str = "server") -> None:
        """Show in the dialog why the attempt failed."""
        if self._screen:
            self._client.status = "not connected"
            self._screen.complain(why, part)

    def succeeded(self) -> None:
        """Close the dialog after the login, and delete what `save` stored."""
        if self._screen:
            self._screen.dismiss()
            self._screen = None
            with suppress(OSError):
                _file().unlink(missing_ok=True)

    @staticmethod
    def _local(options: Options) -> str:
        try:
            address, tls = configured(options.settings)
        except FileError:
            # `Client.find` reports this problem.
            return ""
        return f"wss://{address}" if tls else str(address)


def _saved() -> tuple[str, str] | None:
    """Return the name and server that were filled in when the user last quit with the dialog open, or None."""
    try:
        return msgspec.json.decode(files.read(_file()), type=tuple[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _file() -> Path:
    import platformdirs

    return platformdirs.user_state_path("flagpost", appauthor=False) / "start.json"
