"""The bodies of both webhooks, byte for byte as the captured ones beside this file."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from server.rules.evidence import ALONE, Companion, Companions, ContextLine, EarlierText, Evidence
from server.rules.trail import Added, Reported, Withdrawn
from server.settings import Secret, WebhookURL
from server.webhooks.html import to_html
from server.webhooks.payloads import profile_body, report_body, reported_messages

KEY = Secret("bench-admin-key-0001")
HOOK = WebhookURL("report")
AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)

SPAM = Evidence(
    reporter="alice",
    about="bob",
    channel="lobby",
    msg_id=7,
    at=AT,
    reason="It's spam",
    message='<p>buy my <strong>stuff</strong> at <a href="http://spam.example" rel="nofollow">http://spam.example</a></p>',
    comment="please look",
)
DIRECT = Evidence(
    reporter="alice",
    about="bob",
    channel="@bob",
    msg_id=7,
    at=AT,
    reason="harassment",
    message="\n\n".join(
        [
            "<p>nasty dm 1</p>",
            "Recent message context:",
            "2026-11-24 03:07:11 [alice] psst *bob*",
            "2026-11-24 03:07:14 [bob] muted dm",
            "2026-11-24 03:07:14 [alice] dm to one I muted",
            "2026-11-24 03:07:15 [bob] nasty dm 1",
        ]
    ),
    comment="",
)


def captured(name: str) -> bytes:
    """A body as a running BareRTC sent it."""
    return Path(__file__).with_name(f"webhook-{name}.json").read_bytes()


@pytest.mark.parametrize(("name", "evidence"), [("report", SPAM), ("report-dm", DIRECT)])
def test_a_report_equals_the_captured_one_except_for_its_time_format(name: str, evidence: Evidence) -> None:
    expected, replaced = re.subn(rb'"Timestamp":"[^"]*"', b'"Timestamp":"2026-11-24T02:57:00Z"', captured(name))
    assert replaced == 1
    assert report_body(KEY, HOOK, "rep_1", evidence, Reported(evidence)) == expected


def test_a_profile_request_equals_the_captured_one() -> None:
    assert profile_body(KEY, "alice") == captured("profile")


def test_html_and_line_ends_are_escaped_as_in_the_captured_bodies() -> None:
    assert profile_body(KEY, '<&>\u2028\u2029é🦊"\\\n\t') == (
        b'{"Action":"profile","APIKey":"bench-admin-key-0001","Username":'
        b'"\\u003c\\u0026\\u003e\\u2028\\u2029\xc3\xa9\xf0\x9f\xa6\x8a\\"\\\\\\n\\t"}'
    )


def test_the_time_of_a_report_keeps_its_fraction_of_a_second() -> None:
    at = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
    spam = structs.replace(SPAM, at=at)
    assert b'"Timestamp":"2026-11-24T02:57:00.125000Z"' in report_body(KEY, HOOK, "rep_1", spam, Reported(spam))


FULL = structs.replace(
    SPAM,
    message="*hi*",
    context=(ContextLine("carol", AT, "<b>", "c-1"),),
    reporter_identity="a-1",
    about_identity="b-1",
    holds_name=False,
)


def test_a_webhook_that_asks_for_evidence_gets_six_more_keys_after_the_seven() -> None:
    hook = WebhookURL("report", evidence=True)
    assert report_body(KEY, hook, "rep_1", FULL, Reported(FULL), person_id="usr_{}".format) == (
        b'{"Action":"report","APIKey":"bench-admin-key-0001","Report":{"FromUsername":"alice","AboutUsername":"bob",'
        b'"Channel":"lobby","Timestamp":"2026-11-24T02:57:00Z","Reason":"It\'s spam","Message":"*hi*",'
        b'"Comment":"please look","ReportID":"rep_1","MessageID":7,'
        b'"Context":[{"Username":"carol","Timestamp":"2026-11-24T02:57:00Z","Message":"\\u003cb\\u003e","UserID":"usr_c-1"}],'
        b'"FromUserID":"usr_a-1","AboutUserID":"usr_b-1","AboutHoldsName":false}}'
    )


def test_an_addition_is_the_same_report_with_what_was_added() -> None:
    added = structs.replace(SPAM, reason="Other", comment="and again")
    assert report_body(KEY, HOOK, "rep_1", SPAM, Added("Other", "and again")) == report_body(
        KEY, HOOK, "rep_1", added, Reported(added)
    )


def test_an_addition_contains_only_the_context_chosen_with_it() -> None:
    hook, chosen = WebhookURL("report", evidence=True), (ContextLine("dave", AT, "later"),)
    added = structs.replace(FULL, reason="Other", comment="and again", context=chosen)
    for event, said in (
        (Added("Other", "and again", chosen), added),
        (Added("Other", "and again"), structs.replace(added, context=())),
    ):
        assert report_body(KEY, hook, "rep_1", FULL, event) == report_body(KEY, hook, "rep_1", said, Reported(said))


def test_a_withdrawal_names_the_report_and_has_an_action_of_its_own() -> None:
    assert report_body(
        KEY, WebhookURL("report", evidence=True), "rep_1", FULL, Withdrawn(), person_id="usr_{}".format
    ) == (
        b'{"Action":"report-withdrawn","APIKey":"bench-admin-key-0001",'
        b'"Report":{"ReportID":"rep_1","MessageID":7,"FromUsername":"alice","AboutUsername":"bob",'
        b'"FromUserID":"usr_a-1","AboutUserID":"usr_b-1"}}'
    )


def test_messages_are_html_if_the_caller_renders_them_as_html() -> None:
    hook = WebhookURL("report", evidence=True, message_format="html")
    report = json.loads(report_body(KEY, hook, "rep_1", FULL, Reported(FULL), to_html))["Report"]
    assert report["Message"] == "<p><em>hi</em></p>"
    assert report["Context"][0]["Message"] == "<p>&lt;b&gt;</p>"


EDITED = structs.replace(FULL, context=(), earlier_texts=(EarlierText(AT, "<vile>"), EarlierText(AT, "bad")))


def test_site_receives_every_text_of_an_edited_message() -> None:
    hook = WebhookURL("report", evidence=True)
    body = report_body(KEY, hook, "rep_1", EDITED, Reported(EDITED))
    assert body.endswith(
        b'"EarlierTexts":[{"Since":"2026-11-24T02:57:00Z","Message":"\\u003cvile\\u003e"},'
        b'{"Since":"2026-11-24T02:57:00Z","Message":"bad"}]}}'
    )
    assert reported_messages(hook, EDITED, Reported(EDITED)) == ["*hi*", "<vile>", "bad"]
    plain = WebhookURL("report")
    text = (
        "*hi*\n\nEdited. Since 2026-11-24 02:57:00 UTC it said:\n\n<vile>"
        "\n\nEdited. Since 2026-11-24 02:57:00 UTC it said:\n\nbad"
    )
    assert reported_messages(plain, EDITED, Reported(EDITED)) == [text]
    body = report_body(KEY, plain, "rep_1", EDITED, Reported(EDITED), str.upper)
    assert msgspec.json.decode(body)["Report"]["Message"] == text.upper()


def test_report_of_a_direct_message_has_the_last_lines_if_the_site_asks_for_them() -> None:
    hook = WebhookURL("report", dm_context=True)
    recent = ContextLine("late", AT, "a **b**"), ContextLine("alice", AT, "<script>")
    evidence = structs.replace(DIRECT, message="nasty *dm*", recent=recent)
    assert json.loads(report_body(KEY, hook, "rep_1", evidence, Reported(evidence)))["Report"]["Message"] == (
        "nasty *dm*\n\nRecent message context:\n\n"
        "2026-11-24 02:57:00 [late] a **b**\n\n2026-11-24 02:57:00 [alice] <script>"
    )
    rendered = json.loads(report_body(KEY, hook, "rep_1", evidence, Reported(evidence), to_html))["Report"]["Message"]
    assert rendered.startswith("<p>nasty <em>dm</em></p>\n\n<p>Recent message context:</p>\n\n<p>2026")
    assert rendered.endswith("[alice] &lt;script&gt;</p>")
    assert len(reported_messages(hook, evidence, Reported(evidence))) == 2
    plain = report_body(KEY, HOOK, "rep_1", evidence, Reported(evidence))
    assert json.loads(plain)["Report"]["Message"] == "nasty *dm*"


CROWD = Companions(
    19,
    (Companion("rep_2", "carol", "c-1", "It's spam", "me too"), Companion("rep_3", "dave", "d-1", "Other", "")),
)


def test_a_report_by_several_people_says_so_in_its_comment_or_in_its_evidence_keys() -> None:
    plain = json.loads(report_body(KEY, HOOK, "rep_1", SPAM, Reported(SPAM), companions=CROWD))["Report"]
    assert plain["Comment"] == "please look\n\nReported by 19 people.\ncarol (It's spam): me too\ndave (Other)"
    hook = WebhookURL("report", evidence=True)
    body = report_body(KEY, hook, "rep_1", SPAM, Reported(SPAM), person_id="usr_{}".format, companions=CROWD)
    full = json.loads(body)["Report"]
    assert (full["Comment"], full["Reporters"]) == ("please look", 19)
    assert full["AlsoReported"][0] == {
        "ReportID": "rep_2",
        "FromUsername": "carol",
        "FromUserID": "usr_c-1",
        "Reason": "It's spam",
        "Comment": "me too",
    }


def test_an_addition_does_not_mention_other_reporters() -> None:
    added = Added("Other", "and again")
    alone, with_others = (
        report_body(KEY, HOOK, "rep_1", SPAM, added, companions=companions) for companions in (ALONE, CROWD)
    )
    assert alone == with_others
