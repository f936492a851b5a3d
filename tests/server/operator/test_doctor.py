"""The doctor finds problems, suggests fixes, and posts nothing."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from server.operator.doctor import findings
from server.operator.finding import Grade
from server.operator.reachability import Reached
from server.rules.trail import Withdrawn
from server.storage import outbox, schema, trail
from server.storage.sqlite_database import SqliteDatabase
from tests.support.certificates import tls_settings
from tests.support.receiver import Receiver, closed_port_url
from tests.support.server_process import write_settings

GOOD, WARNING, BAD = Grade.GOOD, Grade.WARNING, Grade.BAD
AUTHORITY = trustme.CA()


async def examined(file: Path, tls: ssl.SSLContext | None = None) -> dict[str, Grade]:
    """Run the doctor; return the findings by text."""
    found = await asyncio.to_thread(lambda: list(findings(file, tls)))
    return {finding.text: finding.grade for finding in found}


async def of_site(directory: Path, url: str, more: str = "", tls: ssl.SSLContext | None = None) -> dict[str, Grade]:
    """Run the doctor with this URL for reports."""
    file = write_settings(directory, webhooks={"report": url})
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{more}", encoding="utf-8")
    return {text: grade for text, grade in (await examined(file, tls)).items() if text.startswith("webhook report: ")}


def grade(found: dict[str, Grade], words: str) -> Grade:
    """Return the grade of the only finding with this text."""
    (one,) = [grade for text, grade in found.items() if words in text] or pytest.fail(f"{words!r} is not in {found}")
    return one


async def test_a_site_that_can_be_reached_is_good_and_gets_no_request(tmp_path: Path, receiver: Receiver) -> None:
    found = await of_site(tmp_path, receiver.url)
    assert set(found.values()) == {GOOD}
    assert grade(found, f"webhook report: 127.0.0.1 port {receiver.port} answered in ") is GOOD
    assert not receiver.requests


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("", "", "Connection refused"),
        ("http://no-such-host.invalid/", "", "no-such-host.invalid cannot be resolved"),
        ("http://127.0.0.1:9/", "[WebhookSecurity]\nBlockPrivate = true", "BlockPrivate is on"),
        ("http://localhost:9/", "[WebhookSecurity]\nBlockPrivate = true", "BlockPrivate is on"),
        ("http://169.254.169.254/", "", "never allowed; change URL"),
        ("http://xn--a.invalid/", "", "cannot be resolved"),
    ],
)
async def test_a_site_that_cannot_be_called_is_bad(tmp_path: Path, url: str, more: str, words: str) -> None:
    found = await of_site(tmp_path, url or closed_port_url(), more)
    assert list(found.values()) == [BAD]
    assert grade(found, words) is BAD


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("::", True),
        ("::ffff:0.0.0.0", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%lo", False),
    ],
)
def test_http_to_this_machine_needs_no_encryption(address: str, local: bool) -> None:
    assert Reached("site", 80, 1, None, ["127.0.0.1", address]).loopback == local


@asynccontextmanager
async def secure_site(name: str = "localhost", ends_in: timedelta = timedelta(days=90)) -> AsyncIterator[str]:
    """Serve a site on localhost with a certificate for this name; return its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name, not_after=datetime.now(UTC) + ends_in).configure_cert(context)
    site = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with site:
        yield f"https://localhost:{site.sockets[0].getsockname()[1]}/hooks"


