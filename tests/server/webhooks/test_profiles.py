"""Profiles from the site: cached for a minute, one call at a time, with the site's own errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from server.ops.metrics import Metrics, Traffic
from server.protocol.frames import ProfileField
from server.settings import Secret
from server.webhooks.payloads import profile_body
from server.webhooks.profiles import CACHE_SECONDS, MAX_FIELDS, Profiles, ProfileText, read
from server.webhooks.webhook_client import SiteAnswer, WebhookClient, WebhookError
from tests.support.site_answers import answer, answer_json

URL = "http://site.internal:8080/hooks"
KEY = Secret("hunter2-hunter2")
GOOD: dict[str, object] = {
    "StatusCode": 200,
    "Data": {"OK": True, "Error": "", "Headline": "Hi", "ProfileFields": [{"Name": "Age", "Value": "9"}]},
}
GOOD_TEXT = ProfileText("Hi", [ProfileField("Age", "9")], "")


class Site:
    """A site with these answers, followed by good profiles."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = [*answers, *(answer_json(200, GOOD) for _ in range(3))]
        self.bodies: list[bytes] = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        self.asked.set()
        await self.may_answer.wait()
        next_answer = self.answers.pop(0)
        if isinstance(next_answer, Exception):
            raise next_answer
        return next_answer


async def ask(site: Site, use: Callable[[Profiles], Awaitable[None]]) -> None:
    """Request profiles from a site."""
    client = WebhookClient(transport=httpx.MockTransport(site))
    try:
        async with asyncio.timeout(10):
            await use(Profiles(client, URL, KEY, Metrics(Traffic())))
    finally:
        await client.close()


async def test_a_profile_request_has_the_body_of_the_contract() -> None:
    site = Site()

    async def use(profiles: Profiles) -> None:
        assert await profiles.about("alice") == GOOD_TEXT

    await ask(site, use)
    assert site.bodies == [profile_body(KEY, "alice")]


async def test_a_profile_is_cached_for_a_minute() -> None:
    site = Site()

    async def use(profiles: Profiles) -> None:
        for name in ("alice", "alice", "bob", "alice"):
            assert await profiles.about(name) == GOOD_TEXT

    await ask(site, use)
    assert site.bodies == [profile_body(KEY, "alice"), profile_body(KEY, "bob")]


class LaterLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be advanced."""

    ahead = 0.0

    def time(self) -> float:
        """Return the real time plus the advance."""
        return super().time() + self.ahead


def test_a_profile_is_requested_again_after_a_minute() -> None:
    loop = LaterLoop()
    site = Site()

    async def use(profiles: Profiles) -> None:
        await profiles.about("alice")
        loop.ahead = CACHE_SECONDS / 2
        await asyncio.sleep(0)
        await profiles.about("alice")
        assert len(site.bodies) == 1
        loop.ahead = CACHE_SECONDS + 1
        # Once for the timer to be found due, once for it to run.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await profiles.about("alice")
        assert len(site.bodies) == 2

    async def without_guard() -> None:
        client = WebhookClient(transport=httpx.MockTransport(site))
        await use(Profiles(client, URL, KEY, Metrics(Traffic())))
        await client.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(without_guard())


async def test_concurrent_requests_for_a_profile_share_one_call() -> None:
    site = Site()
    site.may_answer.clear()

    async def use(profiles: Profiles) -> None:
        asking = [asyncio.create_task(profiles.about("alice")) for _ in range(20)]
        await site.asked.wait()
        site.may_answer.set()
        assert await asyncio.gather(*asking) == [GOOD_TEXT] * 20

    await ask(site, use)
    assert len(site.bodies) == 1


async def test_a_cancelled_request_does_not_cancel_the_shared_call() -> None:
    site = Site()
    site.may_answer.clear()

    async def use(profiles: Profiles) -> None:
        gone, stays = (asyncio.create_task(profiles.about("alice")) for _ in range(2))
        await site.asked.wait()
        gone.cancel()
        await asyncio.sleep(0)
        site.may_answer.set()
        assert await stays == GOOD_TEXT

    await ask(site, use)
    assert len(site.bodies) == 1


NOT_FOUND = {"StatusCode": 404, "Data": {"OK": False, "Error": "We do not know her."}}


@pytest.mark.parametrize(
    "failure",
    [
        answer(500),
        answer(200, b"<html>"),
        answer_json(500, GOOD),
        answer_json(500, NOT_FOUND),
        answer_json(200, {"StatusCode": 503}),
        httpx.ConnectError("site.internal:8080 refused"),
    ],
    ids=["500", "not JSON", "500 with a profile", "500 with words", "StatusCode 503", "refused"],
)
async def test_a_failure_is_shown_and_not_cached(failure: httpx.Response | Exception) -> None:
    site = Site(failure)

    async def use(profiles: Profiles) -> None:
        failed = await profiles.about("alice")
        assert failed.error
        assert "site.internal" not in failed.error
        assert (failed.headline, failed.fields) == ("", [])
        assert await profiles.about("alice") == GOOD_TEXT

    await ask(site, use)
    assert len(site.bodies) == 2


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_the_error_message_of_the_site_is_shown(status: int) -> None:
    async def use(profiles: Profiles) -> None:
        assert await profiles.about("alice") == ProfileText("", [], "We do not know her.")

    await ask(Site(answer_json(status, NOT_FOUND)), use)


async def test_a_site_that_echoes_the_key_does_not_reveal_it() -> None:
    async def use(profiles: Profiles) -> None:
        assert await profiles.about("alice") == ProfileText("", [], "wrong APIKey: ...")
        assert (await profiles.about("bob")).headline == "I am ..."

    answers = [
        {"StatusCode": 403, "Data": {"Error": f"wrong APIKey: {KEY.reveal()}"}},
        {"StatusCode": 200, "Data": {"Headline": f"I am {KEY.reveal()}"}},
    ]
    await ask(Site(*(answer_json(200, each) for each in answers)), use)


async def test_an_error_takes_precedence_over_a_profile() -> None:
    both = {"StatusCode": 200, "Data": {"OK": True, "Error": "Banned.", "Headline": "Hi"}}

    async def use(profiles: Profiles) -> None:
        assert await profiles.about("alice") == ProfileText("", [], "Banned.")

    await ask(Site(answer_json(200, both)), use)


@pytest.mark.parametrize(
    ("http", "inner", "shown"), [(500, 200, 500), (204, 200, 204), (302, 200, 302), (200, 404, 404)]
)
def test_both_statuses_must_be_200(http: int, inner: int, shown: int) -> None:
    with pytest.raises(WebhookError, match=f"status {shown}"):
        read(SiteAnswer(http, json.dumps({**GOOD, "StatusCode": inner}).encode()))


@pytest.mark.parametrize("data", [{}, {"OK": True}, {"ProfileFields": None}, {"ProfileFields": []}, {"Extra": [1]}])
def test_fields_of_a_profile_are_optional(data: dict[str, object]) -> None:
    assert read(SiteAnswer(200, json.dumps({"StatusCode": 200, "Data": data}).encode())) == ProfileText("", [], "")


def test_a_profile_has_a_limited_number_of_fields() -> None:
    fields = [{"Name": str(number), "Value": ""} for number in range(MAX_FIELDS + 1)]
    body = json.dumps({"StatusCode": 200, "Data": {"ProfileFields": fields}}).encode()
    assert len(read(SiteAnswer(200, body)).fields) == MAX_FIELDS


WRONG = {
    "nothing": b"",
    "garbage": b"\x00\xff\x13",
    "a list": b"[]",
    "no StatusCode": b'{"Data":{}}',
    "StatusCode as text": b'{"StatusCode":"200"}',
    "Data as a list": b'{"StatusCode":200,"Data":[]}',
    "a headline that is a number": b'{"StatusCode":200,"Data":{"Headline":5}}',
    "fields as an object": b'{"StatusCode":200,"Data":{"ProfileFields":{"Age":"9"}}}',
    "a field without a value": b'{"StatusCode":200,"Data":{"ProfileFields":[{"Name":"Age"}]}}',
    "a field whose value is a number": b'{"StatusCode":200,"Data":{"ProfileFields":[{"Name":"Age","Value":9}]}}',
    "no UTF-8": b'{"StatusCode":200,"Data":{"Headline":"caf\xe9"}}',
    "no UTF-8 in its error": b'{"StatusCode":200,"Data":{"Error":"caf\xe9"}}',
    "a lone surrogate": b'{"StatusCode":200,"Data":{"Headline":"\\ud800"}}',
    "5,000 digits": b'{"StatusCode":' + b"9" * 5000 + b"}",
    "20,000 lists": b'{"StatusCode":200,"Data":' + b"[" * 20_000,
    "20,000 lists in a field to ignore": b'{"StatusCode":200,"X":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_an_answer_of_a_wrong_shape_cannot_be_read(body: bytes) -> None:
    with pytest.raises(WebhookError, match="cannot be read"):
        read(SiteAnswer(200, body))


def test_an_incomplete_profile_is_an_error() -> None:
    with pytest.raises(WebhookError, match="cannot be read"):
        read(SiteAnswer(200, b"{", whole=False))
    with pytest.raises(WebhookError, match="status 500"):
        read(SiteAnswer(500, b"", whole=False))
