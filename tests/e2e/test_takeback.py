"""A deleted message is gone for everyone who could read it, but can still be reported."""

from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import Edit, Edited, Error, History, HistoryRequest, NewText, ReportRequest, Since, Takeback
from tests.support.chat_client import ChatClient, connected, entered
from tests.support.database_file import until
from tests.support.receiver import Receiver
from tests.support.reporting import SPAM, about, ask_report, delivered, disk_of, report_settings, send_report, told
from tests.support.server_process import ServerProcess, write_settings

TOKEN, BOBS_TOKEN = "the-secret-of-alices-client", "the-secret-of-bobs-client"


async def history(client: ChatClient, channel: str) -> list[tuple[str, bool]]:
    """Return the texts of a channel, and whether they were deleted."""
    nonce = client.nonce()
    await client.send(HistoryRequest(channel, nonce))
    page = await client.next(History, lambda page: page.nonce == nonce)
    return [(message.message, message.taken_back) for message in page.messages]


async def takebacks(client: ChatClient) -> list[int]:
    """Return the numbers of all messages that a client saw deleted."""
    return [frame.msg_id for frame in await client.settled() if isinstance(frame, Takeback)]


async def test_a_deleted_channel_message_is_gone_for_everyone(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        kept, regret = await bob.say("lobby", "kept"), await bob.say("lobby", "regret")
        await bob.send(Takeback(regret.msg_id))
        for client in (alice, bob):
            assert await client.next(Takeback) == Takeback(regret.msg_id)
            assert await history(client, "lobby") == [("kept", False), ("", True)]
        # Repeating it does no harm.
        await bob.send(Takeback(regret.msg_id))
        await bob.next(Takeback)
        async with entered(server.url, "carol") as carol:
            echoed = [(message.msg_id, message.message, message.taken_back) for message in carol.echo.messages]
            assert echoed == [(kept.msg_id, "kept", False), (regret.msg_id, "", True)]
            assert not await takebacks(carol)


async def test_deleting_a_direct_message_notifies_only_its_two_people(server: ServerProcess) -> None:
    async with (
        entered(server.url, "alice") as alice,
        entered(server.url, "bob") as bob,
        entered(server.url, "carol") as carol,
        connected(server.url) as (nobody, _),
    ):
        regret = await bob.say("@alice", "regret")
        await bob.send(Takeback(regret.msg_id))
        for client, channel in ((alice, "@bob"), (bob, "@alice")):
            assert (await client.next(Takeback)).msg_id == regret.msg_id
            assert await history(client, channel) == [("", True)]
        assert not await takebacks(carol)
        assert not await takebacks(nobody)


@pytest.mark.parametrize("others", [True, False], ids=["of another person", "unknown"])
async def test_only_its_author_can_delete_a_message(server: ServerProcess, others: bool) -> None:
    async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
        message = await bob.say("lobby", "stays")
        error = await alice.refusal(Takeback(message.msg_id if others else 2**62))
        assert error.code == (ErrorCode.NOT_YOURS if others else ErrorCode.UNKNOWN_MESSAGE)
        assert await history(alice, "lobby") == [("stays", False)]
        assert not await takebacks(bob)


async def test_a_new_holder_of_a_name_cannot_delete_messages_of_the_previous_one(server: ServerProcess) -> None:
    async with entered(server.url, "alice") as alice:
        async with entered(server.url, "bob", BOBS_TOKEN) as bob:
            public, private = await bob.say("lobby", "stays"), await bob.say("@alice", "private")
        async with entered(server.url, "bob", "a-secret-of-another-client") as impostor:
            assert (await impostor.refusal(Takeback(public.msg_id))).code == ErrorCode.NOT_YOURS
            assert (await impostor.refusal(Takeback(private.msg_id))).code == ErrorCode.UNKNOWN_MESSAGE
        assert not await takebacks(alice)


async def test_a_reconnect_gets_the_deletions_of_readable_messages(
    server: ServerProcess,
) -> None:
    async with entered(server.url, "bob") as bob, entered(server.url, "carol") as carol:
        async with connected(server.url) as (alice, welcome):
            await alice.login("alice", TOKEN)
            one, two = await bob.say("lobby", "one"), await bob.say("tea", "two")
            private, secret = await bob.say("@alice", "private"), await bob.say("@carol", "secret")
        for taken in (two, one, private, secret):
            await bob.send(Takeback(taken.msg_id))
            await bob.next(Takeback)
        missed = await bob.say("lobby", "missed")
        await bob.send(Takeback(missed.msg_id))
        await carol.next(Takeback, lambda takeback: takeback.msg_id == missed.msg_id)
        async with entered(server.url, "alice", TOKEN, Since(welcome.epoch, secret.msg_id)) as again:
            assert set(again.echo.taken_back) == {one.msg_id, two.msg_id, private.msg_id}
            assert [(message.message, message.taken_back) for message in again.echo.messages] == [("", True)]


async def test_a_deleted_message_is_reported_with_its_text_which_nobody_else_sees(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = report_settings(tmp_path, receiver.url)
    disk = disk_of(settings)
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            spam, nasty = await bob.say("lobby", "buy my stuff"), await bob.say("@alice", "nasty")
            for message in (spam, nasty):
                await bob.send(Takeback(message.msg_id))
                await alice.next(Takeback)
                report = await ask_report(alice, message.msg_id)
                await told(alice, report.report_id, ReportState.DELIVERED)
            assert [len(about(receiver, text)) for text in ("buy my stuff", "nasty")] == [1, 1]
            async with entered(server.url, "carol") as carol:
                error = await carol.refusal(ReportRequest(nasty.msg_id, SPAM, "", "n"))
                assert error.code == ErrorCode.UNKNOWN_MESSAGE
                # A report does not reveal it to those who had not read it.
                assert (await ask_report(carol, spam.msg_id)).message == ""
                assert "stuff" not in str(await carol.settled())
            # Further reports about the same author wait to be gathered.
            disk.make_due()
            await until(lambda: len(about(receiver, "buy my stuff")) == 2)
        # The text is kept for as long as the settings say, then erased.
        assert disk.rows("SELECT text FROM message ORDER BY id") == [("buy my stuff",), ("nasty",)]
        disk.change("UPDATE message SET taken_back_at = 0")
        server.kill()
    with ServerProcess(settings) as server:
        async with entered(server.url, "dave") as dave:
            await until(lambda: disk.rows("SELECT max(text) FROM message") == [("",)])
            error = await dave.refusal(ReportRequest(spam.msg_id, SPAM, "", "n"))
            assert error.code == ErrorCode.UNKNOWN_MESSAGE
    assert len(receiver.requests) == 3


async def test_deleted_messages_stay_deleted_after_a_kill(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob", BOBS_TOKEN) as bob:
            regret = await bob.say("lobby", "regret")
            await bob.send(Takeback(regret.msg_id))
            await bob.next(Takeback)
            server.kill()
    with ServerProcess(settings) as server:
        async with entered(server.url, "alice") as alice:
            assert await history(alice, "lobby") == [("", True)]


async def test_the_context_of_a_report_includes_deleted_messages(tmp_path: Path, receiver: Receiver) -> None:
    with ServerProcess(report_settings(tmp_path, receiver.url, evidence=True)) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob") as bob:
            regret, spam = await bob.say("lobby", "regret"), await bob.say("lobby", "buy my stuff")
            await bob.send(Takeback(regret.msg_id))
            await alice.next(Takeback)
            report = await send_report(alice, ReportRequest(spam.msg_id, SPAM, "", "n", (regret.msg_id,)))
            await told(alice, report.report_id, ReportState.DELIVERED)
    (request,) = receiver.requests
    assert "'Message': 'regret'" in str(delivered(request).report["Context"])


async def test_an_edit_reaches_everyone_and_its_report_has_both_texts(tmp_path: Path, receiver: Receiver) -> None:
    with ServerProcess(report_settings(tmp_path, receiver.url, evidence=True)) as server:
        async with entered(server.url, "alice") as alice, entered(server.url, "bob", BOBS_TOKEN) as bob:
            vile = await bob.say("lobby", "vile")
            await bob.send(Edit(vile.msg_id, "kind"))
            assert await alice.next(Edited) == Edited(vile.msg_id, "kind")
            await alice.send(Edit(vile.msg_id, "mine", "n-1"))
            refused = await alice.next(Error)
            assert (refused.code, refused.nonce) == (ErrorCode.NOT_YOURS, "n-1")
            report = await send_report(alice, ReportRequest(vile.msg_id, SPAM, "", "n"))
            await told(alice, report.report_id, ReportState.DELIVERED)
        async with connected(server.url) as (carol, welcome):
            await carol.login("carol", since=Since(welcome.epoch, vile.msg_id))
            assert carol.echo.edited == [NewText(vile.msg_id, "kind")]
    (request,) = receiver.requests
    sent = delivered(request).report
    assert sent["Message"] == "kind"
    assert "'Message': 'vile'" in str(sent["EarlierTexts"])
