"""Automatic reports have the bodies of BareRTC's, except for the format of the time."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.rules import filters, link_spam
from server.rules.evidence import Evidence
from server.rules.messages import Person, Publication
from server.rules.trail import Reported
from server.settings import Secret, WebhookURL
from server.webhooks.payloads import report_body, reported_messages

ROWS = (Path(__file__).with_name("barertc") / "automatic-reports.jsonl").read_text(encoding="utf-8").splitlines()
BODIES = [json.loads(json.loads(row)["body"]) for row in ROWS]
FILTERED, SPAM = BODIES[:2], BODIES[2:]
HOOK = WebhookURL("report", message_format="html")
"""As in a settings file of BareRTC."""
LINE = len("2026-11-29 12:56:30")


def sent(evidence: Evidence) -> dict[str, object]:
    """Return the body that a receiver gets, with the time of the captured one."""
    body: dict[str, dict[str, object]] = json.loads(
        report_body(Secret("test-admin-key"), HOOK, "rep_1", evidence, Reported(evidence))
    )
    return {**body, "Report": {**body["Report"], "Timestamp": ""}}


def captured(body: dict[str, dict[str, str]]) -> dict[str, object]:
    return {**body, "Report": {**body["Report"], "Timestamp": ""}}


def said(number: int, line: str) -> Publication:
    """Return the message of a line of context."""
    at = datetime.strptime(line[:LINE], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    author, _, text = line[LINE + 2 :].partition("] ")
    return Publication(number, at, Person(author, author), "lobby", None, text, None)


def evidence(body: dict[str, dict[str, str]], message: str, comment: str) -> Evidence:
    report = body["Report"]
    names = report["FromUsername"], report["AboutUsername"], report["Channel"]
    at = datetime(2026, 11, 29, tzinfo=UTC)
    return Evidence(*names, 1, at, message, report["Reason"], comment, automatic=True)


@pytest.mark.parametrize("body", FILTERED, ids=["channel", "conversation"])
def test_report_by_a_filter_equals_the_captured_one(body: dict[str, dict[str, str]]) -> None:
    assert body["Report"]["Reason"] == filters.REASON
    lines = body["Report"]["Comment"].split("\n\n")[2:]
    messages = [said(number, line) for number, line in enumerate(lines, 1)]
    comment = filters.report_comment(messages[:-1], messages[-1], messages[-1].text)
    assert sent(evidence(body, messages[-1].text, comment)) == captured(body)


def test_report_by_a_filter_has_at_most_thirty_lines() -> None:
    messages = [said(number, "2026-11-29 12:56:30 [ada] x") for number in range(1, 101)]
    assert len(filters.report_comment(messages, messages[-1], "x").split("\n\n")) == 2 + filters.MAX_CONTEXT


@pytest.mark.parametrize(("body", "comment"), zip(SPAM, (link_spam.KICKED, link_spam.BANNED), strict=True))
def test_report_of_link_spam_equals_the_captured_one(body: dict[str, dict[str, str]], comment: str) -> None:
    assert body["Report"]["Reason"] == link_spam.REASON
    recipient = body["Report"]["Channel"].removeprefix("@")
    message = link_spam.report_message("spammer", recipient, "come to https://spam-site.com/x")
    assert sent(evidence(body, message, comment)) == captured(body)


def test_typed_text_never_becomes_html_in_an_automatic_report() -> None:
    body = evidence(FILTERED[0], "<script>alert(1)</script>\n& 'quoted'", "")
    report = sent(body)["Report"]
    assert isinstance(report, dict)
    assert report["Message"] == "&lt;script&gt;alert(1)&lt;/script&gt;<br>&amp; 'quoted'"
    assert reported_messages(HOOK, body, Reported(body)) == []
