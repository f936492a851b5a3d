"""After an error, a server stores, reads and hears messages again by itself; or it ends, and says why."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from server.storage.base import Published, StorageError
from server.storage.postgres import connecting, database, tail
from server.storage.postgres.database import LISTENING, WRITING
from server.storage.sql import SqlConnection
from tests.support.cutting_proxy import Cut, cutting_proxy
from tests.support.postgres_database import WAIT_SECONDS, Server, saying, servers, until

CODES = ["0A000", "25006", "40001", "53100", "57014", "57P01"]
FAULTY = "faulty"
"""The application name of the server that meets faults."""
FAULT = """
CREATE TABLE fault (lock_timeout text, code text);
CREATE SEQUENCE meeting;
CREATE FUNCTION meet_fault() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    SELECT code INTO found FROM fault WHERE lock_timeout = current_setting('lock_timeout')
        AND current_setting('application_name') = 'faulty';
    -- Once, as a rollback does not undo this.
    IF found IS NOT NULL AND nextval('meeting') = 1 THEN RAISE EXCEPTION 'a fault' USING ERRCODE = found; END IF;
    RETURN true;
END $$;
ALTER TABLE room ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY faulty ON room USING (meet_fault());
ALTER TABLE news ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY faulty ON news USING (meet_fault());
"""
"""Has the next statement that reads one of these tables fail, in the thread with this lock_timeout."""

Administrator = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def administrator(url: str) -> Iterator[Administrator]:
    """A connection of the owner of the tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@contextmanager
def fault(administrator: Administrator, thread: dict[str, str], code: str) -> Iterator[None]:
    """Have the next statement of this thread fail with this SQLSTATE, and check that it has."""
    administrator.execute("SELECT setval('meeting', 1, false)")
    administrator.execute("INSERT INTO fault VALUES (%s, %s)", (thread["lock_timeout"], code))
    yield
    assert administrator.execute("DELETE FROM fault").rowcount == 1
    assert administrator.execute("SELECT is_called FROM meeting").fetchone() == (True,)


async def succeeds(work: "Awaitable[object]") -> bool:
    """Return whether this succeeds; otherwise it fails with one line."""
    async with asyncio.timeout(WAIT_SECONDS):
        (answer,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(answer, BaseException):
        assert isinstance(answer, StorageError)
        assert "\n" not in str(answer)
    return not isinstance(answer, BaseException)


async def check_works(one: Server, other: Server, expected: list[str]) -> None:
    """Store messages on both servers in all ways; check that all of them, and the expected ones before, are known."""
    texts = [f"{len(expected)} {number}" for number in range(3)]
    await one.say(texts[0])
    await one.publish(texts[1])
    await other.publish(texts[2])
    expected += texts
    assert await one.texts() == expected
    await until(lambda: one.heard == expected)
    assert not one.losses


async def test_server_works_after_any_error_of_a_statement(url: str, administrator: Administrator) -> None:
    async with servers(f"{url}&application_name={FAULTY}", url) as (one, other):
        administrator.execute(FAULT)
        expected = list[str]()
        for code in CODES:
            for write in (one.say, one.publish):
                with fault(administrator, WRITING, code):
                    if await succeeds(write(f"meets {code}")):
                        expected.append(f"meets {code}")
                await check_works(one, other, expected)
            with fault(administrator, LISTENING, code):
                await other.publish(f"to be heard {code}")
                expected.append(f"to be heard {code}")
                await until(lambda: one.heard == expected)
            await check_works(one, other, expected)


async def test_reads_work_after_any_error_in_a_snapshot(url: str, administrator: Administrator) -> None:
    async with servers(url, url) as (one, other):
        administrator.execute(
            "CREATE FUNCTION fail(code text) RETURNS void LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a fault' USING ERRCODE = code; END $$"
        )
        expected = list[str]()
        for code in CODES:
            met = list[str]()

            def work(connection: SqlConnection, code: str = code, met: list[str] = met) -> str:
                with connection.snapshot():
                    if not met:
                        met.append(code)
                        connection.execute("SELECT fail(?)", (code,)).fetchone()
                    return "repeated"

            await succeeds(one.database.read(work))
            assert met == [code]
        await check_works(one, other, expected)


async def test_reads_wait_again_after_an_outage_that_ended_with_an_error_of_a_read(url: str) -> None:
    steps = ["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1 / 0"]
    async with servers(url) as (one,):
        assert not await succeeds(one.database.read(lambda connection: connection.execute(steps.pop(0)).fetchall()))
        assert not steps
        assert one.database._reader._give_up_at is None


async def test_statements_are_planned_again_after_the_tables_were_changed(
    url: str, administrator: Administrator
) -> None:
    async with servers(url, url) as (one, other):
        expected = list[str]()
        await check_works(one, other, expected)
        query = "SELECT id FROM message"
        before = await one.database.read(lambda connection: connection.execute(query).fetchall())
        (published,) = administrator.execute("SELECT pg_get_functiondef('publish'::regproc)").fetchone() or ()
        wider = str(published).replace("TABLE(msg_id bigint", "TABLE(msg_id numeric")
        administrator.execute(f"DROP FUNCTION publish; {wider}".encode())
        administrator.execute("ALTER TABLE message ALTER id TYPE numeric")
        administrator.execute("ALTER TABLE news ALTER kind TYPE varchar")
        await check_works(one, other, expected)
        assert (await one.database.read(lambda connection: connection.execute(query).fetchall()))[
            : len(before)
        ] == before


@pytest.mark.parametrize(("function", "call"), [("last_batch", 1), ("publish", 2)])
async def test_write_without_an_answer_is_stored_once_although_the_next_attempt_fails(
    function: str, call: int, url: str, administrator: Administrator, tmp_path: Path
) -> None:
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied, url) as (one, other):
            (defined,) = (
                administrator.execute(f"SELECT pg_get_functiondef('{function}'::regproc)".encode()).fetchone() or ()
            )
            fails = (
                f"BEGIN\n IF nextval('calls') = {call} THEN RAISE EXCEPTION 'a fault' USING ERRCODE = '57014'; END IF;"
            )
            administrator.execute("CREATE SEQUENCE calls")
            administrator.execute(str(defined).replace("BEGIN", fails, 1).encode())
            proxy.arm(Cut.AFTER_COMMIT)
            write = one.say if function == "last_batch" else one.publish
            await asyncio.gather(write("a"), write("b"))
            (calls,) = administrator.execute("SELECT last_value FROM calls").fetchone() or ()
            assert (proxy.cuts, calls) == (1, call + 1)
            expected = ["a", "b"]
            assert one.heard == expected
            await check_works(one, other, expected)