def trusting() -> ssl.SSLContext:
    """Return a context that trusts the test authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def test_a_certificate_is_good_until_its_last_days(tmp_path: Path) -> None:
    async with secure_site() as url:
        found = await of_site(tmp_path, url, tls=trusting())
        assert set(found.values()) == {GOOD}
        assert grade(found, "its certificate is valid for another 89 days") is GOOD
        assert grade(found, "webhook report: localhost resolves to ") is GOOD
    async with secure_site(ends_in=timedelta(days=3, hours=1)) as url:
        assert grade(await of_site(tmp_path, url, tls=trusting()), "expires in 3 days; renew it") is WARNING


@pytest.mark.parametrize(
    ("name", "ends_in", "trusted", "words"),
    [
        ("localhost", timedelta(days=90), False, "unable to get local issuer"),
        ("elsewhere.example", timedelta(days=90), True, "mismatch"),
        ("localhost", timedelta(days=-1), True, "expired"),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_bad(
    tmp_path: Path, name: str, ends_in: timedelta, trusted: bool, words: str
) -> None:
    async with secure_site(name, ends_in) as url:
        found = await of_site(tmp_path, url, tls=trusting() if trusted else None)
    assert list(found.values()) == [BAD]
    assert grade(found, words) is BAD


def speaks_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_https_without_tls_is_bad(tmp_path: Path) -> None:
    site = await asyncio.start_server(speaks_plainly, "127.0.0.1", 0)
    async with site:
        found = await of_site(tmp_path, f"https://127.0.0.1:{site.sockets[0].getsockname()[1]}/")
    assert grade(found, "check that it is an https port") is BAD


def of_our_own(directory: Path, valid: timedelta) -> Path:
    """Return settings with a certificate that expires after this time."""
    file = write_settings(directory)
    table = tls_settings(directory, AUTHORITY, not_after=datetime.now(UTC) + valid)
    file.write_text(f"{file.read_text(encoding='utf-8')}{table}", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("valid", "words", "expected"),
    [
        (timedelta(days=90, hours=1), "cert.pem and its key are valid for another 90 days", GOOD),
        (timedelta(days=13, hours=1), "for another 13 days; renew it", WARNING),
        (timedelta(days=1, hours=1), "for another 1 day; renew it", WARNING),
        (timedelta(days=-1), "cert.pem has expired; renew it", BAD),
    ],
)
async def test_the_servers_own_certificate_is_checked(
    tmp_path: Path, valid: timedelta, words: str, expected: Grade
) -> None:
    found = await examined(of_our_own(tmp_path, valid))
    assert [text for text in found if "TLS" in text] == [text for text in found if words in text]
    assert grade(found, words) is expected


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("cert.pem", None, "TLS.CertFile: "),
        ("key.pem", None, "TLS.KeyFile: "),
        ("key.pem", AUTHORITY.issue_cert("other.example").private_key_pem.bytes(), "is not the key of"),
        ("key.pem", b"no key", "are not a certificate and its key"),
    ],
    # The third ID would be its key, which differs in each process.
    ids=["no certificate", "no key", "another's key", "not a key"],
)
async def test_a_certificate_that_cannot_be_used_is_bad(
    tmp_path: Path, file: str, content: bytes | None, words: str
) -> None:
    settings = of_our_own(tmp_path, timedelta(days=90))
    (tmp_path / file).unlink()
    if content:
        (tmp_path / file).write_bytes(content)
    assert grade(await examined(settings), words) is BAD


async def test_a_database_that_a_server_has_created_is_good(tmp_path: Path) -> None:
    file = write_settings(tmp_path)
    assert grade(await examined(file), "database: ") is WARNING
    make_database(tmp_path)
    found = await examined(file)
    assert grade(found, "database: intact") is GOOD
    assert grade(found, "trail: 0 rows, none altered") is GOOD
    assert grade(found, "disk: ") is GOOD


async def test_database_deleted_under_a_running_server_is_bad(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    path = tmp_path / "room.sqlite"
    database = SqliteDatabase(str(path))
    path.unlink()
    found = await examined(settings)
    await database.close()
    assert grade(found, f"was deleted or moved while a server (process {os.getpid()}) uses it") is BAD


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o600, False)])
async def test_database_that_others_can_read_is_a_warning(tmp_path: Path, mode: int, warned: bool) -> None:
    settings = write_settings(tmp_path)
    make_database(tmp_path)
    (tmp_path / "room.sqlite").chmod(mode)
    assert any("other users can read it" in text for text in await examined(settings)) is warned


def make_database(directory: Path, *statements: str) -> None:
    """Create a database with a row of the trail whose delivery is waiting."""
    connection = schema.connect(str(directory / "room.sqlite"))
    schema.prepare(connection)
    if statements:
        outbox.queue(connection, trail.append(connection, "rep_1", 0, Withdrawn()), "rep_1", "report", 0)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def alters_a_row(directory: Path) -> None:
    make_database(directory, "UPDATE trail SET at = 1")


def queues_for_nobody(directory: Path) -> None:
    make_database(directory, "SELECT 1")


def comes_from_the_future(directory: Path) -> None:
    make_database(directory, "PRAGMA user_version = 99")


def comes_from_the_past(directory: Path) -> None:
    make_database(directory, "PRAGMA user_version = 1")


def is_no_database(directory: Path) -> None:
    (directory / "room.sqlite").write_bytes(b"no database " * 100)


def is_damaged(directory: Path) -> None:
    make_database(directory)
    file = directory / "room.sqlite"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192 + file.read_bytes()[12288:])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (alters_a_row, "trail: row 1"),
        (queues_for_nobody, "1 waiting for webhook report, which is disabled; enable it"),
        (comes_from_the_future, "from a newer version"),
        (comes_from_the_past, "start the server to upgrade it"),
        (is_no_database, "not a database"),
        (is_damaged, "restore"),
    ],
)
async def test_a_bad_database_is_explained(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(tmp_path)
    before = (tmp_path / "room.sqlite").read_bytes()
    assert grade(await examined(write_settings(tmp_path)), words) is BAD
    assert (tmp_path / "room.sqlite").read_bytes() == before


async def test_a_database_that_is_not_a_regular_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "room.sqlite").mkdir()
    found = await examined(write_settings(tmp_path))
    assert grade(found, "room.sqlite: not a regular file; choose another one") is BAD
    assert not any("chmod" in text for text in found if text.startswith("database"))


async def test_a_suspended_queue_is_a_warning(tmp_path: Path, receiver: Receiver) -> None:
    file = write_settings(tmp_path, webhooks={"report": receiver.url})
    make_database(tmp_path, "INSERT INTO webhook (name, paused) VALUES ('report', 'the site answered 410 (Gone)')")
    found = await examined(file)
    assert grade(found, "paused: the site answered 410 (Gone); 1 waiting; once the site is back") is WARNING
    with closing(schema.connect(str(tmp_path / "room.sqlite"))) as connection:
        connection.execute("UPDATE webhook SET paused = '', failures = 5, opened_at = 1, open_until = 1 << 41")
        assert grade(await examined(file), "probed at 2039-09-07 15:47:35Z, because attempts failed") is WARNING
        connection.execute("UPDATE webhook SET failures = 2, open_until = 0")
        assert grade(await examined(file), "the last 2 attempts to call webhook report failed; 1 waiting") is WARNING
        connection.execute("DELETE FROM webhook")
        connection.execute("UPDATE delivery SET state = 'given-up'")
        assert grade(await examined(file), "1 given up") is WARNING


@pytest.mark.parametrize(
    ("text", "mode", "words", "expected"),
    [
        ('AdminAPIKey = "a long random key 0123456789"', 0o644, "chmod o-r", WARNING),
        ('AdminAPIKey = "a long random key 0123456789"', 0o640, "is valid", GOOD),
        ('AdminAPIKey = "a long random key 0123456789"', 0o600, "is valid", GOOD),
        ("", 0o644, "is valid", GOOD),
        ('AdminAPIKey = "short"', 0o600, "AdminAPIKey: shorter", WARNING),
        ("PermitNSFW = true", 0o600, "PermitNSFW: ignored: there are no webcams", GOOD),
        ("Version = 17\nTitle = 'Tea'", 0o600, "Title: used", GOOD),
        (
            "Version = 17\nTitel = 'Tea'",
            0o600,
            'no such setting: did you mean "Title"?',
            WARNING,
        ),
        ("UseXForwardedFor = true", 0o600, "UseXForwardedFor: adapted: a proxy", WARNING),
        ('Titel = "x"', 0o600, 'did you mean "Title"?', BAD),
        ('Database = "nowhere/room.sqlite"', 0o600, "cannot be created", BAD),
    ],
)
async def test_the_doctor_checks_the_settings(
    tmp_path: Path, text: str, mode: int, words: str, expected: Grade
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    assert grade(await examined(file), words) is expected


async def test_a_finding_is_one_line_whatever_others_say(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('"x\\u001b[31m\\n" = 1', encoding="utf-8")
    (finding,) = await asyncio.to_thread(lambda: list(findings(file)))
    assert str(finding).startswith("✗ ")
    assert not {"\x1b", "\n"} & set(str(finding))
