"""Whatever a server or a person sends, a terminal gets nothing but what the client draws: judged by its bytes."""

import base64
import re
import sys
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import (
    ChannelEntry,
    ClientFrame,
    Disconnect,
    Echo,
    Error,
    Found,
    Limits,
    Login,
    Me,
    Message,
    Mute,
    Presence,
    Profile,
    ProfileAsk,
    ProfileField,
    Reacted,
    Reaction,
    Reactions,
    Relations,
    ReportAsk,
    ReportEntry,
    ReportReason,
    Reports,
    ReportsAsk,
    ReportStatus,
    SearchAsk,
    ServerFrame,
    Takeback,
    Typing,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
    Withdraw,
)
from tests.support.chat_client import entered
from tests.support.scripted_server import ScriptedServer, scripted_server
from tests.support.server_process import ServerProcess

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)

from tests.support.terminal import SEQUENCE, Terminal

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
COMMANDS = (
    "\x1b]52;c;SGVsbG8=\x07",
    "\x1b]2;PWNED\x07",
    "\x1b[?1049l",
    "\x1b[?1003l",
    "\x1bP0q\x1b\\",
    "\x1bc",
    "\x9b?1003l",
    "\x9d2;PWNED\x9c",
    "\x90q\x9c",
    "a\u202eb\u2066c\u200bd",
    "\r\n\x08\x7f\x0b",
    "e\U000e0041f\ufeffg\u2028h",
)
MARKUP = ("[@click=app.quit]x[/]", "[/nope]", "[ @click=app.quit]x[/]", "[$primary @click=app.quit]y[/]")
PAYLOADS = COMMANDS + MARKUP
BRIEF = "\x1b]2;PWNED\x07\x9b?1003l\u202e"
"""Several in one, where there is one place and little room."""

# What Textual says to a terminal while it runs; leaving is another matter, so it is judged before.
LEGITIMATE = re.compile(
    rb"\x1b\[[0-9;]*m|\x1b\[[0-9]+;[0-9]+H|\x1b\[\?(?:1000|1003|1004|1006|1015|1049|2004|2026)h|\x1b\[\?(?:25|7|2026)l"
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>[0-9]+u|\x1b\]22;[a-z-]*\x07"
    # The client's own title, behind the one that it keeps for later.
    rb"|\x1b\[22;2t|\x1b\]2;(?:\([0-9]+\) )?Flagpost\x07"
)
LINK = re.compile(rb"8;[^;]*;(?P<url>(?:https?://[\x21-\x7e]+|mailto:[\w.+-]+@[\w.-]+)?)")
UNWANTED = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)


def assert_harmless(terminal: Terminal) -> None:
    """Fail for any sequence that is not the client's own, and any character that commands or deceives."""
    terminal.settle(0.1)
    assert_harmless_bytes(bytes(terminal.raw))


def assert_harmless_bytes(raw: bytes) -> None:
    """The same of a part of what the terminal got."""
    foreign = set()
    for match in SEQUENCE.finditer(raw):
        link = LINK.fullmatch(match["osc"] or b"")
        if not link and not LEGITIMATE.fullmatch(match[0]):
            foreign.add(match[0])
    assert not foreign
    unwanted = UNWANTED.search(SEQUENCE.sub(b"", raw).decode())
    assert not unwanted, f"{unwanted} of {len(raw)}"
    for marker in (
        b"\x1b]52",
        b"\x1b]2;P",
        b"\x1bP",
        b"\x1bc",
        b"\x1b[?1049l",
        b"\x1b[?1003l",
        b"\xc2\x9b",
        b"\xc2\x9d",
    ):
        assert marker not in raw
    for code in ("\u202e", "\u2066", "\u200b", "\u2028", "\ufeff"):
        assert code.encode() not in raw


