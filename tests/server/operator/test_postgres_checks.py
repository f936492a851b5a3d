"""The doctor judges a database by what would be lost with it, and servers by their heartbeats."""

from pathlib import Path

import pytest

from server.operator import postgres_checks
from server.operator.finding import Finding, Grade
from server.operator.migrate import migrate
from server.operator.postgres_checks import Durability, NodeRow
from server.settings import Settings
from server.settings.database_url import URL_VARIABLE
from server.storage.postgres import store as store_module
from server.storage.postgres.store import PostgresStore
from tests.server.operator.test_migrate import written
from tests.support.postgres import SharedPostgres

GOOD, WARNING, BAD = Grade.GOOD, Grade.WARNING, Grade.BAD
ROW = NodeRow("chat-1", "5f", "1.0", 1500, 90_000, 12, "{}")
SAFE = Durability("on", "on", "on", "ANY 1 (*)", 1)


@pytest.mark.parametrize(
    ("found", "grades", "words"),
    [
        (SAFE, [GOOD, GOOD], "commits wait for ANY 1 (*)"),
        (SAFE._replace(synchronous_commit="remote_apply"), [GOOD, GOOD], "survives a crash"),
        (SAFE._replace(synchronous_standby_names=""), [GOOD, WARNING], "no synchronous standby"),
        (SAFE._replace(standbys=0), [GOOD, BAD], "no standby is connected: nothing is stored until you start one"),
        (SAFE._replace(synchronous_commit="off"), [BAD, GOOD], "is off, so a crash loses"),
        (SAFE._replace(synchronous_commit="local"), [WARNING, GOOD], "is local, so a failover loses"),
        (SAFE._replace(fsync="off"), [BAD, GOOD], "fsync is off"),
        (SAFE._replace(full_page_writes="off"), [BAD, GOOD, GOOD], "full_page_writes is off"),
    ],
)
def test_doctor_says_what_can_be_lost(found: Durability, grades: list[Grade], words: str) -> None:
    findings = list(postgres_checks.durability(found))
    assert [finding.grade for finding in findings] == grades
    assert words in "\n".join(finding.text for finding in findings)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "agree"),
        (-999, "agree"),
        (1000, "is 1 s behind the database's"),
        (-65_000, "is 1 min ahead of the database's"),
    ],
)
def test_a_clock_that_differs_is_reported(ahead: int, words: str) -> None:
    finding = postgres_checks.clock(ahead)
    assert words in finding.text
    assert (finding.grade is GOOD) == ("agree" in words)


@pytest.mark.parametrize(
    ("row", "grade", "words"),
    [
        (ROW, GOOD, "chat-1 (5f): 1.0, up for 1 min, last heartbeat 1 s ago, longest"),
        (ROW._replace(silent=6001), WARNING, "it has stopped, or cannot reach the database"),
        (ROW._replace(longest_lock=1001), WARNING, "1001 ms, while all others waited"),
    ],
)
def test_a_server_is_judged_by_its_heartbeats_and_by_how_long_it_locks_the_room(
    row: NodeRow, grade: Grade, words: str
) -> None:
    finding = postgres_checks.node(row)
    assert finding.grade is grade
    assert words in finding.text


def test_the_doctor_checks_a_room_and_names_the_process_that_locks_it(
    postgres: SharedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examined() -> list[Finding]:
        return list(postgres_checks.findings(Settings(database=url)))

    with postgres.schema() as url:
        assert examined()[-1] == (WARNING, "database: not a Flagpost database; start the server to create the tables")
        migrate(str(written(tmp_path / "room.sqlite", 1)), url)
        store = PostgresStore(url)
        with store.transaction(write=True) as connection:
            for name, version in (("chat-1", "1.0"), ("chat-2", "1.1")):
                row = (name, connection.now, name, version, f'{{"Title": "{name}"}}')
                query = "INSERT INTO node (id, beat, address, version, settings) VALUES (?, ?, ?, ?, ?)"
                connection.execute(query, row)
        found = {text: grade for grade, text in examined()}
        for words, grade in (
            ("database: PostgreSQL ", GOOD),
            ("durability: fsync is off", BAD),
            ("standby: no synchronous standby", WARNING),
            ("clock: this machine and the database agree", GOOD),
            ("lock: no client locks the room for long", GOOD),
            ("database: up to date (schema 1) and writable", GOOD),
            ("server chat-1 (chat-1): 1.0, ", GOOD),
            ("servers: different versions: 1.0, 1.1; finish the upgrade", WARNING),
            ("servers: their settings differ", WARNING),
            ("trail: ", GOOD),
        ):
            assert [grade for text, grade in found.items() if text.startswith(words)] == [grade], words
        monkeypatch.setitem(store_module.WAITING, "lock_timeout", "10ms")
        monkeypatch.setattr(postgres_checks, "LONG_LOCK_MILLISECONDS", -1)
        with store.transaction(write=True) as connection:
            (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            *_, lock, last = examined()
        assert lock.grade is last.grade is BAD
        assert lock.text.startswith(
            f"lock: process {process} of the database, for this machine, has locked the room for"
        )
        assert last.text.endswith("another program has locked the room")


@pytest.mark.parametrize(("characters", "warned"), [("C", True), ("POSIX", True), ("C.UTF-8", False), ("de_DE", False)])
def test_a_locale_whose_letters_the_index_does_not_know_is_a_warning(characters: str, warned: bool) -> None:
    assert [finding.grade for finding in postgres_checks.search(characters)] == [WARNING] * warned


def test_an_unreachable_database_is_one_finding_without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://flagpost@127.0.0.1:9/flagpost?connect_timeout=1"
    monkeypatch.setenv(URL_VARIABLE, url.replace("@", ":s3cret@"))
    (finding,) = postgres_checks.findings(Settings(database=url))
    assert finding.grade is BAD
    assert finding.text.startswith(f"database: {url}: ")
    assert "s3cret" not in finding.text
    assert "\n" not in finding.text
