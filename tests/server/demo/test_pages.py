"""The pages of the demo site, and their form."""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from server.demo.chat_server import ChatServer
from server.rules.evidence import ContextLine, Evidence
from server.rules.trail import Added, Withdrawn
from tests.server.demo.caller import AT, KEY, Caller, evidence

HOSTILE = "</blockquote></textarea><script>alert(1)</script><img src=x onerror='alert(1)'>\"&amp;"
NAMES = ("<b>alice</b>", "\"><svg onload='alert(1)'>")
TAGS = {"a", "article", "b", "bdi", "blockquote", "body", "div", "html", "main", "p", "span", "time"}


def tags(page: str) -> set[str]:
    return set(re.findall(r"<\s*/?\s*(\w+)", page.partition("<main>")[2]))


def around(before: int, after: int) -> tuple[ContextLine, ...]:
    numbers = (*range(-before, 0), *range(1, after + 1))
    return tuple(ContextLine("bob", AT + timedelta(seconds=number), f"number {number}.") for number in numbers)


def positions(page: str, texts: Sequence[str]) -> list[int]:
    return [page.find(text) for text in texts]


async def hostile(caller: Caller) -> None:
    line = ContextLine(NAMES[1], AT, HOSTILE)
    report = Evidence(*NAMES, "<i>lobby</i>", 7, AT, HOSTILE, "<u>spam</u>", HOSTILE, (line,))
    await caller.tell(report)
    await caller.tell(report, Added("<u>Other</u>", HOSTILE))
    caller.answer = httpx.Response(404, json={"OK": False, "Error": "<u>no</u>"})
    await answer(caller, "seen", HOSTILE)


async def answer(caller: Caller, status: str, note: str = "", report_id: str = "rep_1") -> None:
    """Press a button as a browser does."""
    fields = {"token": await caller.token(report_id), "status": status, "note": note}
    reply = await caller.site.post(f"/reports/{report_id}", data=fields)
    assert (reply.status_code, reply.headers["Location"]) == (303, f"/reports/{report_id}")


async def test_the_inbox_escapes_text_of_users(caller: Caller) -> None:
    await hostile(caller)
    page = await caller.page()
    assert tags(page) == TAGS
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 5
    assert "onload=&#x27;" in page
    assert "<title>(1) Reports · The &lt;Harbour&gt;</title>" in page


async def test_the_page_of_a_report_escapes_text_of_users(caller: Caller) -> None:
    await hostile(caller)
    page = await caller.page("/reports/rep_1")
    assert tags(page) == TAGS - {"a"} | {"button", "form", "input", "label", "textarea"}
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    await caller.tell(evidence(), Withdrawn())
    assert "&lt;b&gt;alice&lt;/b&gt;</bdi> withdrew this report" in await caller.page("/reports/rep_1")


async def test_the_inbox_distinguishes_channels_and_direct_messages(caller: Caller) -> None:
    await caller.tell(evidence(channel="lobby"), report_id="rep_1")
    await caller.tell(evidence(channel="@Lucky Deals"), report_id="rep_2")
    page = await caller.page()
    assert "in <bdi>#lobby</bdi>" in page
    assert "in a direct message" in page


async def test_the_reported_message_is_marked_within_its_context(caller: Caller) -> None:
    await caller.tell(evidence("the reported one", context=around(2, 1)))
    for path in ("/", "/reports/rep_1"):
        page = await caller.page(path)
        found = positions(page, ["number -2.", "number -1.", "<blockquote", "the reported one", "number 1."])
        assert -1 not in found
        assert found == sorted(found)


async def test_the_inbox_shows_the_nearest_messages_and_counts_the_others(caller: Caller) -> None:
    await caller.tell(evidence(context=around(10, 5)))
    page = await caller.page()
    assert re.findall(r"number (-?\d+)\.", page) == ["-2", "-1", "1"]
    assert "12 more messages of context" in page


async def test_the_page_of_a_report_folds_the_farther_messages(caller: Caller) -> None:
    await caller.tell(evidence(context=around(10, 4)))
    page = await caller.page("/reports/rep_1")
    assert re.findall(r"<summary>(.*?)</summary>", page) == ["7 earlier messages", "1 later message"]
    assert re.findall(r"number (-?\d+)\.", page) == [str(n) for n in range(-10, 5) if n]


async def test_a_withdrawn_report_is_grey_and_has_no_form(caller: Caller) -> None:
    await caller.tell(evidence())
    await caller.tell(evidence(), Withdrawn())
    assert '<article id="rep_1" class="withdrawn">' in await caller.page()
    page = await caller.page("/reports/rep_1")
    assert "<form" not in page
    assert "alice</bdi> withdrew this report." in page


async def test_only_the_inbox_refreshes_itself_and_only_the_page_of_a_report_has_a_form(caller: Caller) -> None:
    await caller.tell(evidence(context=around(10, 5)))
    inbox, report = await caller.page("/"), await caller.page("/reports/rep_1")
    assert 'http-equiv="refresh"' in inbox
    assert not {"form", "details"} & tags(inbox)
    assert 'href="/reports/rep_1"' in inbox
    assert 'http-equiv="refresh"' not in report
    assert {"form", "details"} <= tags(report)


