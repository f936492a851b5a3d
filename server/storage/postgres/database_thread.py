"""A thread with a connection to the database."""

import logging
import threading
from collections.abc import Callable

from server.storage.postgres.connecting import DatabaseLink
from server.storage.postgres.membership import FencedError

log = logging.getLogger(__name__)


class DatabaseThread(threading.Thread):
    """Ends the server if its work fails: otherwise everything that needs this thread would wait forever."""

    def __init__(self, name: str, link: DatabaseLink, fenced: Callable[[FencedError], None]) -> None:
        """`fenced` ends the server."""
        super().__init__(name=name, daemon=True)
        self.link = link
        self._fenced = fenced

    def work(self) -> None:
        """Do the work of this thread until it ends."""
        raise NotImplementedError

    def run(self) -> None:
        try:
            self.work()
        except FencedError as fenced:
            self._fenced(fenced)
        except Exception as error:
            log.exception("a thread of the database failed", extra={"thread_name": self.name})
            self._fenced(FencedError(f"{type(error).__name__}: {error}"))
        finally:
            self.link.close()
