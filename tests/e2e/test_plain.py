"""The line mode: pipes at one end, a real or scripted server at the other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Echo,
    Error,
    Login,
    Message,
    ReportRequest,
    Say,
    ServerFrame,
    Takeback,
    Webhooks,
)
from tests.support.chat_client import entered, says
from tests.support.plain_client import WAIT_SECONDS, PlainClient
from tests.support.receiver import Receiver, answers
from tests.support.scripted_server import PEOPLE, WELCOME, ScriptedServer, confirming, line, scripted_server, stands
from tests.support.server_process import ServerProcess, environment, write_settings

IMPATIENT = """
import asyncio, sys
from tui.options import Options
from tui.plain.chat import chat

sys.exit(asyncio.run(chat(Options("ada", sys.argv[1]), 0.5)))
"""


def until(holds: Sequence[object]) -> None:
    """Wait until an item is in a list that another thread fills."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds:
        assert time.monotonic() < end
        time.sleep(0.02)


async def test_lines_reach_others_and_messages_of_others_have_a_number(server: ServerProcess, tmp_path: Path) -> None:
    async with entered(server.url, "bob") as bob:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada; you are writing in # Lobby")
            ada.write("Hello bob")
            await bob.next(Message, says("Hello bob"))
            assert ada.until("Hello bob").startswith("[1] ")
            await bob.say("lobby", "One\n[7] 09:00 # Lobby, carol: two")
            said = ada.until("bob» One")
            assert said.startswith("[2] ")
            assert said.endswith(" # Lobby, bob» One")
            assert ada.until("two").startswith("    [7]"), "what goes on begins no line"
            ada.write("/join tea", "In the other one", "/msg bob just you", "//who", "/who")
            assert (await bob.next(Message, says("In the other one"))).channel == "tea"
            assert (await bob.next(Message, says("just you"))).channel == "@ada"
            assert (await bob.next(Message, says("/who"))).channel == "tea"
            ada.until("* 2 in the room:")
            assert ada.end_input() == (0, [])


async def test_a_message_is_reported_and_a_profile_read_by_commands(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url, "profile": receiver.url})
    profile = (
        b'{"StatusCode":200,"Data":{"OK":true,"Headline":"Sells stuff","ProfileFields":[{"Name":"Age","Value":"9"}]}}'
    )
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob") as bob:
            await bob.say("lobby", "buy my stuff")
            with PlainClient(server.url, "ada", tmp_path) as ada:
                number = ada.until("buy my stuff").partition(" ")[0]
                ada.write(f"/report {number} spam Every day")
                ada.until(f"* {number} is reported")
                ada.until("reached the site")
                receiver.behaviour = answers(200, profile)
                ada.write("/profile bob")
                ada.until("* Profile of bob» Sells stuff")
                ada.until("    Age: 9")
                assert ada.end_input() == (0, [])
    (report, _) = receiver.wait_for(2)
    for word in (b'"buy my stuff"', b'"It\'s spam"', b'"Every day"'):
        assert word in report.body


async def test_the_client_exits_at_the_end_of_input_once_all_lines_are_confirmed(
    server: ServerProcess, tmp_path: Path
) -> None:
    texts = ["    indented", "\ta\ttab", *(f"line {number}" for number in range(40))]
    async with entered(server.url, "bob") as bob:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.write(*texts)
            assert ada.end_input() == (0, [])
            assert [each.partition("» ")[2] for each in ada.lines if each.startswith("[")] == texts
        assert [message.message for message in await bob.messages()] == texts


def test_the_quit_command_ends_the_client_like_the_end_of_input(server: ServerProcess, tmp_path: Path) -> None:
    with PlainClient(server.url, "ada", tmp_path) as ada:
        ada.write("Bye", "/quit", "never said")
        assert ada.ended() == (0, [])
        assert [each.partition("» ")[2] for each in ada.lines if each.startswith("[")] == ["Bye"]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("/msg nobody hi", "Not sent: hi: No one named “nobody” has been here. Check the spelling."),
        ("/report 9 spam", "Reports are turned off on this server."),
        ("/profile bob", "No profile of “bob”: "),
        ("/join nowhere", "There is no channel “nowhere”. Use # Lobby, # Tea, or @NAME for a person."),
        ("/dance", "Unknown command /dance."),
        ("/msg bob", "There is no text after the name “bob”."),
        ("x" * 70_000, "The message has "),
        ("gr\udcfc\udcdfe", "This line is not UTF-8 (byte fc), so it was not sent. Convert it to UTF-8: "),
    ],
)
def test_a_failed_command_prints_one_line_and_sets_the_exit_code(
    server: ServerProcess, tmp_path: Path, typed: str, complaint: str
) -> None:
    with PlainClient(server.url, "ada", tmp_path) as ada:
        ada.write(typed, "goes on")
        code, errors = ada.end_input()
        assert code == 1
        assert len(errors) == 1
        assert errors[0].startswith(f"flagpost: {complaint}")
        assert any(each.endswith("ada» goes on") for each in ada.lines)


