"""`python -m server.demo` from a visitor's view: a real process, websockets, and the site over HTTP."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from html import escape

import httpx
import pytest

from server.demo.cast import CAST, HOST, SPAMMER
from server.demo.script import CHANNELS, OPENING, TITLE
from server.protocol.frames import Profile, ProfileRequest, ReportRequest, ReportStatus, Say, Welcome, Withdraw
from tests.server.demo.visitor import ANYWHERE, Demo, Visitor, running, started, visit


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with running(*ANYWHERE) as demo:
        yield demo


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield f"127.0.0.1:{holder.getsockname()[1]}"


async def test_bots_talk_when_a_visitor_joins(demo: Demo) -> None:
    async with visit(demo.room, "alice") as alice:
        welcome = await alice.frame(Welcome)
        assert (welcome.title, welcome.website) == (TITLE, demo.inbox)
        assert (welcome.webhooks.report, welcome.webhooks.profile) == (True, True)
        assert [channel.id for channel in welcome.channels] == [channel.id for channel in CHANNELS]
        for line in OPENING:
            await alice.message(line.who, line.text, channel=line.channel)
        await alice.meet({part.name for part in CAST} | {"alice"})
        lobby = [message for message in alice.messages if message.channel == "lobby"]
        assert [(message.username, message.message) for message in lobby[:7]] == [
            (line.who, line.text) for line in OPENING if line.channel == "lobby"
        ]
        assert lobby[6].username == SPAMMER


async def stands(reporter: Visitor, status: str) -> ReportStatus:
    """Wait for the next notification of a report with this status."""
    while True:
        frame = await reporter.frame(ReportStatus)
        if frame.report.status == status:
            return frame


async def test_a_report_of_the_spam_ends_in_the_inbox(demo: Demo) -> None:
    async with visit(demo.room, "O'Brien") as alice, httpx.AsyncClient(trust_env=False) as browser:
        spam = await alice.message(SPAMMER, "FREE gold compass")
        before = await alice.message("juniper", "Both are right")
        await alice.send(ReportRequest(spam.msg_id, "It's spam", "second time today", "n1", (before.msg_id,)))
        assert (await alice.frame(ReportStatus)).nonce == "n1"
        assert (await stands(alice, "delivered")).report.error == ""
        (report,) = (await browser.get(f"{demo.inbox}reports.json")).json()
        assert (report["FromUsername"], report["AboutUsername"], report["Channel"]) == ("O'Brien", SPAMMER, "lobby")
        assert (report["Message"], report["Comment"]) == (spam.message, "second time today")
        assert [line["Message"] for line in report["Context"]] == [before.message]
        page = (await browser.get(demo.inbox)).text
        assert escape(spam.message) in page
        assert "O&#x27;Brien</bdi> reported" in page


async def test_an_answer_in_the_inbox_reaches_the_reporter(demo: Demo) -> None:
    async with visit(demo.room, "alice") as alice, httpx.AsyncClient(trust_env=False) as browser:
        spam = await alice.message(SPAMMER, "FREE gold compass")
        await alice.send(ReportRequest(spam.msg_id, "It's spam", "", "n1"))
        address = f"{demo.inbox}reports/{(await stands(alice, 'delivered')).report.report_id}"
        token = (await browser.get(address)).text.partition('name="token" value="')[2].partition('"')[0]
        for status, note in (("seen", ""), ("resolved", "<b>Gone</b> ⚓")):
            reply = await browser.post(address, data={"token": token, "status": status, "note": note})
            assert reply.status_code == 303
            assert (await stands(alice, status)).report.note == note
        page = (await browser.get(demo.inbox)).text
        assert "✓ Resolved" in page
        assert "&lt;b&gt;Gone&lt;/b&gt; ⚓</p>" in page
        assert "was not notified" not in page


async def test_additions_and_withdrawals_appear_in_the_inbox(demo: Demo) -> None:
    async with visit(demo.room, "alice") as alice, httpx.AsyncClient(trust_env=False) as browser:
        spam = await alice.message(SPAMMER, "FREE gold compass")
        await alice.send(ReportRequest(spam.msg_id, "It's spam", "", "n1"))
        await stands(alice, "delivered")
        await alice.send(ReportRequest(spam.msg_id, "It's spam", "and again", "n2", add=True))
        report_id = (await stands(alice, "delivered")).report.report_id
        (report,) = (await browser.get(f"{demo.inbox}reports.json")).json()
        assert report["Additions"] == [{"Reason": "It's spam", "Comment": "and again"}]
        await alice.send(Withdraw(report_id, "n3"))
        await stands(alice, "withdrawn")
        # It is on its way to the site by now; the reporter is not notified when it arrives.
        while not (await browser.get(f"{demo.inbox}reports.json")).json()[0]["Withdrawn"]:
            await asyncio.sleep(0.05)


async def test_a_profile_shows_its_fields_or_the_error_of_the_site(demo: Demo) -> None:
    async with visit(demo.room, "alice") as alice:
        await alice.message(HOST, "Good morning")
        await alice.send(ProfileRequest("Inés ⚓", "n1"))
        profile = await alice.frame(Profile)
        assert (profile.nonce, profile.error, len(profile.profile_fields)) == ("n1", "", 6)
        await alice.send(ProfileRequest("old pike", "n2"))
        assert (await alice.frame(Profile)).error == "This member keeps their profile private."
        await alice.send(ProfileRequest("alice", "n3"))
        assert (await alice.frame(Profile)).headline == "A guest of the harbour 👋"


async def test_bots_answer_in_the_channel_and_in_direct_messages(demo: Demo) -> None:
    async with visit(demo.room, "alice") as alice:
        await alice.message(SPAMMER, "FREE gold compass")
        await alice.send(Say("galley", "小林さん, is there bread?"))
        await alice.send(Say("@old pike", "good morning"))
        await alice.message("小林", "aliceさん", channel="galley")
        await alice.message("old pike", "Hm.", channel="@old pike")
        assert not [
            message for message in alice.messages if message.username == "marlow" and "alice" in message.message
        ]


async def test_a_newcomer_is_greeted_once_and_the_name_is_not_read_as_markdown(demo: Demo) -> None:
    async with visit(demo.room, "_bob_") as bob:
        await bob.message(HOST, r"\_bob\_")
        await bob.message(HOST, f"Your reports arrive at {demo.inbox}", channel=f"@{HOST}")
        await bob.message(SPAMMER, r"\_bob\_")
    async with visit(demo.room, "_bob_") as bob, visit(demo.room, "carol") as carol:
        await carol.message(HOST, "carol")
        await bob.message(HOST, "carol")
        greetings = [message for message in bob.messages if message.username == HOST and "bob" in message.message]
        assert len(greetings) == 1


async def test_bots_get_along_with_a_guest_of_the_same_name(demo: Demo) -> None:
    async with visit(demo.room, "marlow") as marlow:
        await marlow.message(SPAMMER, "FREE gold compass")
        await marlow.meet({"marlow", "marlow 2"})
        bot = "marlow" if marlow.name == "marlow 2" else "marlow 2"
        await marlow.message(bot, "Night ferry is in")
        await marlow.send(Say(f"@{bot}", "Which of us is it?"))
        await marlow.message(bot, f"Sorry {marlow.name}", channel=f"@{bot}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_demo_without_output(demo: Demo, number: signal.Signals) -> None:
    async with visit(demo.room, "alice") as alice, httpx.AsyncClient(trust_env=False) as browser:
        await alice.message(SPAMMER, "FREE gold compass")
        await browser.get(demo.inbox)
        demo.process.send_signal(number)
        assert await demo.process.ended() == (0, "", "")


async def test_a_child_ends_with_its_parent() -> None:
    async with running(*ANYWHERE, "--child") as demo:
        async with visit(demo.room, "alice") as alice:
            await alice.message(SPAMMER, "FREE gold compass")
        demo.process.close_input()
        assert await demo.process.ended() == (0, "", "")


@pytest.mark.parametrize("option", ["--address", "--site"])
async def test_an_address_in_use_is_an_error_of_one_line(option: str, taken: str) -> None:
    other = "--site" if option == "--address" else "--address"
    async with started(option, taken, other, "127.0.0.1:0") as process:
        code, output, errors = await process.ended()
    assert (code, output) == (2, "")
    assert errors.startswith(f"flagpost: cannot listen on {taken}: ")
    assert errors.endswith(f"; choose another with {option} HOST:PORT\n")
    assert errors.count("\n") == 1


async def test_default_ports_in_use_are_replaced() -> None:
    with ExitStack() as holders:
        for port in (9000, 9080):
            # If it is in use already, that serves as well.
            with suppress(OSError):
                holders.enter_context(socket.create_server(("127.0.0.1", port)))
        async with running() as demo:
            assert not demo.room.endswith(":9000/ws")
            assert not demo.inbox.endswith(":9080/")
            async with httpx.AsyncClient(trust_env=False) as browser:
                assert (await browser.get(demo.inbox)).status_code == 200


@pytest.mark.parametrize("seconds", [0, 0.02, 0.05])
async def test_the_demo_shuts_down_cleanly_while_it_starts(seconds: float) -> None:
    async with running(*ANYWHERE, "--child") as demo:
        await asyncio.sleep(seconds)
        demo.process.close_input()
        assert await demo.process.ended() == (0, "", "")