async def test_connections_that_stay_silent_are_replaced(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(database, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.1)
    with cutting_proxy(url, tmp_path) as (proxied, proxy):
        async with servers(proxied, url) as (one, other):
            await one.publish("before")
            proxy.freeze()
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.gather(one.publish("meanwhile"), one.texts())
            await check_works(one, other, ["before", "meanwhile"])


async def test_writes_aside_are_stored_after_an_outage_and_delay_no_answer(
    url: str, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.WRITING, "lock_timeout", "20ms")
    monkeypatch.setattr("server.storage.postgres.writer.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("server.storage.postgres.writer.LONGEST_PAUSE", 0.01)
    # More than one commit stores.
    texts = [f"aside {number}" for number in range(130)]
    async with servers(url, url) as (one, other):
        with administrator.transaction():
            administrator.execute("SELECT FROM room FOR UPDATE")
            for number in range(0, len(texts), 10):
                for text in texts[number : number + 10]:
                    one.database.write_aside(saying(text))
                assert not await succeeds((one.publish, one.say)[number // 10 % 2]("awaited"))
        await until(lambda: other.heard == one.heard == texts)
        await check_works(one, other, texts)


async def test_waiting_writes_aside_do_not_delay_the_end(
    url: str, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.WRITING, "lock_timeout", "50ms")
    monkeypatch.setattr("server.storage.postgres.writer.PATIENCE_SECONDS", 0.0)
    with administrator.transaction():
        async with servers(url) as (one,):
            administrator.execute("SELECT FROM room FOR UPDATE")
            one.database.write_aside(saying("aside"))
            assert not await succeeds(one.say("awaited"))


async def test_message_that_cannot_be_encoded_fails_alone(url: str) -> None:
    async with servers(url, url) as (one, other):
        answers = await asyncio.gather(*map(one.publish, ["a", "\ud800", "b"]), return_exceptions=True)
        assert [isinstance(answer, Published) for answer in answers] == [True, False, True]
        await check_works(one, other, ["a", "b"])


async def test_server_ends_if_one_of_its_threads_fails(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with servers(url) as (one,):
        # As a defect of the server would.
        one.database._writer._committed = None  # type: ignore[assignment]
        one.publish("stored")
        await until(lambda: one.losses)
    (reason,) = [record.__dict__["reason"] for record in caplog.records if record.levelno == logging.CRITICAL]
    assert reason.startswith("Database: TypeError: ")
