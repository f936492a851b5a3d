"""The start and end of a server, in this process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from types import MethodType, SimpleNamespace
from typing import cast

import pytest

from server import app
from server.http.listening import Listener, ListenError
from server.ops import reload
from server.room.presence import Attendance
from server.settings import LoadedSettings, Settings, SettingsError, WebhookURL
from server.storage import reports
from server.storage.events import RoomRequest, RoomRequested
from server.storage.reports import Submission
from server.storage.sqlite_database import SqliteDatabase
from tests.support.stored_reports import ALICE, TERMS, evidence

SECONDS = 30.0
ACCEPTED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Start:
    """The start of a server whose address is in use, while the site is about to answer a request."""

    def __init__(self) -> None:
        self._asked, self._may_answer = asyncio.Event(), asyncio.Event()
        self.listener = cast(Listener, SimpleNamespace(start=self._listen, addresses=(), certificates=None))

    async def site(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self._asked.set()
        await self._may_answer.wait()
        writer.write(ACCEPTED)
        writer.close()

    async def open_room(self, *_: object) -> None:
        """Open the room slowly."""
        await self._asked.wait()

    def _listen(self) -> None:
        self._may_answer.set()
        raise ListenError("cannot listen there: Address already in use")


@pytest.fixture
def _unlogged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the log of the tests as it is."""
    monkeypatch.setattr("server.ops.logs.configure", lambda _: None)


@pytest.mark.usefixtures("_unlogged")
async def test_a_start_that_fails_records_what_the_site_has_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the site would receive it again at each start."""
    path = str(tmp_path / "room.sqlite")
    database = SqliteDatabase(path)
    await database.write(partial(reports.submit, TERMS, Submission(ALICE, evidence(), None, add=False)))
    await database.close()
    start = Start()
    monkeypatch.setattr(Attendance, "open", start.open_room)
    async with await asyncio.start_server(start.site, "127.0.0.1", 0) as site, asyncio.timeout(SECONDS):
        url = f"http://127.0.0.1:{site.sockets[0].getsockname()[1]}/"
        hook = WebhookURL("report", enabled=True, url=url)
        with pytest.raises(ListenError):
            await app.run(Settings(database=path, webhook_urls=(hook,)), start.listener)
    database = SqliteDatabase(path)
    (state,) = await database.read(lambda connection: connection.execute("SELECT state FROM delivery").fetchone())
    assert state == "delivered"
    await database.close()


@pytest.mark.usefixtures("_unlogged")
async def test_a_server_that_is_shutting_down_applies_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would start requests to the site that its end cuts off."""
    settings, reloaded = Settings(database=str(tmp_path / "room.sqlite")), list[str]()

    async def serve(_room: object, _metrics: object, _listener: object, drain: MethodType) -> None:
        await drain()
        with pytest.raises(SettingsError) as refused:
            cast(app._Running, drain.__self__).reload(settings)
        reloaded.append(str(refused.value))

    monkeypatch.setattr(app, "serve", serve)
    listener = SimpleNamespace(start=lambda: None, addresses=(), certificates=None, websocket_url="")
    await app.run(settings, cast(Listener, listener))
    assert reloaded == ["the server is shutting down"]


async def silence() -> None:
    """Wait for an answer that never comes, as to a write of a server that was removed."""
    await asyncio.get_running_loop().create_future()


def removed(database: SqliteDatabase) -> None:
    database.lost()


def told_to_shut_down(database: SqliteDatabase) -> None:
    database.announce_aside(RoomRequested(RoomRequest.SHUT_DOWN, "another server"))


@pytest.mark.usefixtures("_unlogged")
@pytest.mark.parametrize("told", [(removed,), (told_to_shut_down,), (told_to_shut_down, removed)])
@pytest.mark.parametrize("answered", [silence, partial(asyncio.sleep, 0)])
async def test_a_server_asked_to_end_during_its_start_ends(
    told: Sequence[Callable[[SqliteDatabase], None]],
    answered: Callable[[], Awaitable[None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database, ended = SqliteDatabase(str(tmp_path / "room.sqlite")), list[None]()

    async def enter(*_: object) -> None:
        for tell in told:
            tell(database)
        await answered()

    async def serve(*_: object) -> None:
        assert ended

    monkeypatch.setattr(app, "open_database", lambda *_: database)
    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(Attendance, "open", enter)
    monkeypatch.setattr("server.ops.process.shut_down", lambda: ended.append(None))
    listener = SimpleNamespace(start=lambda: None, addresses=(), certificates=None, websocket_url="")
    async with asyncio.timeout(SECONDS):
        await app.run(Settings(database=str(tmp_path / "room.sqlite")), cast(Listener, listener))
    assert ended


@pytest.mark.usefixtures("_unlogged")
@pytest.mark.parametrize("told", [True, False])
async def test_a_reload_requested_by_another_server_during_the_start_runs_after_it(
    told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, done = SqliteDatabase(str(tmp_path / "room.sqlite")), list[str]()

    async def enter(*_: object) -> None:
        if told:
            database.announce_aside(RoomRequested(RoomRequest.RELOAD, "another server"))

    async def serve(*_: object) -> None:
        done.append("serves")

    def read() -> LoadedSettings:
        done.append("reads")
        raise SettingsError("the file is not valid")

    monkeypatch.setattr(reload, "_early_request", threading.Event())
    monkeypatch.setattr(app, "open_database", lambda *_: database)
    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(Attendance, "open", enter)
    listener = SimpleNamespace(start=lambda: None, addresses=(), certificates=None, websocket_url="")
    await app.run(Settings(database=str(tmp_path / "room.sqlite")), cast(Listener, listener), read)
    assert done == (["reads", "serves"] if told else ["serves"])