def links(terminal: Terminal) -> set[bytes]:
    """The addresses that the terminal would open."""
    found = (LINK.fullmatch(match["osc"] or b"") for match in SEQUENCE.finditer(terminal.raw))
    return {link["url"] for link in found if link} - {b""}


LOBBY = f"{COMMANDS[0]}lobby"
PEOPLE = [f"{payload}{number}" for number, payload in enumerate(PAYLOADS)]
WELCOME = Welcome(
    epoch=BRIEF,
    title=f"{MARKUP[0]}{BRIEF}",
    channels=[ChannelEntry(LOBBY, COMMANDS[0]), *(ChannelEntry(f"{each}id", each) for each in PAYLOADS[1:])],
    webhooks=Webhooks(report=True, profile=True),
    report_reasons=[ReportReason(each, comment_required=False) for each in PAYLOADS],
    limits=Limits(),
    website=f"https://{BRIEF}",
    sign_in=BRIEF,
)


def message(number: int, text: str, author: str) -> Message:
    """A message in the first channel."""
    return Message(LOBBY, author, text, number, AT, f"{BRIEF}{number}")


def hostile_report(number: int, status: str, words: str) -> ReportEntry:
    """A report with something hostile in every text; a status, and words to know it by."""
    every = "\n".join(PAYLOADS)
    return ReportEntry(
        report_id=f"{BRIEF}{number}",
        msg_id=number,
        about=f"{BRIEF}{MARKUP[3]}",
        channel=LOBBY,
        at=AT,
        message=f"{words} {every}",
        reason=f"{BRIEF}{MARKUP[0]}",
        comment=every,
        reported_at=AT,
        status=status,
        error=f"{words} {BRIEF}{MARKUP[1]}",
        note=f"{words} {BRIEF}{MARKUP[1]}",
    )


class Script(ScriptedServer):
    """A script whose clients may be gone already when it ends."""

    def drop(self) -> None:
        with suppress(OSError):
            super().drop()


@dataclass
class HostileServer(Script):
    """Has something hostile in every place."""

    welcome: Welcome = WELCOME

    def __post_init__(self) -> None:
        spoken = [message(number, text, PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, start=1)]
        self.opening = (Who([WhoEntry(name, 1, name) for name in PEOPLE]), Echo(spoken))
        self.login = lambda frame: Me(f"{BRIEF}{frame.username}", op=False, status=BRIEF)
        self.answer = self.reply

    def reply(self, frame: ClientFrame) -> Sequence[ServerFrame]:
        """Profiles and reports."""
        if isinstance(frame, ProfileAsk):
            fields = [ProfileField(each, f"{each}\n{each}") for each in PAYLOADS]
            return [Profile(f"{BRIEF}{MARKUP[0]}", fields, frame.nonce, f"HEAD {''.join(COMMANDS)}{MARKUP[3]}")]
        if isinstance(frame, ReportAsk):
            return [ReportStatus(hostile_report(frame.msg_id, "waiting", "REFUSED"), frame.nonce)]
        if isinstance(frame, ReportsAsk):
            return [Reports([hostile_report(number, "resolved", "SAID") for number in (1, 2)], nonce=frame.nonce)]
        if isinstance(frame, Withdraw):
            return [Error(f"KEPT {BRIEF}{MARKUP[1]}", ErrorCode.STORAGE, BRIEF, frame.nonce)]
        if isinstance(frame, SearchAsk):
            found = [message(number, f"FOUND {text}", PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, 1)]
            return [Found([*found, *found], more=True, nonce=frame.nonce)]
        if isinstance(frame, Mute):
            return [Relations([frame.username], [f"{BRIEF}blocked"])]
        return ()

    def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            connection.close(code, reason)


def client(server: ScriptedServer, directory: Path) -> Terminal:
    """The client at a server, as ada."""
    return Terminal(server.url, "--name", "ada", directory=directory)


def highlight(terminal: Terminal) -> None:
    """Turn to the latest message."""
    terminal.press("up")
    terminal.until("esc Write")


