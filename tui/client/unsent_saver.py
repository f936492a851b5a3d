"""Saves what the user has not sent, and restores it when the same person starts the client again."""

from functools import partial

from tui.client.state import ClientState
from tui.client.unsent import collect, restore
from tui.client.unsent_file import Owner, UnsentFile
from tui.net.client_session import ClientSession


class UnsentSaver:
    """Saves what is unsent in a state, for the person whom a session has logged in."""

    def __init__(self, state: ClientState, session: ClientSession) -> None:
        self._state, self._session = state, session
        self._file = UnsentFile(partial(collect, state))

    def changed(self) -> None:
        """Schedule a save."""
        self._file.changed()

    def save(self) -> str | None:
        """Save now; return the problem in one line, or None."""
        self._file.save(self._presumed)
        return self._file.problem

    def stop(self) -> None:
        """Save what has changed, if the person is known; save nothing afterwards, because another saver takes over."""
        if self._file.is_open:
            self._file.save()

    async def close(self) -> None:
        """Wait for the save in progress, then save."""
        await self._file.close(self._presumed)

    def restore(self) -> None:
        """Restore, at the first login, what the same person could not send before an earlier client ended."""
        if self._file.is_open:
            return
        server, identity = self._session.person
        unsent = self._file.open(Owner(server, identity) if identity else self._unidentified)
        restore(self._state, unsent.joined(self._file.remove(self._unidentified)) if identity else unsent)

    @property
    def _presumed(self) -> Owner | None:
        """The presumed owner before the login: the identity that was used last, or the name and address."""
        keys = self._session.keys
        if not keys.kept:
            return None
        if keys.last_server and keys.last_identity:
            return Owner(keys.last_server, keys.last_identity)
        return self._unidentified

    @property
    def _unidentified(self) -> Owner:
        return Owner("", f"{self._session.address} {self._session.name}")
