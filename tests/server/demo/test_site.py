"""The demo website: what its webhook takes, and what its pages show."""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from server.demo.cast import CAST, HOST, Part
from server.demo.inbox import MAX_REPORTS
from server.demo.site import MAX_BODY_BYTES, Site
from server.rules.reports import Evidence
from server.settings import Secret
from server.webhooks.client import Answer
from server.webhooks.payloads import profile_body, report_body
from server.webhooks.profiles import read

KEY = Secret("the key of the site")
AT = datetime(2026, 11, 24, 8, 46, tzinfo=UTC)


@pytest.fixture
async def site() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Site("The <Harbour>", KEY).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://site.example") as client:
        yield client


def evidence(message: str = "Hm.", *, channel: str = "lobby", comment: str = "") -> Evidence:
    return Evidence("alice", "Lucky Deals", channel, AT, "It's spam", message, comment)


async def send(site: httpx.AsyncClient, report: Evidence) -> httpx.Response:
    return await site.post("/webhooks", content=report_body(KEY, report))


async def test_a_report_is_listed_as_it_was_sent(site: httpx.AsyncClient) -> None:
    assert (await send(site, evidence("two\nlines", comment="please look"))).status_code == 200
    assert (await site.get("/reports.json")).json() == [
        {
            "FromUsername": "alice",
            "AboutUsername": "Lucky Deals",
            "Channel": "lobby",
            "Timestamp": "2026-11-24T08:46:00Z",
            "Reason": "It's spam",
            "Message": "two\nlines",
            "Comment": "please look",
        }
    ]


async def test_the_newest_report_is_first_and_the_oldest_falls_out(site: httpx.AsyncClient) -> None:
    for number in range(MAX_REPORTS + 1):
        await send(site, evidence(f"number {number}"))
    messages = [report["Message"] for report in (await site.get("/reports.json")).json()]
    assert messages == [f"number {number}" for number in range(MAX_REPORTS, 0, -1)]


async def test_a_wrong_key_is_refused_and_nothing_is_kept(site: httpx.AsyncClient) -> None:
    for key in ("", "the key of the sitE", "ключ"):
        answer = await site.post("/webhooks", content=report_body(Secret(key), evidence()))
        assert answer.status_code == 403
    assert (await site.get("/reports.json")).json() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"Action":"report"}',
        b'{"Action":"nonsense","APIKey":"the key of the site"}',
        b'{"Action":"report","APIKey":"the key of the site","Report":{"FromUsername":1}}',
        b'{"Action":"profile","APIKey":"the key of the site","Username":null}',
        b"[" * 50_000,
    ],
)
async def test_what_cannot_be_read_is_answered_with_words(site: httpx.AsyncClient, body: bytes) -> None:
    answer = await site.post("/webhooks", content=body)
    assert answer.status_code == 400
    assert answer.text.startswith("This webhook cannot be read: ")


async def test_a_body_that_is_too_big_is_refused(site: httpx.AsyncClient) -> None:
    assert (await send(site, evidence("x" * MAX_BODY_BYTES))).status_code == 413


async def test_the_page_shows_text_of_people_as_text(site: httpx.AsyncClient) -> None:
    hostile = "</blockquote><script>alert(1)</script><img src=x onerror='alert(1)'>\"&amp;"
    names = ("<b>alice</b>", "\"><svg onload='alert(1)'>")
    report = Evidence(*names, "<i>lobby</i>", AT, "<u>spam</u>", hostile, hostile)
    assert (await send(site, report)).status_code == 200
    page = (await site.get("/")).text
    tags = set(re.findall(r"<\s*/?\s*(\w+)", page.partition("<main>")[2]))
    assert tags == {"article", "b", "bdi", "blockquote", "body", "div", "html", "main", "p", "span", "time"}
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "onload=&#x27;" in page
    assert "<title>(1) Reports · The &lt;Harbour&gt;</title>" in page


async def test_an_odd_timestamp_is_shown_as_it_came(site: httpx.AsyncClient) -> None:
    body = json.loads(report_body(KEY, evidence()))
    body["Report"]["Timestamp"] = "Tue <Nov> 24"
    await site.post("/webhooks", json=body)
    assert "<time>Tue &lt;Nov&gt; 24</time>" in (await site.get("/")).text


async def test_the_page_tells_a_channel_from_a_direct_message(site: httpx.AsyncClient) -> None:
    await send(site, evidence(channel="lobby"))
    await send(site, evidence(channel="@Lucky Deals"))
    page = (await site.get("/")).text
    assert "in <bdi>#lobby</bdi>" in page
    assert "in a direct message" in page


async def test_the_page_forbids_all_but_its_own_style(site: httpx.AsyncClient) -> None:
    answer = await site.get("/")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


async def test_an_empty_inbox_says_how_to_report(site: httpx.AsyncClient) -> None:
    page = (await site.get("/")).text
    assert "No reports yet" in page
    assert "<kbd>r</kbd> reports it" in page


async def test_the_profile_of_a_resident_is_as_the_contract_spells_it(site: httpx.AsyncClient) -> None:
    answer = await site.post("/webhooks", content=profile_body(KEY, HOST.upper()))
    assert answer.status_code == 200
    content = answer.json()
    assert list(content) == ["StatusCode", "Data"]
    assert content["StatusCode"] == 200
    assert list(content["Data"]) == ["OK", "Error", "Headline", "ProfileFields"]
    assert content["Data"]["OK"] is True
    assert content["Data"]["ProfileFields"][0] == {"Name": "Role", "Value": "Harbour radio, day watch"}


@pytest.mark.parametrize("part", CAST, ids=[part.name for part in CAST])
async def test_the_server_can_read_the_profile_of_each_resident(site: httpx.AsyncClient, part: Part) -> None:
    answer = await site.post("/webhooks", content=profile_body(KEY, part.name))
    profile = read(Answer(answer.status_code, answer.content))
    if part.private:
        assert profile.error == "This member keeps their profile private."
    else:
        assert profile.headline
        assert 4 <= len(profile.fields) <= 6


async def test_a_guest_has_a_profile_too(site: httpx.AsyncClient) -> None:
    answer = await site.post("/webhooks", content=profile_body(KEY, "<nobody>"))
    profile = read(Answer(answer.status_code, answer.content))
    assert profile.error == ""
    assert (profile.fields[0].name, profile.fields[0].value) == ("Name", "<nobody>")
