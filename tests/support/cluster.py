"""Two servers that share a room, and its site."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings


class Cluster:
    """Two nodes on one database; the context manager starts and ends them."""

    def __init__(self, directory: Path, database: str, *, reports: bool = True) -> None:
        """`reports`: whether the site accepts reports."""
        self._reports = reports
        self._directory = directory
        self._database = database
        self._stack = ExitStack()
        self._nodes: list[ServerProcess] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.receiver = stack.enter_context(Receiver())
            for number in range(2):
                self._nodes.append(self._start(number))
                stack.callback(self._kill, number)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def one(self) -> ServerProcess:
        """Return the first node."""
        return self._nodes[0]

    @property
    def two(self) -> ServerProcess:
        """Return the second node."""
        return self._nodes[1]

    def settings(self, number: int) -> Path:
        """Return the settings file of a node."""
        return self._directory / f"node-{number}" / "settings.toml"

    def restart(self, number: int) -> None:
        """Start a node again that has ended."""
        self._kill(number)
        self._nodes[number] = self._start(number)

    def _kill(self, number: int) -> None:
        self._nodes[number].kill()

    def _start(self, number: int) -> ServerProcess:
        file = self.settings(number)
        if not file.exists():
            file.parent.mkdir()
            webhooks = {"report": self.receiver.url} if self._reports else {}
            write_settings(file.parent, webhooks=webhooks, database=self._database)
        return ServerProcess(file)
