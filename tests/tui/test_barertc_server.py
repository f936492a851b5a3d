"""The real client at a stand-in for a BareRTC server, over a real socket."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from server.protocol import frames
from tests.support.barertc_server import barertc_server, recorded
from tests.support.pilots import app_of, until, until_seen
from tui.client.client import Client, nonce
from tui.client.own_reports import ReportDraft
from tui.fullscreen.app import FlagpostApp
from tui.net import server_connection
from tui.options import Options
from tui.plain import output


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for a welcome that never comes."""
    monkeypatch.setattr(server_connection, "SILENT_SECONDS", 0.05)


async def holds(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_client_chats_reports_and_is_kicked() -> None:
    with barertc_server() as server:
        async with Client(Options("alice", server.url)) as client:
            running = asyncio.create_task(client.run())
            await holds(lambda: client.online)
            client.say("hello")
            state = client.state
            await holds(lambda: bool([*state.timeline.after(0)]))
            (line,) = state.timeline.after(0)
            assert (line.text, state.timeline.holds_pending) == ("hello", False)
            client.send(frames.React(line.msg_id, "👍"))
            await holds(lambda: all(each.reactions for each in state.timeline.after(0)))
            client.send(state.report(line, ReportDraft("It's spam", ""), nonce()))
            await holds(lambda: state.reports.reported(line.msg_id) and not state.reports.unanswered)
            assert [each["message"] for each in server.of("report")] == ["<p>hello</p>"]
            said = " ".join(each.text for each in output.commands(state))
            assert "/report " in said
            assert not any(f"/{name}" in said for name in ("search", "edit", "reports", "withdraw", "history"))
            picture = '<img src="data:image/png;base64,' + "A" * 2_000_000 + '">'
            server.send(msgspec.json.encode({
                "action": "message", "channel": "lobby", "username": "bob", "message": picture, "msgID": 1_795_957_000,
            }))  # fmt: skip
            await holds(lambda: [each.text for each in state.timeline.after(line.msg_id)] == ["(picture)"])
            server.send(*recorded("kick", "late"))
            async with asyncio.timeout(30):
                await running
            assert client.status == "disconnected"


async def test_keys_that_need_more_than_the_server_supports_are_not_offered() -> None:
    with barertc_server() as server:
        async with FlagpostApp(Options("alice", server.url)).run_test(size=(120, 36)) as pilot:
            await until_seen(pilot, "online as")
            app_of(pilot).client.say("**hi**")
            await until_seen(pilot, "hi")
            await until(pilot, lambda: not app_of(pilot).state.timeline.holds_pending, "the message is confirmed")
            screen = app_of(pilot).screen
            assert [screen.check_action(name, ()) for name in ("my_reports", "search", "edit_message")] == [False] * 3
            await pilot.press("ctrl+f", "ctrl+r")
            assert app_of(pilot).screen is screen
