"""Hostile text in or about a report: the terminal receives only what the client draws."""

import sys
from pathlib import Path

import pytest
from msgspec import structs

from server.protocol.codes import ReportState
from server.protocol.frames import (
    ReportRequest,
    Reports,
    ReportStatus,
    Webhooks,
)
from server.protocol.name_text import said
from tests.support.scripted_server import scripted_server

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal", allow_module_level=True)


from tests.support.hostile import (
    BRIEF,
    MARKUP,
    PAYLOADS,
    WELCOME,
    HostileServer,
    Script,
    assert_harmless,
    client,
    highlight,
    hostile_report,
    message,
)

WITH_EVIDENCE = structs.replace(WELCOME, webhooks=Webhooks(report=True, profile=True, evidence=True))


def test_reports_and_their_outcomes_are_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer()) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("r")
        terminal.until("Report a message")
        # From the first reason, up wraps to the last ones, which contain markup.
        terminal.press("up")
        for markup in MARKUP:
            terminal.until(f"  {markup}  ")
        terminal.press("down")
        terminal.settle()
        terminal.press("ctrl+s")
        terminal.until(f"REFUSED ␛]2;PWNED␇\ufffd?1003l{MARKUP[1]}")
        terminal.until("Mute “�")
        terminal.click("Mute “�", 10)
        terminal.settle()
        assert terminal.alive
        terminal.press("r")
        terminal.until("This site accepts no additions.")
        assert_harmless(terminal)
        server.next_sent(ReportRequest)


def test_the_preview_of_a_report_is_harmless(tmp_path: Path) -> None:
    with scripted_server(HostileServer(WITH_EVIDENCE)) as server, client(server, tmp_path) as terminal:
        terminal.until(MARKUP[3])
        highlight(terminal)
        terminal.press("r")
        terminal.until("this message, 10 before")
        # With their authors, since the markup alone also appears among the reasons, where a click moves the focus.
        shown = [said(f"{each}{number}", each) for number, each in enumerate(PAYLOADS) if each in MARKUP[1:3]]
        for each in shown:
            terminal.until(each)
        # The form is laid out in two steps; a click between them would hit something else.
        terminal.settle()
        terminal.click(shown[1], len(MARKUP[2]) - 4)
        terminal.press("-")
        terminal.until("this message, 9 before")
        terminal.press("\x1b[Z", "\x1b[Z", "\x1b[Z", "\x1b[Z")
        for _ in range(2 * len(PAYLOADS)):
            terminal.press("up")
        assert_harmless(terminal)
        terminal.press("ctrl+s")
        terminal.until("Mute “")
        report = server.next_sent(ReportRequest)
        assert isinstance(report, ReportRequest)
        assert len(report.context) == 9
        terminal.settle()
        terminal.press("r")
        terminal.until("Add to your report?")
        # Only the question wraps this text; the room behind it shows it in full.
        terminal.until("this message from “")
        terminal.click("this message from “", 20)
        terminal.settle()
        assert terminal.alive
        terminal.until("Add to your report?")
        terminal.press("n")
        terminal.until_gone("Add to your report?")
        assert_harmless(terminal)


def test_the_list_of_reports_is_harmless(tmp_path: Path) -> None:
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
def test_notices_about_reports_are_harmless(tmp_path: Path, status: str) -> None:
    opening = (Reports([hostile_report(3, status, "CHANGED")], [f"{BRIEF}3"]),)
    with scripted_server(Script(WELCOME, opening)) as server, client(server, tmp_path) as terminal:
        terminal.until("online as")
        server.send(ReportStatus(hostile_report(4, status, "NEWS")), message(1, "LAST", "bob"))
        terminal.until("LAST")
        assert_harmless(terminal)
        assert terminal.alive
