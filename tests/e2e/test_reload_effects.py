"""SIGHUP from outside: what takes effect now does so for those who are here, and the rest for new connections."""

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Error, Message, Say, Welcome
from tests.support.chat_client import WAIT_SECONDS, ChatClient, connected, entered
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")

PAGE = "https://chat.example"
BEFORE = """
Database = "room.sqlite"
[Limits]
FrameBytes = 2000
[[PublicChannels]]
ID = "lobby"
Name = "Lobby"
"""
AFTER = """
Database = "room.sqlite"
Title = "Changed"
WebsiteURL = "https://www.example"
ReportReasons = ["Other"]
AllowedHosts = ["chat.internal"]
AllowedOrigins = ["https://chat.example"]
Compression = true
AdminAPIKey = "a-long-random-key-of-the-site"
[Names]
ReservedDays = 0
[Limits]
FrameBytes = 40000
MessagesBurst = 1
MessagesPerSecond = 0.01
ConnectionsPerAddress = 3
ExemptAddresses = []
[Log]
Format = "json"
[[PublicChannels]]
ID = "lobby"
Name = "Foyer"
WelcomeMessages = ["Welcome!"]
EchoMessagesOnJoin = 0
[[PublicChannels]]
ID = "tea"
Name = "Tea"
[[WebhookURLs]]
Name = "report"
Enabled = true
Evidence = true
URL = "http://127.0.0.1:9/webhook"
"""


async def reloaded(server: ServerProcess) -> None:
    """Send SIGHUP, and wait until the settings are read."""
    known = len(server.log)
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(WAIT_SECONDS):
        while "settings reloaded" not in server.log[known:]:
            await asyncio.sleep(0.02)


async def status_of(server: ServerProcess, host: str) -> int:
    """Return the status of a request that calls the server by this name."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{server.http_url}/api/statistics", headers={"Host": host})).status_code


async def check_now(server: ServerProcess, here: ChatClient) -> None:
    """Check what must hold for a client that was here before."""
    welcome = await here.next(Welcome)
    assert (welcome.title, welcome.website) == ("Changed", "https://www.example")
    assert [reason.reason for reason in welcome.report_reasons] == ["Other"]
    assert [(channel.id, channel.name) for channel in welcome.channels] == [("lobby", "Foyer"), ("tea", "Tea")]
    assert (welcome.webhooks.report, welcome.webhooks.evidence, welcome.limits.frame_bytes) == (True, True, 40000)
    await here.send(Say("tea", "x" * 3900, "n-1"))
    assert len((await here.next(Message, lambda message: message.nonce == "n-1")).message) == 3900
    assert (await here.refusal(Say("tea", "in haste", "n-2"))).code == ErrorCode.TOO_FAST
    assert await status_of(server, "chat.internal") != 421
    assert '"event"' in server.log


async def check_new_connections(server: ServerProcess) -> None:
    """Check what must hold for those who come later."""
    async with connect(server.url, origin=Origin(PAGE), compression="deflate", proxy=None) as socket:
        assert socket.protocol.extensions
        newcomer = ChatClient(socket)
        # The name was reserved for ada, who has left.
        assert (await newcomer.login("ada", "another secret 01")).username == "ada"
        assert [message.channel for message in newcomer.echo.messages] == ["tea"]
        notice = await newcomer.next(Error, lambda error: error.code == ErrorCode.NOTICE)
        assert notice.message == "Welcome!"
        async with connected(server.url), connected(server.url):
            with pytest.raises(InvalidStatus) as refused:
                async with connected(server.url):
                    pass
            assert refused.value.response.status_code == 429


async def test_a_reload_applies_each_setting_when_the_settings_page_says(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(BEFORE)
    with ServerProcess(settings) as server:
        async with entered(server.url, "ada", "a secret of ada 01") as ada:
            await ada.say("lobby", "hello")
        async with entered(server.url, "here") as here:
            assert await status_of(server, "chat.internal") == 421
            with pytest.raises(InvalidStatus):
                await connect(server.url, origin=Origin(PAGE), proxy=None)
            settings.write_text(AFTER)
            await reloaded(server)
            await check_now(server, here)
            await check_new_connections(server)
            settings.write_text(AFTER.replace("40000", "500"))
            await reloaded(server)
            await here.send(Say("tea", "x" * 600, "n-3"))
            assert (await here.closed())[0] == CloseCode.TOO_BIG