@pytest.mark.parametrize("path", ["/", "/reports/rep_1"])
async def test_the_pages_forbid_all_but_their_own_style_and_form(caller: Caller, path: str) -> None:
    await caller.tell(evidence())
    reply = await caller.site.get(path)
    style = reply.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = reply.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert {"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert KEY.reveal() not in reply.text


async def test_an_empty_inbox_says_how_to_report(caller: Caller) -> None:
    page = await caller.page()
    assert "No reports yet" in page
    assert "report it with <kbd>r</kbd>" in page


@pytest.mark.parametrize("status", ["seen", "resolved"])
async def test_an_answer_is_sent_to_the_chat_server_and_shown_on_the_card(caller: Caller, status: str) -> None:
    await caller.tell(evidence())
    await answer(caller, status, "\r\n Thank you.\r\nIt is gone. ")
    note = "Thank you.\nIt is gone."
    assert caller.told == [{"APIKey": KEY.reveal(), "ReportID": "rep_1", "Status": status, "Note": note}]
    for path in ("/", "/reports/rep_1"):
        page = await caller.page(path)
        assert f"✓ {status.capitalize()}</span>" in page
        assert f"{note}</p>" in page
        assert "was not notified" not in page
    (report,) = await caller.listed()
    assert (report["Status"], report["Note"], report["Problem"]) == (status, note, "")


async def test_a_refused_answer_shows_the_refusal_and_keeps_the_note(caller: Caller) -> None:
    caller.answer = httpx.Response(503, json={"OK": False, "Error": "The storage cannot be reached now; call again."})
    await caller.tell(evidence())
    await answer(caller, "resolved", "Thank you.")
    page = await caller.page("/reports/rep_1")
    words = "The reporter was not notified: the chat server refused: The storage cannot be reached now; call again."
    assert words in html.unescape(page)
    assert ">Thank you.</textarea>" in page
    caller.answer = httpx.Response(200)
    await answer(caller, "resolved", "Thank you.")
    assert "was not notified" not in await caller.page("/reports/rep_1")


async def test_an_addition_needs_a_new_answer(caller: Caller) -> None:
    await caller.tell(evidence())
    await answer(caller, "resolved", "Thank you.")
    await caller.tell(evidence(), Added("Other", "it goes on"))
    assert "✓ Resolved" not in (page := await caller.page())
    assert ">Answer</a>" in page


async def test_an_addition_that_arrives_during_an_answer_needs_a_new_answer(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_status(*_: object) -> None:
        await caller.tell(evidence(), Added("Other", "it goes on"))

    monkeypatch.setattr(ChatServer, "set_status", set_status)
    await caller.tell(evidence())
    await answer(caller, "resolved", "Thank you.")
    assert "✓ Resolved" not in (page := await caller.page())
    assert ">Answer</a>" in page


@pytest.mark.parametrize("token", [None, "", "x" * 43, "é", "the token of another start"])
async def test_a_form_of_another_site_does_nothing(caller: Caller, token: str | None) -> None:
    await caller.tell(evidence())
    fields = {"status": "resolved", "note": "forged"} | ({} if token is None else {"token": token})
    reply = await caller.site.post("/reports/rep_1", data=fields)
    assert (reply.status_code, caller.told) == (403, [])
    (report,) = await caller.listed()
    assert report["Status"] == ""


async def test_each_start_has_a_token_of_its_own(caller: Caller) -> None:
    other = Caller()
    async with other.site:
        for each in (caller, other):
            await each.tell(evidence())
        assert len(await caller.token()) == 43
        assert await caller.token() != await other.token()


@pytest.mark.parametrize("change", [{"status": ""}, {"status": "withdrawn"}, {"status": "<b>"}, {"note": "x" * 1001}])
async def test_an_invalid_form_does_nothing(caller: Caller, change: dict[str, str]) -> None:
    await caller.tell(evidence())
    fields = {"token": await caller.token(), "status": "seen", "note": ""} | change
    reply = await caller.site.post("/reports/rep_1", data=fields)
    assert (reply.status_code, caller.told) == (400, [])


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 403), (b"\xff%ff%zz&=&&", 403), (b"a=b&" * 11, 400), (b"x" * 600_000, 413)]
)
async def test_an_unreadable_form_does_nothing(caller: Caller, content: bytes, status: int) -> None:
    await caller.tell(evidence())
    reply = await caller.site.post("/reports/rep_1", content=content)
    assert (reply.status_code, caller.told) == (status, [])


async def test_invalid_text_in_a_form_is_replaced(caller: Caller) -> None:
    await caller.tell(evidence())
    content = urlencode({"token": await caller.token(), "status": "seen"}) + "&note=%ff%ed%a0%80"
    assert (await caller.site.post("/reports/rep_1", content=content)).status_code == 303
    assert caller.told[0]["Note"].strip("�") == ""


async def test_an_unknown_report_has_no_page_and_accepts_no_answer(caller: Caller) -> None:
    assert (await caller.site.get("/reports/rep_1")).status_code == 404
    assert (await caller.site.post("/reports/rep_1")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/reports.json"),
        ("GET", "/webhooks"),
        ("PUT", "/reports/rep_1"),
        ("DELETE", "/reports/rep_1"),
    ],
)
async def test_a_method_that_a_path_does_not_support_is_refused(caller: Caller, method: str, path: str) -> None:
    await caller.tell(evidence())
    assert (await caller.site.request(method, path)).status_code == 405
