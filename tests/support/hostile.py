"""Hostile text for every field the client shows, a server that sends it, and checks of a terminal's output."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Addition,
    ChannelEntry,
    ClientFrame,
    Echo,
    Error,
    Limits,
    Me,
    Message,
    Mute,
    Profile,
    ProfileField,
    ProfileRequest,
    Relations,
    ReportEntry,
    ReportReason,
    ReportRequest,
    Reports,
    ReportsRequest,
    ReportStatus,
    SearchRequest,
    SearchResults,
    ServerFrame,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
    Withdraw,
)
from tests.support.scripted_server import ScriptedServer
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
"""Several attacks in one text, for fields with little space."""

# The sequences that Textual writes while it runs; those of leaving differ, so the output is checked before that.
LEGITIMATE = re.compile(
    rb"\x1b\[[0-9;]*m|\x1b\[[0-9]+;[0-9]+H|\x1b\[\?(?:1000|1003|1004|1006|1015|1049|2004|2026)h|\x1b\[\?(?:25|7|2026)l"
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>[0-9]+u|\x1b\]22;[a-z-]*\x07"
    # The client's own title, after the sequence that saves the previous one.
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
    """Check a part of a terminal's output, as `assert_harmless` does."""
    foreign = set()
    for match in SEQUENCE.finditer(raw):
        link = LINK.fullmatch(match["osc"] or b"")
        if not link and not LEGITIMATE.fullmatch(match[0]):
            foreign.add(match[0])
    assert not foreign, foreign
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
    """Return the addresses that the terminal would open."""
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
    """Return a message in the first channel."""
    return Message(LOBBY, author, text, number, AT, f"{BRIEF}{number}")


def hostile_report(number: int, status: str, words: str) -> ReportEntry:
    """Return a report with hostile content in every text; a status, and words to find it by."""
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
        additions=[Addition(AT, f"ADDED {BRIEF}{MARKUP[0]}", every)],
    )


class Script(ScriptedServer):
    """A script whose clients may have disconnected when it ends."""

    def drop(self) -> None:
        with suppress(OSError):
            super().drop()


@dataclass
class HostileServer(Script):
    """Sends hostile content in every field."""

    welcome: Welcome = WELCOME

    def __post_init__(self) -> None:
        spoken = [message(number, text, PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, start=1)]
        self.opening = (Who([WhoEntry(name, 1, name) for name in PEOPLE]), Echo(spoken))
        self.login = lambda frame: Me(f"{BRIEF}{frame.username}", op=False, status=BRIEF)
        self.answer = self.reply

    def reply(self, frame: ClientFrame) -> Sequence[ServerFrame]:
        """Answer requests for profiles and reports."""
        if isinstance(frame, ProfileRequest):
            fields = [ProfileField(each, f"{each}\n{each}") for each in PAYLOADS]
            return [Profile(f"{BRIEF}{MARKUP[0]}", fields, frame.nonce, f"HEAD {''.join(COMMANDS)}{MARKUP[3]}")]
        if isinstance(frame, ReportRequest):
            return [ReportStatus(hostile_report(frame.msg_id, "waiting", "REFUSED"), frame.nonce)]
        if isinstance(frame, ReportsRequest):
            return [Reports([hostile_report(number, "seen", "SAID") for number in (1, 2)], nonce=frame.nonce)]
        if isinstance(frame, Withdraw):
            return [Error(f"KEPT {BRIEF}{MARKUP[1]}", ErrorCode.STORAGE, BRIEF, frame.nonce)]
        if isinstance(frame, SearchRequest):
            found = [message(number, f"FOUND {text}", PEOPLE[number - 1]) for number, text in enumerate(PAYLOADS, 1)]
            return [SearchResults([*found, *found], more=True, nonce=frame.nonce)]
        if isinstance(frame, Mute):
            return [Relations([frame.username], [f"{BRIEF}blocked"])]
        return ()

    def close(self, code: int, reason: str) -> None:
        for connection in list(self._connections):
            connection.close(code, reason)


def client(server: ScriptedServer, directory: Path) -> Terminal:
    """Run the client at a server, as ada."""
    return Terminal(server.url, "--name", "ada", directory=directory)


def highlight(terminal: Terminal) -> None:
    """Highlight the latest message."""
    terminal.press("up")
    terminal.until("esc Write")
