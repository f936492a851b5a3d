"""PostgreSQL servers, started from each installation on this machine; and the server of the tests."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from server.demo.postgres_process import PostgresError, PostgresProcess, installations
from tests.support.postgres import QUICK, ROOT, SharedPostgres

WAIT_SECONDS = 60.0

OWNER = """
import sys
from server.demo.postgres_process import PostgresProcess
with PostgresProcess(None, "fsync=off") as server:
    print(server.directory, flush=True)
    sys.stdin.read()
"""
USER = """
import sys
from pathlib import Path
from tests.support.postgres import running
print(running(Path(sys.argv[1])).directory, flush=True)
sys.stdin.read()
"""


@contextmanager
def child(code: str, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Yield a process that runs this code, and the directory that it prints; kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def runs(server: Path) -> bool:
    """Return whether a server runs in this directory."""
    return (server / "data" / "postmaster.pid").exists()


def ends(server: Path) -> bool:
    """Wait until no server runs in this directory; return False if that takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while runs(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not runs(server)


@pytest.mark.parametrize("programs", installations(), ids=str)
def test_server_recovers_from_a_crash_and_disappears_in_the_end(programs: Path, tmp_path: Path) -> None:
    with PostgresProcess(programs, *QUICK) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
        server.crash()
        server.start()
        with psycopg.connect(server.tcp_url, password=server.password) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.tcp_url, passfile=str(tmp_path / "none"))
        pid = server.pid
        server.stop()
        with (server.data / "postgresql.conf").open("a") as settings:
            settings.write("work_mem = much\n")
        with pytest.raises(PostgresError, match=r'did not start: .*"work_mem": "much"'):
            server.start()
    assert not server.directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_schemas_are_independent(postgres: SharedPostgres) -> None:
    with postgres.schema() as one, postgres.schema() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE room (id text); CREATE INDEX ON room USING gin (id gin_trgm_ops)")
        with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM room")
        held = psycopg.connect(one)
    with held, pytest.raises(psycopg.OperationalError):
        held.execute("SELECT 1")


@pytest.mark.slow
def test_server_ends_when_its_owner_is_killed() -> None:
    with child(OWNER) as (owner, directory):
        assert runs(directory)
        owner.kill()
        assert ends(directory)
    shutil.rmtree(directory)


@pytest.mark.slow
def test_server_of_the_tests_is_shared_and_ends_with_the_last_worker_however_that_ends(tmp_path: Path) -> None:
    with child(USER, str(tmp_path)) as (first, directory), child(USER, str(tmp_path)) as (second, same):
        assert same == directory
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert runs(directory)
        second.send_signal(signal.SIGKILL)
        assert ends(directory)
    with child(USER, str(tmp_path)) as (_, new):
        assert new != directory
