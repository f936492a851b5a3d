"""Hostile text from a server or user: the terminal receives only what the client draws, judged by its bytes."""

import re
import sys
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    ChannelEntry,
    ClientFrame,
    Disconnect,
    Echo,
    Error,
    Limits,
    Login,
    Me,
    Message,
    Presence,
    Profile,
    ProfileField,
    ProfileRequest,
    Reacted,
    Reaction,
    Reactions,
    ServerFrame,
    Takeback,
    Typing,
    Webhooks,
    Welcome,
    WhoEntry,
)
from tests.support.chat_client import entered
from tests.support.scripted_server import scripted_server
from tests.support.server_process import ServerProcess

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.hostile import (
    AT,
    BRIEF,
    COMMANDS,
    LOBBY,
    MARKUP,
    PAYLOADS,
    PEOPLE,
    UNWANTED,
    HostileServer,
    Script,
    assert_harmless,
    assert_harmless_bytes,
    client,
    highlight,
    links,
    message,
)
from tests.support.terminal import SEQUENCE, Terminal


def test_hostile_text_is_shown_in_the_room_without_effect(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        for text in (*MARKUP, "␛]2;PWNED␇", "␛[?1049l", "␛[?1003l", "␛P0q␛\\", "␛c", "\ufffd?1003l", "abcd"):
            terminal.until(text)
        terminal.press("ctrl+o")
        for _ in PEOPLE:
            terminal.press("down")
        for _ in PAYLOADS:
            terminal.press("ctrl+n")
        terminal.settle()
        server.send(
            *(Error(f"**{each}** `{each}` SAID", ErrorCode.NOTICE, each, channel=LOBBY) for each in PAYLOADS),
            *(Error(f"{each} TOLD", ErrorCode.INTERNAL, each) for each in PAYLOADS),
            *(Presence(f"{each}new", each, WhoEntry(f"{each}new", 2, each)) for each in PAYLOADS),
            *(Message(f"@{each}", each, each, 100 + number, AT) for number, each in enumerate(PEOPLE)),
        )
        terminal.until(f"{MARKUP[3]} TOLD")
        for _ in range(2 * len(PAYLOADS)):
            terminal.press("ctrl+n")
        assert_harmless(terminal)
        assert terminal.quit() == 0


def test_a_click_on_markup_in_a_message_runs_no_action(tmp_path: Path) -> None:
    spoken = Echo([Message("lobby", "bob", f"see {each}", number, AT) for number, each in enumerate(MARKUP, start=1)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        for markup in MARKUP:
            terminal.until(f"see {markup}")
            for inside in range(len(markup)):
                terminal.click(f"see {markup}", len("see ") + inside)
            terminal.settle()
            terminal.until(f"see {markup}")
        terminal.press("p")
        terminal.until("Asking the site")
        assert terminal.alive


def test_a_click_on_markup_in_title_profile_or_form_runs_no_action(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.settle()
        terminal.click(MARKUP[0], len(MARKUP[0]) - 4)
        terminal.click(MARKUP[3])
        # A click highlights the message, and leaves the focus in the composer.
        terminal.until("press Up to act on the highlighted one")
        terminal.press("up")
        terminal.until("p Profile")
        terminal.press("p")
        terminal.until("HEAD")
        assert_harmless(terminal)
        terminal.click(MARKUP[0], len(MARKUP[0]) - 4)
        terminal.settle()
        assert terminal.alive
        assert "HEAD" in terminal.screen


def test_hostile_names_of_muted_people_and_deleted_messages_are_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("m")
        terminal.until("is muted; you")
        terminal.press("m")
        server.send(*(Takeback(number) for number in range(1, len(PAYLOADS))))
        terminal.until("message deleted")
        terminal.press("ctrl+o")
        terminal.until("muted")
        assert_harmless(terminal)
        assert terminal.alive


def test_search_results_are_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.press("ctrl+f", "x", "enter")
        terminal.until("FOUND")
        for _ in PAYLOADS:
            terminal.press("down")
        terminal.press("enter")
        terminal.until("esc Write")
        assert_harmless(terminal)
        assert terminal.alive


def test_reactions_and_typing_notices_are_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        last = len(PAYLOADS)
        server.send(*(Reacted(last, each, f"{each}\nEMOJI") for each in PAYLOADS))
        server.send(Echo([], reacted=[Reactions(last - 1, [Reaction(each, [each, each]) for each in PAYLOADS])]))
        terminal.until("EMOJI 1")
        highlight(terminal)
        terminal.press("e")
        terminal.until("added")
        terminal.press("\x1b")
        terminal.until("esc Write")
        terminal.press("ctrl+k", "down", "enter")
        server.send(*(Typing(f"@{each}") for each in PEOPLE))
        terminal.settle()
        assert_harmless(terminal)
        assert terminal.alive


@pytest.mark.parametrize(
    ("environment", "notice"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, rb"9;\xe2\x9a\x91 (?P<said>.*)"),
        ({"TERM": "xterm-kitty"}, rb"99;i=flagpost:d=[01]:e=1(?::p=body)?;(?P<said>[A-Za-z0-9+/=]*)"),
        ({"TERM": "rxvt-unicode"}, rb"777;notify;[^;]*;(?P<said>.*)"),
    ],
    ids=["osc 9", "osc 99", "osc 777"],
)
def test_desktop_notifications_are_harmless(tmp_path: Path, environment: dict[str, str], notice: bytes) -> None:
    with (
        scripted_server(HostileServer()) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra=environment) as terminal,
    ):
        terminal.until(MARKUP[3])
        terminal.press("blur")
        terminal.settle()
        everything = f"{MARKUP[0]}{''.join(COMMANDS)}"
        server.send(Message(f"@{everything}", everything, f"{everything} LAST", 100, AT))
        server.send(Message(LOBBY, everything, "SHOWN", 101, AT))
        terminal.until("SHOWN")
        terminal.settle()
        raw = bytes(terminal.raw)
        told = [match for match in SEQUENCE.finditer(raw) if re.match(rb"(?:9|99|777);", match["osc"] or b"")]
        said = [re.fullmatch(notice, match["osc"], re.DOTALL) for match in told]
        assert said
        for each in said:
            assert each
            text = b64decode(each["said"]) if notice.startswith(b"99") else each["said"]
            assert not UNWANTED.search(text.decode())
        # One bell precedes each of them.
        assert_harmless_bytes(raw.replace(b"\x07" + b"".join(match[0] for match in told), b""))
        assert b"\x1b]2;(1) Flagpost\x07" in raw
        terminal.press("focus")
        assert terminal.quit() == 0
        assert b"\x1b[23;2t" in terminal.raw


@pytest.mark.parametrize("payload", ["".join(COMMANDS), MARKUP[1], MARKUP[3]], ids=["commands", "closing tag", "click"])
def test_the_profile_panel_is_harmless(tmp_path: Path, payload: str) -> None:
    def reply(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileRequest):
            return ()
        if frame.username == "bob":
            return [Profile(payload, [ProfileField(payload, payload)], frame.nonce, f"{payload} END")]
        return [Profile(payload, [], frame.nonce, error=f"{payload} FAILED")]

    opening = Echo([Message("lobby", "bob", "one", 1, AT), Message("lobby", "carol", "two", 2, AT)])
    script = Script(opening=(opening,), answer=reply)
    with scripted_server(script) as server, client(server, tmp_path) as terminal:
        terminal.until("two")
        highlight(terminal)
        terminal.press("p")
        terminal.until("FAILED")
        terminal.press("p")
        terminal.until_gone("FAILED")
        terminal.press("up", "p")
        terminal.until("END")
        assert_harmless(terminal)
        if payload in MARKUP:
            assert payload in terminal.screen


def test_the_dialog_of_a_refused_name_is_harmless(tmp_path: Path) -> None:
    def judge(frame: Login) -> ServerFrame:
        if frame.username == "ada":
            return Error(f"NOT THAT {''.join(PAYLOADS)}", ErrorCode.BAD_NAME, BRIEF)
        return Me(frame.username, op=False)

    with scripted_server(Script(login=judge)) as server, client(server, tmp_path) as terminal:
        terminal.until("Choose another name")
        terminal.until(MARKUP[0])
        terminal.click("@click=app.quit]x")
        assert_harmless(terminal)
        terminal.press(*"2", "enter")
        terminal.until("online as")
        assert terminal.alive


@pytest.mark.parametrize(
    ("code", "payload"),
    [(1012, "".join(COMMANDS)), (4001, BRIEF), (4001, "".join(MARKUP))],
    ids=["restart", "replaced", "markup"],
)
def test_the_reason_of_a_disconnect_is_harmless(tmp_path: Path, code: int, payload: str) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        assert isinstance(server, HostileServer)
        server.send(Disconnect(f"BYE {payload}", code, reconnect=True))
        terminal.until("BYE")
        server.close(code, f"GONE {payload}"[:100])
        terminal.until("GONE")
        terminal.until("Press F5 to" if code == 4001 else "Reconnecting.")
        assert_harmless(terminal)
        assert terminal.alive


def test_only_web_and_mail_addresses_become_links(tmp_path: Path) -> None:
    texts = [
        "[one](http://a.example/%1B]2;PWNED%07)",
        "[two](javascript:alert(1)) [three](file:///etc/passwd) [four](data:text/html,x) [five](ftp://b.example)",
        "http://c.example/\x1b]2;PWNED\x07",
        "[six](http://d.example/\x07\x1b]52;c;SGVsbG8=\x07)",
        "[seven](http://e.example/\x9c\x9d2;PWNED\x9c)",
        "[eight](<http://f.example/a;b c>) www.g.example",
        "[nine](mailto:ada@h.example) [ten](mailto:ada@i.example?body=%1B]2;PWNED%07)",
        "mallory@harbour.org \x1b]2;PWNED\x07",
        "LAST",
    ]
    spoken = Echo([Message("lobby", "bob", text, number, AT) for number, text in enumerate(texts, start=1)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        terminal.until("LAST")
        assert_harmless(terminal)
        assert b"http://a.example/%1B%5D2;PWNED%07" in links(terminal)
        assert {link for link in links(terminal) if link.startswith(b"mailto:")} == {
            b"mailto:ada@h.example",
            b"mailto:mallory@harbour.org",
        }
        safe = rb"https?://[a-g]\.example|http://www\.g|mailto:"
        assert {link for link in links(terminal) if not re.match(safe, link)} == set()


def test_quotations_and_mentions_are_harmless(tmp_path: Path) -> None:
    spoken = [message(number, f"@ada {text}", PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, start=1)]
    server = HostileServer()
    server.opening = (Echo(spoken),)
    server.login = lambda frame: Me(frame.username, op=False)
    with scripted_server(server), client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("enter")
        terminal.until("» @ada [$primary")
        terminal.press("\x1bm")
        terminal.until("Mentions")
        terminal.until(MARKUP[0])
        for _ in PAYLOADS:
            terminal.press("down")
        assert_harmless(terminal)
        terminal.press("enter")
        terminal.until("esc Write")
        assert_harmless(terminal)
        assert terminal.alive


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-14T09:26:00"])
def test_a_message_with_an_impossible_time_does_not_end_the_client(
    tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "XXX+12" if at.startswith("0001") else "XXX-12")
    odd = Message("lobby", "bob", "odd", 1, datetime.fromisoformat(at))
    spoken = Echo([odd, Message("lobby", "bob", "even", 2, AT), Message("lobby", "carol", "LAST", 3, AT)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        terminal.until("LAST")
        highlight(terminal)
        terminal.settle(0.1)
        assert terminal.alive


def test_messages_with_impossible_numbers_do_not_end_the_client(tmp_path: Path) -> None:
    spoken = Echo([Message("lobby", "bob", f"odd {number}", number, AT) for number in (0, -1)])
    last = Message("lobby", "bob", "LAST", 3, AT)
    with scripted_server(Script(opening=(spoken, last))) as server, client(server, tmp_path) as terminal:
        terminal.until("LAST")
        highlight(terminal)
        terminal.press("r")
        terminal.until("Report a message")
        assert terminal.alive


def test_a_server_without_report_reasons_does_not_end_the_client(tmp_path: Path) -> None:
    welcome = Welcome(
        "e", "T", [ChannelEntry("lobby", "L")], Webhooks(report=True, profile=True), [], Limits(0, 0, 0, 0)
    )
    with scripted_server(Script(welcome=welcome)) as server, client(server, tmp_path) as terminal:
        terminal.until("buy my stuff")
        highlight(terminal)
        terminal.press("r")
        terminal.settle()
        terminal.press("down", "enter", "ctrl+s")
        terminal.settle()
        assert terminal.alive
        assert "Traceback" not in terminal.screen


async def test_messages_are_harmless_in_the_terminals_of_other_people(server: ServerProcess, tmp_path: Path) -> None:
    with Terminal(server.url, "--name", "ada", directory=tmp_path) as terminal:
        terminal.until("online as ada")
        async with entered(server.url, "mallory") as mallory:
            terminal.until("PEOPLE  2")
            for text in PAYLOADS:
                if text.strip():
                    await mallory.say("lobby", f"PUBLIC {text}")
                    await mallory.say("@ada", f"DIRECT {text}")
            terminal.until(f"PUBLIC {MARKUP[3]}")
            terminal.click(f"PUBLIC {MARKUP[3]}", 24)
            terminal.settle()
            assert terminal.alive
            for _ in range(3):
                terminal.press("ctrl+n")
                terminal.settle()
            assert_harmless(terminal)
        terminal.until_gone("PEOPLE  2")
        assert_harmless(terminal)
        assert terminal.quit() == 0


async def test_hostile_text_between_two_clients_is_harmless_end_to_end(server: ServerProcess, tmp_path: Path) -> None:
    with (
        Terminal(server.url, "--name", "mallory", directory=tmp_path) as mallory,
        Terminal(server.url, "--name", "ada", directory=tmp_path) as ada,
    ):
        mallory.until("online as mallory")
        ada.until("online as ada")
        mallory.press(*"[@click=app.quit]x[/]", "enter")
        mallory.press("\x1b[200~SECOND \x9d2;PWNED\x9c\u202e\x1b[201~", "enter")
        for terminal in (mallory, ada):
            terminal.until("[@click=app.quit]x[/]")
            terminal.until("SECOND")
            terminal.settle()
            assert_harmless(terminal)
        ada.click("[@click=app.quit]x[/]", 17)
        ada.settle()
        assert ada.quit() == mallory.quit() == 0
