"""Two PostgreSQL servers: a primary, and a synchronous standby that takes over when the primary dies."""

import time
from collections.abc import Callable
from typing import Self

import psycopg

from server.demo.postgres_process import PostgresProcess

WAIT_SECONDS = 60.0
STANDBY = "standby"
RETRY = "wal_retrieve_retry_interval=100ms"
"""How soon a standby follows a primary that has crashed, which cannot commit until then; by default 5 s."""


class PostgresPair:
    """Both servers keep their ports; which of them is the primary changes with each failover."""

    def __init__(self, *options: str) -> None:
        self.primary, self.standby = (PostgresProcess(None, RETRY, *options) for _ in range(2))
        self.password = self.primary.password

    def __enter__(self) -> Self:
        try:
            self.primary.create()
            self.primary.start()
            self.attach()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove both."""
        self.primary.remove()
        self.standby.remove()

    def attach(self) -> None:
        """Make the other server a synchronous standby of the primary, whatever it was before."""
        copy = ("-D", str(self.standby.data), "-d", f"{self.primary.url}&application_name={STANDBY}", "-R", "--no-sync")
        self.standby.discard()
        self.standby.run("pg_basebackup", *copy, "-c", "fast")
        # A copy of the last primary waits for a standby, too; this one is promoted before it has any.
        own = self.standby.data / "postgresql.auto.conf"
        lines = [line for line in own.read_text().splitlines() if "synchronous_standby_names" not in line]
        own.write_text("\n".join((*lines, "")))
        self.standby.start()
        self._set_standby(STANDBY)
        self._until(lambda: self._ask("SELECT sync_state FROM pg_stat_replication") == "sync")

    def promote(self) -> None:
        """Let the standby take over from a primary that is dead; it has no standby of its own until `attach`."""
        self.primary, self.standby = self.standby, self.primary
        assert self._ask("SELECT pg_promote()") is True

    def _set_standby(self, name: str) -> None:
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    def _ask(self, question: str) -> object:
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, "the standby does not follow"
            time.sleep(0.02)