def _impatient(url: str, typed: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPATIENT, url],
        cwd=directory,
        env=environment(),
        input=typed,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def test_lines_that_were_never_confirmed_are_reported_as_failed(tmp_path: Path) -> None:
    with scripted_server(ScriptedServer()) as script:
        ended = _impatient(script.url, "one\ntwo\nthree\n", tmp_path)
    assert ended.returncode == 1
    unsure = "No answer within 0 s, so this may not have arrived"
    assert ended.stderr == f"flagpost: {unsure}, and 2 later lines were not sent: one\n"


def test_the_client_exits_at_the_end_of_input_and_names_unsent_lines_without_a_server(tmp_path: Path) -> None:
    ended = _impatient("ws://127.0.0.1:9", "one\n", tmp_path)
    assert ended.returncode == 1
    trouble, unsent = ended.stderr.splitlines()
    assert trouble.startswith("flagpost: No connection to ws://127.0.0.1:9/ws: nothing is listening there.")
    assert unsent == "flagpost: No answer within 0 s, so this was not sent: one"


def test_messages_written_while_offline_are_sent_once_after_the_reconnect(tmp_path: Path) -> None:
    with (
        scripted_server(ScriptedServer(answer=lambda _: ())) as script,
        PlainClient(script.url, "ada", tmp_path) as ada,
    ):
        ada.until("buy my stuff")
        ada.write("Still there?")
        script.next_sent(Say)
        script.answer = confirming()
        script.drop()
        ada.until_error("Reconnecting.")
        ada.until("Connected again as ada")
        ada.until("ada» Still there?")
        assert ada.end_input()[0] == 0
        assert len({say.nonce for say in script.sent(Say) if isinstance(say, Say)}) == 1


def test_a_report_includes_the_surrounding_messages(tmp_path: Path) -> None:
    def answer(frame: ClientFrame) -> Sequence[ServerFrame]:
        return [stands(frame)] if isinstance(frame, ReportRequest) else ()

    evidence = Webhooks(report=True, profile=True, evidence=True)
    script = ScriptedServer(msgspec.structs.replace(WELCOME, webhooks=evidence), answer=answer)
    with scripted_server(script), PlainClient(script.url, "ada", tmp_path) as ada:
        ada.until("[3] ")
        ada.write("/join galley", "/report 3 2")
        ada.until("* Reporting [3]: It's abusive (racist, homophobic, etc.). Context: 2 before, 0 after.")
        ada.until("* [3] is reported")
        asked = script.next_sent(ReportRequest)
        assert isinstance(asked, ReportRequest)
        assert (asked.msg_id, asked.context) == (3, (1, 2))
        assert asked.reason == "It's abusive (racist, homophobic, etc.)"


def test_changes_of_a_message_are_announced_by_its_number(tmp_path: Path) -> None:
    with scripted_server() as script, PlainClient(script.url, "ada", tmp_path) as ada:
        ada.until("[3] ")
        script.send(Takeback(1))
        ada.until("* [1] “bob” deleted this message")


