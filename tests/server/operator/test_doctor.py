"""The doctor finds what is wrong, says what to do, and posts nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from server.engine.database import Database
from server.operator.doctor import Grade, findings
from server.settings import Secret, Settings, WebhookSecurity, WebhookURL
from tests.support.receiver import Receiver, closed_port_url

KEY = Secret("a long random key 0123456789")


async def examined(directory: Path, url: str = "", *, block_private: bool = False) -> dict[str, Grade]:
    """What the doctor says, by its text."""
    settings = Settings(
        admin_api_key=KEY,
        database=str(directory / "room.sqlite"),
        webhook_security=WebhookSecurity(block_private),
        webhook_urls=(WebhookURL("report", enabled=True, url=url),) if url else (),
    )
    found = await asyncio.to_thread(lambda: list(findings(settings, None)))
    return {finding.text: finding.grade for finding in found}


def grade(found: dict[str, Grade], words: str) -> Grade:
    """The grade of the one finding that has these words."""
    (one,) = (grade for text, grade in found.items() if words in text)
    return one


async def test_a_site_that_can_be_reached_is_good_and_gets_no_request(tmp_path: Path, receiver: Receiver) -> None:
    found = await examined(tmp_path, receiver.url)
    assert grade(found, "webhook report: 127.0.0.1 reached in") is Grade.GOOD
    assert not receiver.requests


async def test_a_closed_port_an_unknown_host_and_a_forbidden_one_are_bad(tmp_path: Path, receiver: Receiver) -> None:
    assert grade(await examined(tmp_path, closed_port_url()), "cannot be reached") is Grade.BAD
    assert grade(await examined(tmp_path, "http://no-such-host.invalid/"), "cannot be reached") is Grade.BAD
    assert grade(await examined(tmp_path, receiver.url, block_private=True), "may not be called") is Grade.BAD
    assert grade(await examined(tmp_path, "http://169.254.169.254/"), "metadata") is Grade.BAD


@pytest.fixture
async def untrusted_site() -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    site = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with site:
        yield f"https://localhost:{site.sockets[0].getsockname()[1]}/hooks"


async def test_a_certificate_that_nobody_vouches_for_is_bad(tmp_path: Path, untrusted_site: str) -> None:
    assert grade(await examined(tmp_path, untrusted_site), "certificate of localhost is not accepted") is Grade.BAD


async def test_a_database_is_looked_into(tmp_path: Path) -> None:
    assert grade(await examined(tmp_path), "database") is Grade.WARNING
    database = Database(str(tmp_path / "room.sqlite"))
    found = await examined(tmp_path)
    assert grade(found, "database: whole, and can be written") is Grade.GOOD
    assert grade(found, "trail: 0 rows") is Grade.GOOD
    await database.write(
        lambda connection: connection.executescript(
            "INSERT INTO trail VALUES (1, 'rep_1', 0, '{}', ''); INSERT INTO delivery"
            " (id, seq, report_id, webhook, state, due, changed_at) VALUES ('m', 1, 'rep_1', 'report', 'waiting', 0, 0)"
        )
    )
    found = await examined(tmp_path)
    assert grade(found, "trail: row 1") is Grade.BAD
    assert grade(found, "1 wait for webhook report, which is off") is Grade.BAD
    await database.close()
    (tmp_path / "room.sqlite").write_bytes(b"no database " * 100)
    assert grade(await examined(tmp_path), "not a database") is Grade.BAD


async def test_a_file_with_secrets_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.touch(0o644)
    settings = Settings(admin_api_key=Secret("short"), database=str(tmp_path / "room.sqlite"))
    found = {each.text: each.grade for each in await asyncio.to_thread(lambda: list(findings(settings, file)))}
    assert grade(found, "chmod 600") is Grade.WARNING
    assert grade(found, "AdminAPIKey") is Grade.WARNING
    file.chmod(0o600)
    found = {each.text: each.grade for each in await asyncio.to_thread(lambda: list(findings(settings, file)))}
    assert grade(found, "settings: ") is Grade.GOOD
