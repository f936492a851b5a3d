"""The webhook of the demo site: what it accepts and answers."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from server.demo.cast import CAST, HOST, Part
from server.demo.inbox import MAX_REPORTS, MAX_WEBHOOK_IDS, Inbox
from server.demo.site import MAX_BODY_BYTES
from server.protocol.frames import MAX_COMMENT_CHARS, MAX_CONTEXT_AFTER, MAX_CONTEXT_BEFORE, MAX_MESSAGE_CHARS
from server.rules.evidence import ContextLine
from server.rules.trail import Added, Reported, Withdrawn
from server.settings import Secret, SigningSecret, SigningSecrets
from server.webhooks import signature
from server.webhooks.payloads import profile_body, report_body
from server.webhooks.profiles import read
from server.webhooks.webhook_client import SiteAnswer
from tests.server.demo.caller import AT, HOOK, KEY, SIGNING, Caller, evidence

OTHER = SigningSecrets((SigningSecret("whsec_" + base64.b64encode(b"somebody else's secret, long").decode()),))


def body(key: Secret = KEY, message: str = "Hm.") -> bytes:
    return report_body(key, HOOK, "rep_1", evidence(message), Reported(evidence(message)))


async def test_a_report_is_listed_as_it_was_sent(caller: Caller) -> None:
    line = ContextLine("bob", AT - timedelta(seconds=0.5), "before")
    await caller.tell(evidence("two\nlines", comment="please look", context=(line,)))
    assert await caller.listed() == [
        {
            "FromUsername": "alice",
            "AboutUsername": "Lucky Deals",
            "Channel": "lobby",
            "Timestamp": "2026-11-24T08:46:00Z",
            "Reason": "It's spam",
            "Message": "two\nlines",
            "Comment": "please look",
            "ReportID": "rep_1",
            "MessageID": 7,
            "Context": [{"Username": "bob", "Timestamp": "2026-11-24T08:45:59.500000Z", "Message": "before"}],
            "Additions": [],
            "Withdrawn": False,
            "Status": "",
            "Note": "",
            "Problem": "",
        }
    ]


async def test_the_newest_report_is_first_and_the_oldest_is_dropped(caller: Caller) -> None:
    for number in range(MAX_REPORTS + 1):
        await caller.tell(evidence(f"number {number}"), report_id=f"rep_{number}")
    messages = [report["Message"] for report in await caller.listed()]
    assert messages == [f"number {number}" for number in range(MAX_REPORTS, 0, -1)]
    assert (await caller.site.get("/reports/rep_0")).status_code == 404


async def test_a_repeated_call_is_accepted_and_shown_once(caller: Caller) -> None:
    await caller.tell(evidence(), webhook_id="msg_a")
    await caller.tell(evidence(), webhook_id="msg_a")
    (report,) = await caller.listed()
    assert report["Additions"] == []


def test_the_oldest_webhook_ids_are_forgotten() -> None:
    inbox = Inbox()
    assert not any(inbox.is_repeat(f"msg_{number}") for number in range(MAX_WEBHOOK_IDS + 1))
    assert inbox.is_repeat("msg_1")
    assert not inbox.is_repeat("msg_0")


async def test_an_addition_is_listed_with_its_report(caller: Caller) -> None:
    await caller.tell(evidence(comment="first"))
    await caller.tell(evidence(comment="first"), Added("Other", "and again"))
    (report,) = await caller.listed()
    assert (report["Comment"], report["Additions"]) == ("first", [{"Reason": "Other", "Comment": "and again"}])


async def test_a_withdrawn_report_is_kept_and_marked(caller: Caller) -> None:
    await caller.tell(evidence())
    await caller.tell(evidence(), Withdrawn())
    (report,) = await caller.listed()
    assert (report["Withdrawn"], report["Message"]) == (True, "Hm.")


async def test_an_addition_opens_a_withdrawn_report_again(caller: Caller) -> None:
    for event in (Reported(evidence()), Withdrawn(), Added("Other", "it goes on")):
        await caller.tell(evidence(), event)
    (report,) = await caller.listed()
    assert report["Withdrawn"] is False


async def test_a_withdrawal_of_an_unknown_report_is_accepted(caller: Caller) -> None:
    await caller.tell(evidence(), Withdrawn())
    assert await caller.listed() == []


async def test_a_call_signed_by_somebody_else_is_refused(caller: Caller) -> None:
    answer = await caller.post(body(), signing=OTHER)
    assert (answer.status_code, answer.text) == (401, "The webhook-signature is missing or wrong.\n")
    assert await caller.listed() == []


async def test_one_valid_signature_among_several_is_enough(caller: Caller) -> None:
    assert (await caller.post(body(), signing=SigningSecrets((*OTHER, *SIGNING)))).status_code == 200


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "1", "v1,", "é", "9" * 400])
async def test_each_header_of_the_signature_counts(caller: Caller, name: str, value: str | None) -> None:
    headers = signature.headers("msg_1", datetime.now(UTC), body(), SIGNING)
    del headers[name]
    if value is not None:
        headers[name] = value
    raw = [(key.encode(), content.encode()) for key, content in headers.items()]
    assert (await caller.site.post("/webhooks", content=body(), headers=raw)).status_code == 401


async def test_the_signature_covers_the_exact_bytes(caller: Caller) -> None:
    headers = signature.headers("msg_1", datetime.now(UTC), body(), SIGNING)
    assert (await caller.site.post("/webhooks", content=body() + b" ", headers=headers)).status_code == 401
    assert (await caller.site.post("/webhooks", content=body(), headers=headers)).status_code == 200


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_call_with_a_time_in_the_past_or_future_is_refused(caller: Caller, minutes: int) -> None:
    answer = await caller.post(body(), at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert answer.status_code == 401
    assert answer.text.startswith("The webhook-timestamp is more than 5 minutes off")
    assert await caller.listed() == []


@pytest.mark.parametrize("minutes", [-4, 4])
async def test_clocks_may_differ_a_little(caller: Caller, minutes: int) -> None:
    assert (await caller.post(body(), at=datetime.now(UTC) + timedelta(minutes=minutes))).status_code == 200


@pytest.mark.parametrize("key", ["", "the key of the sitE", "ключ"])
async def test_a_wrong_key_is_refused_and_nothing_is_stored(caller: Caller, key: str) -> None:
    assert (await caller.post(body(Secret(key)))).status_code == 403
    assert await caller.listed() == []


def changed(**changes: object) -> bytes:
    call = json.loads(body())
    call["Report"] |= changes
    return json.dumps(call).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"Action":"report"}',
        b'{"Action":"nonsense","APIKey":"the key of the site"}',
        b'{"Action":"report","APIKey":"the key of the site","Report":{"FromUsername":1}}',
        b'{"Action":"report-withdrawn","APIKey":"the key of the site","Report":{"ReportID":"../../x"}}',
        b'{"Action":"profile","APIKey":"the key of the site","Username":null}',
        b"[" * 50_000,
        changed(ReportID='"><script>'),
        changed(ReportID="rep_1\n"),
        changed(Timestamp="Tue <Nov> 24"),
        changed(Timestamp="2026-11-24T08:46:00"),
        changed(Context=[{"Username": "bob"}]),
    ],
)
async def test_an_unreadable_call_is_answered_with_an_error(caller: Caller, content: bytes) -> None:
    answer = await caller.post(content)
    assert answer.status_code == 400
    assert answer.text.startswith("This call cannot be read: ")
    assert await caller.listed() == []


async def test_a_body_that_is_too_big_is_refused(caller: Caller) -> None:
    assert (await caller.post(body(message="x" * MAX_BODY_BYTES))).status_code == 413


async def test_the_longest_report_is_accepted(caller: Caller) -> None:
    longest = "<" * MAX_MESSAGE_CHARS
    around = tuple(ContextLine("bob", AT, longest) for _ in range(MAX_CONTEXT_BEFORE + MAX_CONTEXT_AFTER))
    await caller.tell(evidence(longest, comment="<" * MAX_COMMENT_CHARS, context=around))


async def test_the_profile_of_a_bot_has_the_spelling_of_the_contract(caller: Caller) -> None:
    answer = await caller.post(profile_body(KEY, HOST.upper()))
    assert answer.status_code == 200
    content = answer.json()
    assert list(content) == ["StatusCode", "Data"]
    assert content["StatusCode"] == 200
    assert list(content["Data"]) == ["OK", "Error", "Headline", "ProfileFields"]
    assert content["Data"]["OK"] is True
    assert content["Data"]["ProfileFields"][0] == {"Name": "Role", "Value": "Harbour radio, day watch"}


@pytest.mark.parametrize("part", CAST, ids=[part.name for part in CAST])
async def test_the_server_can_read_the_profile_of_each_bot(caller: Caller, part: Part) -> None:
    answer = await caller.post(profile_body(KEY, part.name))
    profile = read(SiteAnswer(answer.status_code, answer.content), signed=False)
    if part.private:
        assert profile.error == "This member keeps their profile private."
    else:
        assert profile.headline
        assert 4 <= len(profile.fields) <= 6


async def test_a_guest_has_a_profile_too(caller: Caller) -> None:
    answer = await caller.post(profile_body(KEY, "<nobody>"))
    profile = read(SiteAnswer(answer.status_code, answer.content), signed=False)
    assert profile.error == ""
    assert (profile.fields[0].name, profile.fields[0].value) == ("Name", "<nobody>")