def test_text_of_others_cannot_control_the_terminal_or_begin_a_line(tmp_path: Path) -> None:
    hostile = "\x1b]52;c;SGVsbG8=\x07\x9b?1049l\u202eabc\r* Connected\u2028[9] you\nflagpost: x"
    script = ScriptedServer(opening=(PEOPLE, Echo([line(1, hostile, hostile)])))
    with scripted_server(script), PlainClient(script.url, "ada", tmp_path) as ada:
        ada.until("flagpost: x")
        script.send(Error(hostile, ErrorCode.NOTICE, CHAT_SERVER, channel="lobby"))
        script.send(Error(hostile, ErrorCode.MALFORMED, CHAT_SERVER))
        ada.until_error("Connected")
        _, errors = ada.end_input()
    for each in ada.lines:
        assert each.startswith(("[1] ", "* ", "    "))
    assert len(errors) == 1
    written = "".join([*ada.lines, *errors])
    assert not set(written) & {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\u2028"}


def test_a_refused_name_ends_line_mode(tmp_path: Path) -> None:
    script = ScriptedServer(login=lambda _: Error("Names have no colour.", ErrorCode.BAD_NAME, CHAT_SERVER))
    with scripted_server(script), PlainClient(script.url, "ada", tmp_path) as ada:
        assert ada.ended() == (1, ["flagpost: Names have no colour. Give another name with --name NAME."])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_closes_the_connection_cleanly(tmp_path: Path) -> None:
    with scripted_server() as script, PlainClient(script.url, "ada", tmp_path) as ada:
        ada.until("buy my stuff")
        ada.process.send_signal(signal.SIGINT)
        assert ada.ended() == (130, [])
        until(script.closes)
        assert script.closes == [CloseCode.NORMAL]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no broken pipes")
def test_line_mode_ends_silently_if_its_reader_is_gone(tmp_path: Path) -> None:
    read, write = os.pipe()
    with scripted_server() as script:
        client = subprocess.Popen(
            [sys.executable, "-m", "tui", "--plain", "--name", "ada", script.url],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=write,
            stderr=subprocess.PIPE,
        )
        os.close(write)
        with client, os.fdopen(read) as output:
            output.readline()
            script.next_sent(Login)
            output.close()
            script.send(line(4, "bob", "Anybody?"))
            assert client.wait(WAIT_SECONDS) == 141
            assert client.stderr
            assert client.stderr.read() == b""
        until(script.closes)
        assert script.closes == [CloseCode.NORMAL]


async def test_line_mode_can_do_what_the_screen_can(server: ServerProcess, tmp_path: Path) -> None:
    async with entered(server.url, "bob") as bob:
        with PlainClient(server.url, "ada", tmp_path) as ada:
            ada.until("Connected as ada")
            await bob.say("lobby", "rope for sale")
            number = ada.until("rope for sale").partition(" ")[0].strip("[]")
            steps = [
                (f"/react {number} :+1:", "reactions: 👍 1"),
                (f"/react {number} 👍", "reactions: none"),
                ("/search rope", f"* [{number}] "),
                ("/search nothing at all", "* No messages found."),
                ("hello", "» hello"),
                (f"/edit {int(number) + 1} hello all", "now says: hello all"),
                (f"/delete {int(number) + 1}", "deleted this message"),
                ("/status at lunch", "* Status set: at lunch"),
                ("/dnd", "* Do not disturb is on"),
                ("/DND", "* Do not disturb is off."),
                ("/mute bob", "* “bob” is muted"),
                ("/unmute bob", "* “bob” is no longer muted."),
                ("/block bob", "* “bob” is blocked"),
                ("/unblock bob", "* “bob” is no longer blocked."),
                ("/help", "* /withdraw N: "),
                ("/help", "* /search WORDS: "),
            ]
            for typed, printed in steps:
                ada.write(typed)
                ada.until(printed)
            ada.write("/delete 1", "/unmute bob", "/unblock nobody here", "/withdraw 1", "/search")
            ada.write("/status " + "x" * 200, "/close", "/close nobody")
            code, errors = ada.end_input()
    assert code == 1
    assert [each.partition(": ")[2][:40] for each in errors] == [
        "[1] is not your message. Use the number ",
        "“bob” is not muted, so there is nothing ",
        "No one named “nobody here” is here. See ",
        "There is no report 1 in the list. Type /",
        "Usage: /search WORDS",
        "The status has 200 characters; the limit",
        "Only conversations can be closed. Use /c",
        "There is no conversation with “nobody”. ",
    ]


async def test_a_report_is_listed_and_withdrawn_by_commands(tmp_path: Path, receiver: Receiver) -> None:
    settings = write_settings(tmp_path, webhooks={"report": receiver.url})
    with ServerProcess(settings) as server:
        async with entered(server.url, "bob") as bob:
            with PlainClient(server.url, "ada", tmp_path) as ada:
                ada.until("Connected as ada")
                await bob.say("lobby", "buy my stuff")
                number = ada.until("buy my stuff").partition(" ")[0].strip("[]")
                ada.write(f"/report {number} spam")
                ada.until("reached the site")
                ada.write("/reports")
                ada.until("* Report 1: It's spam, about “bob” in # Lobby: ")
                ada.write("/withdraw 1")
                ada.until("is withdrawn")
                assert ada.end_input() == (0, [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_ctrl_c_names_what_was_not_sent(tmp_path: Path) -> None:
    script = ScriptedServer(answer=lambda frame: [])
    with scripted_server(script) as server, PlainClient(server.url, "ada", tmp_path) as ada:
        ada.until("Connected as ada")
        # A line that failed does not hide those that were not sent.
        ada.write("/nonsense", "never confirmed", "", "/join tea", "never sent")
        server.next_sent(Say)
        ada.process.send_signal(signal.SIGINT)
        code, errors = ada.ended()
        until(script.closes)
    assert code == 130
    assert errors[1:] == [
        "flagpost: The server has not confirmed this: never confirmed",
        "flagpost: This was not sent: /join tea",
        "flagpost: This was not sent: never sent",
    ]
    assert script.closes == [CloseCode.NORMAL]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_line_still_waiting_for_the_login_is_named_as_unsent(tmp_path: Path) -> None:
    script = ScriptedServer(opening=[PEOPLE])
    with scripted_server(script) as server, PlainClient(server.url, "ada", tmp_path) as ada:
        ada.write("too early")
        ada.until("Connected as ada")
        ada.process.send_signal(signal.SIGINT)
        code, errors = ada.ended()
    assert (code, errors) == (130, ["flagpost: This was not sent: too early"])


def test_unconfirmed_lines_are_named_when_the_connection_ends(tmp_path: Path) -> None:
    script = ScriptedServer(answer=lambda frame: [])
    with scripted_server(script) as server, PlainClient(server.url, "ada", tmp_path) as ada:
        ada.until("Connected as ada")
        ada.write("never confirmed")
        server.next_sent(Say)
        ada.process.send_signal(signal.SIGINT)
        code, errors = ada.ended()
    assert code == 130
    assert errors[-1] == "flagpost: The server has not confirmed this: never confirmed"
