"""Logging in: the first frames, names, and how others see people join and leave."""

from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    Echo,
    Error,
    HistoryRequest,
    Login,
    Ping,
    Pong,
    Presence,
    ProfileRequest,
    ReportRequest,
    ReportsRequest,
    Say,
    Welcome,
    Who,
    Withdraw,
)
from tests.support.chat_client import connected, entered
from tests.support.server_process import Channel, ServerProcess, write_settings


async def test_the_first_frame_contains_what_a_client_needs_to_draw_the_room(server: ServerProcess) -> None:
    async with connected(server.url) as (client, welcome):
        assert client.seen == [welcome]
    assert [(channel.id, channel.name) for channel in welcome.channels] == [("lobby", "Lobby"), ("tea", "Tea")]
    assert (welcome.webhooks.report, welcome.webhooks.profile) == (False, False)
    assert [reason.comment_required for reason in welcome.report_reasons] == [False] * 5 + [True]
    assert welcome.limits.frame_bytes == 65536
    assert welcome.epoch


async def test_a_login_is_answered_by_name_who_list_and_recent_messages_in_this_order(server: ServerProcess) -> None:
    async with connected(server.url) as (client, _):
        granted = await client.login("  alice ")
        assert (granted.username, granted.op) == ("alice", False)
        assert [type(frame) for frame in client.seen] == [Welcome, type(granted), Who, Echo]


async def test_a_taken_name_gets_a_number_whatever_its_case(server: ServerProcess) -> None:
    async with entered(server.url, "alice"), connected(server.url) as (second, _), connected(server.url) as (third, _):
        assert (await second.login("ALICE")).username == "ALICE 2"
        assert (await third.login("alice")).username == "alice 3"


@pytest.mark.parametrize("name", ["", "ChatServer", "chatserver", "a\x1b[2Jb", "a\u202eb", "a\u200bb", "x" * 33])
async def test_a_refused_name_has_a_reason_and_another_can_be_tried(server: ServerProcess, name: str) -> None:
    async with connected(server.url) as (client, _):
        error = await client.refusal(Login(name))
        assert (error.code, error.username) == (ErrorCode.BAD_NAME, CHAT_SERVER)
        assert error.message
        assert (await client.login("alice")).username == "alice"


async def test_a_connection_can_log_in_only_once(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as client:
        assert (await client.refusal(Login("bob"))).code == ErrorCode.ALREADY_LOGGED_IN


async def test_nothing_is_accepted_or_sent_before_the_login(server: ServerProcess) -> None:
    async with connected(server.url) as (nobody, _), entered(server.url, "alice") as alice:
        for frame in (
            Say("lobby", "hello", "n-1"),
            HistoryRequest("lobby", "n-2"),
            ReportRequest(1, "It's spam", "", "n-3"),
            ProfileRequest("alice", "n-4"),
            ReportsRequest("n-5"),
            Withdraw("rep_1", "n-6"),
        ):
            error = await nobody.refusal(frame)
            assert (error.code, error.nonce) == (ErrorCode.NOT_LOGGED_IN, frame.nonce)
        await alice.say("lobby", "anybody there?")
        assert not await nobody.messages()
        assert [message.message for message in await alice.messages()] == ["anybody there?"]


async def test_a_ping_is_answered_even_before_the_login(server: ServerProcess) -> None:
    async with connected(server.url) as (client, _):
        await client.send(Ping())
        await client.next(Pong)


async def test_everyone_sees_who_is_present_and_who_joins_and_leaves(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with connected(server.url) as (bob, _):
            await bob.send(Login("bob"))
            assert [entry.username for entry in (await bob.next(Who)).who_list] == ["alice", "bob"]
            came = await alice.next(Presence)
            assert (came.username, came.message) == ("bob", "has joined the room!")
            assert came.who
            assert (came.who.username, came.who.video, came.who.op) == ("bob", 0, False)
        left = await alice.next(Presence)
        assert (left.username, left.message, left.who) == ("bob", "has exited the room!", None)


async def test_a_connection_that_never_logs_in_is_not_announced(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with connected(server.url):
            pass
        assert not [frame for frame in await alice.settled() if isinstance(frame, Presence)]


async def test_a_name_is_free_again_once_its_holder_has_left(server: ServerProcess) -> None:
    async with entered(server.url, "bob") as bob:
        async with entered(server.url, "alice"):
            pass
        await bob.next(Presence, lambda presence: presence.who is None)
        async with connected(server.url) as (again, _):
            assert (await again.login("alice")).username == "alice"


async def test_a_newcomer_is_welcomed_in_each_channel_after_the_recent_messages(tmp_path: Path) -> None:
    channels = [Channel("lobby", ["Welcome!", "Be kind."]), Channel("tea", ["Milk?"]), Channel("quiet")]
    with ServerProcess(write_settings(tmp_path, channels=channels)) as server:
        async with entered(server.url, "alice") as client:
            echo = client.echo
            frames = await client.settled()
            notices = [frame for frame in frames if isinstance(frame, Error)]
            assert [(notice.channel, notice.message) for notice in notices] == [
                ("lobby", "Welcome!"),
                ("lobby", "Be kind."),
                ("tea", "Milk?"),
            ]
            assert {(notice.code, notice.username) for notice in notices} == {(ErrorCode.NOTICE, CHAT_SERVER)}
            assert frames.index(echo) < frames.index(notices[0])