def test_the_room_shows_hostile_text_and_does_nothing_of_it(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("markup", MARKUP)
def test_a_click_on_markup_in_a_message_does_nothing_of_it(tmp_path: Path, markup: str) -> None:
    plain = Script(opening=(Echo([Message("lobby", "bob", f"see {markup}", 1, AT)]),))
    with scripted_server(plain) as server, client(server, tmp_path) as terminal:
        terminal.until(f"see {markup}")
        for inside in range(len(markup)):
            terminal.click(markup, inside)
        terminal.settle()
        terminal.until(f"see {markup}")
        terminal.press("p")
        terminal.until("Asking the site")
        assert terminal.alive


def test_a_click_on_markup_in_title_profile_or_form_does_nothing_of_it(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.settle()
        terminal.click(MARKUP[0], len(MARKUP[0]) - 4)
        terminal.click(MARKUP[3])
        terminal.until("p Profile")
        terminal.press("p")
        terminal.until("HEAD")
        assert_harmless(terminal)
        terminal.click(MARKUP[0], len(MARKUP[0]) - 4)
        terminal.settle()
        assert terminal.alive
        assert "HEAD" in terminal.screen


def test_reports_and_what_comes_of_them(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("r")
        terminal.until("Report a message")
        # From the first reason up to the last ones, which are those of markup.
        terminal.press("up")
        for markup in MARKUP:
            terminal.until(f"  {markup}  ")
        terminal.press("down")
        terminal.settle()
        terminal.press("ctrl+s")
        terminal.until(f"REFUSED ␛]2;PWNED␇\ufffd?1003l{MARKUP[1]}")
        terminal.until("You reported [$primary")
        terminal.click("You reported [$primary", 18)
        terminal.settle()
        assert terminal.alive
        terminal.press("r")
        terminal.until("Add to that report?")
        # Whole it stands in the room behind the question as well; here it wraps.
        terminal.until("this message of [$primary")
        terminal.click("this message of [$primary", 18)
        terminal.settle()
        assert terminal.alive
        terminal.until("Add to that report?")
        terminal.press("n")
        terminal.until_gone("Add to that report?")
        assert_harmless(terminal)
        server.next_sent(ReportAsk)


def test_the_evidence_of_a_report(tmp_path: Path) -> None:
    evidence = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=True))
    with scripted_server(HostileServer(evidence)) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("r")
        terminal.until("the message, 10 before")
        # With their author each: the markup alone stands among the reasons too, and a click there moves the focus.
        shown = [f"{each}{number}  {each}" for number, each in enumerate(PAYLOADS) if each in MARKUP[1:3]]
        for each in shown:
            terminal.until(each)
        # The form finds its layout in two steps; a click between them would land on something else.
        terminal.settle()
        terminal.click(shown[1], len(MARKUP[2]) - 4)
        terminal.press("-")
        terminal.until("the message, 9 before")
        terminal.press("\x1b[Z", "\x1b[Z", "\x1b[Z", "\x1b[Z")
        for _ in range(2 * len(PAYLOADS)):
            terminal.press("up")
        assert_harmless(terminal)
        terminal.press("ctrl+s")
        terminal.until("You reported")
        report = server.next_sent(ReportAsk)
        assert isinstance(report, ReportAsk)
        assert len(report.context) == 9


def test_the_screen_of_reports(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.press("ctrl+r")
        terminal.until("The site says: SAID")
        for markup in MARKUP:
            terminal.until(markup)
        terminal.click("The site says: SAID ␛]2;PWNED␇", 40)
        terminal.click(MARKUP[3], len(MARKUP[3]) - 4)
        terminal.press("x")
        terminal.until("Withdraw your report")
        terminal.press("y")
        terminal.until("✗ KEPT")
        server.send(*(ReportStatus(hostile_report(9, each, each)) for each in PAYLOADS))
        terminal.settle()
        assert_harmless(terminal)
        terminal.press("ctrl+r")
        terminal.until("online as")
        assert_harmless(terminal)
        assert terminal.alive


@pytest.mark.parametrize("status", [*ReportState, *MARKUP, BRIEF])
def test_notices_of_reports(tmp_path: Path, status: str) -> None:
    opening = (Reports([hostile_report(3, status, "CHANGED")], [f"{BRIEF}3"]),)
    with scripted_server(Script(WELCOME, opening)) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        server.send(ReportStatus(hostile_report(4, status, "NEWS")), message(1, "LAST", "bob"))
        terminal.until("LAST")
        assert_harmless(terminal)
        assert terminal.alive


def test_who_is_muted_and_what_was_taken_back(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("m")
        terminal.until("is muted: what")
        terminal.press("m")
        server.send(*(Takeback(number) for number in range(1, len(PAYLOADS))))
        terminal.until("taken back")
        terminal.press("ctrl+o")
        terminal.until("muted")
        assert_harmless(terminal)
        assert terminal.alive


def test_what_is_found(tmp_path: Path) -> None:
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


def test_what_stands_under_a_message_and_who_is_writing(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        last = len(PAYLOADS)
        server.send(*(Reacted(last, each, f"{each}\nEMOJI") for each in PAYLOADS))
        server.send(Echo([], reacted=[Reactions(last - 1, [Reaction(each, [each, each]) for each in PAYLOADS])]))
        terminal.until("EMOJI 1")
        highlight(terminal)
        terminal.press("e")
        terminal.until("there")
        terminal.press("\x1b")
        terminal.until("esc Write")
        terminal.press("ctrl+k", "down", "enter")
        server.send(*(Typing(f"@{each}") for each in PEOPLE))
        terminal.settle()
        assert_harmless(terminal)
        assert terminal.alive


def test_what_is_pasted_into_the_palette(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        terminal.press("ctrl+g")
        terminal.until("Find a command")
        terminal.press(f"\x1b[200~\x9b?1003l \u202e\u200b \x9d2;PWNED\x9c {MARKUP[1]}\x1b[201~")
        terminal.until("No matches found")
        assert_harmless(terminal)
        assert MARKUP[1] in terminal.screen


@pytest.mark.parametrize(
    ("environment", "notice"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, rb"9;\xe2\x9a\x91 (?P<said>.*)"),
        ({"TERM": "xterm-kitty"}, rb"99;i=flagpost:d=[01]:e=1(?::p=body)?;(?P<said>[A-Za-z0-9+/=]*)"),
        ({"TERM": "rxvt-unicode"}, rb"777;notify;[^;]*;(?P<said>.*)"),
    ],
    ids=["osc 9", "osc 99", "osc 777"],
)
def test_notices_on_the_desktop(tmp_path: Path, environment: dict[str, str], notice: bytes) -> None:
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
        # One bell stands before them.
        assert_harmless_bytes(raw.replace(b"\x07" + b"".join(match[0] for match in told), b""))
        assert b"\x1b]2;(1) Flagpost\x07" in raw
        terminal.press("focus")
        assert terminal.quit() == 0
        assert b"\x1b[23;2t" in terminal.raw


def test_what_is_offered_and_said_of_commands(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        odd = "\x9b?1003l\u202e\x9d2;PWNED\x9c"
        terminal.press("@", "[")
        terminal.until(f"tab  @{MARKUP[2]}")
        for _ in PAYLOADS:
            terminal.press("tab")
        terminal.settle()
        assert_harmless(terminal)
        terminal.press("\x15", *"#", "tab", "tab", "tab")
        terminal.settle()
        terminal.press("\x15", f"\x1b[200~/msg {MARKUP[1]} nobody {odd}\x1b[201~", "enter")
        terminal.until("Nobody here is called so")
        # The text stays to be mended.
        terminal.settle()
        terminal.press("end", "\x15")
        terminal.until_gone("/msg")
        terminal.press(f"\x1b[200~/{MARKUP[1]}{odd}\x1b[201~", "enter")
        terminal.until(f"There is no command /{MARKUP[1]}")
        terminal.settle()
        terminal.press("ctrl+t")
        terminal.settle()
        terminal.press(f"\x1b[200~{MARKUP[2]}{odd}\x1b[201~")
        terminal.until("your words")
        assert_harmless(terminal)
        assert terminal.alive


def test_what_an_editor_gives_back(tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    words = f"EDITED {''.join(COMMANDS)} {MARKUP[0]}"
    script.write_text(f"import pathlib, sys\npathlib.Path(sys.argv[1]).write_text({words!r} + chr(10))\n", "utf-8")
    named = {"VISUAL": f"{sys.executable} {script}"}
    with (
        scripted_server(Script()) as server,
        Terminal(server.url, "--name", "ada", directory=tmp_path, extra=named) as terminal,
    ):
        terminal.until("online as")
        terminal.press("ctrl+e")
        terminal.until("EDITED")
        terminal.settle()
        # Leaving and coming back is the client's own; what came since is judged.
        assert_harmless_bytes(bytes(terminal.raw[terminal.raw.rindex(b"\x1b[?1049h") :]))
        assert MARKUP[0] in terminal.screen


def test_what_is_pasted_as_a_name(tmp_path: Path) -> None:
    refused = Error("Not that.", ErrorCode.BAD_NAME, BRIEF)
    with scripted_server(Script(login=lambda frame: refused)) as server, client(server, tmp_path) as terminal:
        terminal.until("By which name")
        terminal.press("\x1b[200~\x9b?1003l\u202e\x1b]2;PWNED\x07X\x1b[201~")
        terminal.until("PWNED")
        assert_harmless(terminal)


@pytest.mark.parametrize("payload", ["".join(COMMANDS), MARKUP[1], MARKUP[3]], ids=["commands", "end", "click"])
def test_a_profile_panel(tmp_path: Path, payload: str) -> None:
    def reply(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, ProfileAsk):
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


def test_a_refused_name(tmp_path: Path) -> None:
    def judge(frame: Login) -> ServerFrame:
        if frame.username == "ada":
            return Error(f"NOT THAT {''.join(PAYLOADS)}", ErrorCode.BAD_NAME, BRIEF)
        return Me(frame.username, op=False)

    with scripted_server(Script(login=judge)) as server, client(server, tmp_path) as terminal:
        terminal.until("By which name")
        terminal.until(MARKUP[0])
        terminal.click("@click=app.quit]x")
        assert_harmless(terminal)
        terminal.press(*"2", "enter")
        terminal.until("online as")
        assert terminal.alive


@pytest.mark.parametrize(
    ("code", "payload"),
    [(1012, "".join(COMMANDS)), (4001, BRIEF), (4001, "".join(MARKUP))],
    ids=["again", "end", "markup"],
)
def test_a_farewell(tmp_path: Path, code: int, payload: str) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        assert isinstance(server, HostileServer)
        server.send(Disconnect(f"BYE {payload}", code, reconnect=True))
        terminal.until("BYE")
        server.close(code, f"GONE {payload}"[:100])
        terminal.until("GONE")
        assert_harmless(terminal)
        assert terminal.alive


@pytest.mark.parametrize("name", ["\x1b]2;PWNED\x07\x9b?1003l\u202eada", "[/nope]"])
def test_ones_own_name(tmp_path: Path, name: str) -> None:
    with scripted_server(Script()) as server, Terminal(server.url, "--name", name, directory=tmp_path) as terminal:
        terminal.until("online as")
        assert_harmless(terminal)


@pytest.mark.parametrize("url", ["ws://\x1b]2;PWNED\x07/", "ws://[/nope]/", "ws://127.0.0.1:1/\x9b?1003l[/nope]"])
def test_a_url_of_the_command_line(tmp_path: Path, url: str) -> None:
    with Terminal(url, "--name", "ada", directory=tmp_path) as terminal:
        terminal.until("✗")
        assert_harmless(terminal)
        assert terminal.alive


def test_what_is_pasted(tmp_path: Path) -> None:
    with scripted_server(Script()) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        terminal.press(f"\x1b[200~PASTED \x9b?1003l \u202e\u200b \x9d2;PWNED\x9c {MARKUP[1]}\x1b[201~")
        terminal.until("PASTED")
        terminal.press("enter")
        terminal.until("sending")
        assert_harmless(terminal)
        assert MARKUP[1] in terminal.screen


def test_only_http_and_mail_links_are_links(tmp_path: Path) -> None:
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


def test_what_is_selected_reaches_the_clipboard_and_nothing_else(tmp_path: Path) -> None:
    spoken = Echo([Message("lobby", "bob", "one \x1b]52;c;SGVsbG8=\x07 two", 1, AT)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        terminal.until("two")
        assert_harmless(terminal)
        terminal.drag("one", "two", 2)
        terminal.until("Copied.")
        written = base64.b64encode("one ␛]52;c;SGVsbG8=␇ two".encode())
        copies = [match["osc"] for match in SEQUENCE.finditer(terminal.raw) if (match["osc"] or b"").startswith(b"52")]
        assert copies == [b"52;c;" + written]


def test_a_quotation_and_the_list_of_mentions(tmp_path: Path) -> None:
    spoken = [message(number, f"@ada {text}", PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, start=1)]
    server = HostileServer()
    server.opening = (Echo(spoken),)
    server.login = lambda frame: Me(frame.username, op=False)
    with scripted_server(server), client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("enter")
        terminal.until(f"> {MARKUP[3]}")
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
def test_a_message_of_an_impossible_time_ends_nothing(tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX+12" if at.startswith("0001") else "XXX-12")
    odd = Message("lobby", "bob", "odd", 1, datetime.fromisoformat(at))
    spoken = Echo([odd, Message("lobby", "bob", "even", 2, AT), Message("lobby", "carol", "LAST", 3, AT)])
    with scripted_server(Script(opening=(spoken,))) as server, client(server, tmp_path) as terminal:
        terminal.until("LAST")
        highlight(terminal)
        terminal.settle(0.1)
        assert terminal.alive


@pytest.mark.parametrize("number", [0, -1])
def test_a_message_of_an_impossible_number_ends_nothing(tmp_path: Path, number: int) -> None:
    spoken = Echo([Message("lobby", "bob", "odd", number, AT)])
    last = Message("lobby", "bob", "LAST", 3, AT)
    with scripted_server(Script(opening=(spoken, last))) as server, client(server, tmp_path) as terminal:
        terminal.until("LAST")
        highlight(terminal)
        terminal.press("r")
        terminal.until("Report a message")
        assert terminal.alive


def test_a_server_without_reasons_ends_nothing(tmp_path: Path) -> None:
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


async def test_what_one_person_says_is_harmless_in_the_terminal_of_another(
    server: ServerProcess, tmp_path: Path
) -> None:
    with Terminal(server.url, "--name", "ada", directory=tmp_path) as terminal:
        terminal.until("online as ada")
        async with entered(server.url, MARKUP[0]) as mallory:
            terminal.until(MARKUP[0][:12])
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


async def test_two_clients_and_a_server_end_to_end(server: ServerProcess, tmp_path: Path) -> None:
    with (
        Terminal(server.url, "--name", "[/nope]", directory=tmp_path) as mallory,
        Terminal(server.url, "--name", "ada", directory=tmp_path) as ada,
    ):
        mallory.until("online as [/nope]")
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
        assert "[/nope]" in ada.screen
        assert ada.quit() == mallory.quit() == 0
