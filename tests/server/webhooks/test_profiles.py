"""Profiles from the site: cached for a minute, one call at a time, with the site's own errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ops.metrics import Metrics, Traffic
from server.protocol.codec import encode
from server.protocol.frames import Profile, ProfileField
from server.settings import Secret, WebhookURL
from server.webhooks.payloads import profile_body
from server.webhooks.profiles import CACHE_SECONDS, MAX_FIELDS, NO_REASON, Profiles, ProfileText, read
from server.webhooks.webhook_client import SiteAnswer, WebhookClient, WebhookError
from tests.support.site_answers import answer, answer_json

HOOK = WebhookURL("profile", url="http://site.internal:8080/hooks")
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
            await use(Profiles(client, HOOK, KEY, Metrics(Traffic())))
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
        await use(Profiles(client, HOOK, KEY, Metrics(Traffic())))
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
    ids=["500", "not JSON", "500 with a profile", "500 with a message", "StatusCode 503", "refused"],
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


@pytest.mark.parametrize("key", ["200", "Value", '"', "e"])
async def test_redacting_a_short_key_does_not_break_answers(key: str) -> None:
    client = WebhookClient(transport=httpx.MockTransport(Site()))
    assert await Profiles(client, HOOK, Secret(key), Metrics(Traffic())).about("alice") == GOOD_TEXT.redacted(
        Secret(key)
    )
    await client.close()


async def test_fields_that_cannot_be_read_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    odd = {"StatusCode": 200, "Data": {"Headline": "Hi", "ProfileFields": "secret"}}

    async def use(profiles: Profiles) -> None:
        for name in ("alice", "bob"):
            assert (await profiles.about(name)).headline == "Hi"

    await ask(Site(answer_json(200, odd), answer_json(200, odd)), use)
    (record,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert record.__dict__["unreadable"] == "Data.ProfileFields is a string"


async def test_an_error_takes_precedence_over_a_profile() -> None:
    both = {"StatusCode": 200, "Data": {"OK": True, "Error": "Banned.", "Headline": "Hi"}}

    async def use(profiles: Profiles) -> None:
        assert await profiles.about("alice") == ProfileText("", [], "Banned.")

    await ask(Site(answer_json(200, both)), use)


def shown(body: bytes, status: int = 200, *, signed: bool = False) -> ProfileText:
    """Return what a user reads of an answer with this body."""
    return read(SiteAnswer(status, body), signed=signed)


def profile_answer(data: object, status: object = 200) -> bytes:
    """Return an answer with this profile."""
    return json.dumps({"StatusCode": status, "Data": data}).encode()


@pytest.mark.parametrize(
    ("http", "inner", "failing"), [(500, 200, 500), (204, 200, 204), (302, 200, 302), (200, 404, 404), (200, 201, 201)]
)
def test_both_statuses_must_be_200(http: int, inner: int, failing: int) -> None:
    with pytest.raises(WebhookError, match=f"status {failing}"):
        shown(profile_answer(GOOD["Data"], inner), http)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_any_2xx_is_success_for_a_receiver_of_signed_requests(status: int) -> None:
    assert shown(profile_answer(GOOD["Data"], status), status, signed=True) == GOOD_TEXT
    with pytest.raises(WebhookError, match="status 301"):
        shown(profile_answer(GOOD["Data"]), 301, signed=True)


@pytest.mark.parametrize("data", [{}, {"ProfileFields": None}, {"Extra": [1]}, {"OK": False}, {"OK": "no"}, None])
def test_an_answer_without_a_profile_or_a_reason_is_explained(data: object) -> None:
    assert shown(profile_answer(data)) == ProfileText("", [], NO_REASON)


@pytest.mark.parametrize("data", [{"OK": True}, {"OK": 1, "ProfileFields": []}, {"OK": True, "Error": False}])
def test_a_profile_can_be_empty(data: object) -> None:
    assert shown(profile_answer(data)) == ProfileText("", [], "")


def test_a_profile_has_a_limited_number_of_fields() -> None:
    fields = [{"Name": str(number), "Value": ""} for number in range(MAX_FIELDS + 1)]
    assert len(shown(profile_answer({"ProfileFields": fields})).fields) == MAX_FIELDS


AGE = [{"Name": "Age", "Value": "9"}]
ODD: list[tuple[bytes, ProfileText]] = [
    (b"\xef\xbb\xbf" + profile_answer({"Headline": "Hi"}), ProfileText("Hi", [], "")),
    (profile_answer({"Headline": "Hé"}).decode().encode("utf-16"), ProfileText("Hé", [], "")),
    (b'{"data":{"HEADLINE":"Hi"},"statuscode":"200"}', ProfileText("Hi", [], "")),
    (b'{"Data":{"Headline":"Hi"}}', ProfileText("Hi", [], "")),
    (b'{"StatusCode":null,"Data":{"Headline":"Hi","Error":null}}', ProfileText("Hi", [], "")),
    (b'{"Data":{"Headline":"a","headline":"b"},"data":{"HEADLINE":null,"error":"No."}}', ProfileText("", [], "No.")),
    (b'{"Data":{"Headline":"a"},"data":{"headline":"b"}}', ProfileText("b", [], "")),
    (b'{"Data":{"Headline":1.50e3}}', ProfileText("1.50e3", [], "")),
    (b'{"Data":{"Headline":' + b"9" * 5000 + b"}}", ProfileText("9" * 5000, [], "")),
    (b'{"Data":{"Headline":"caf\xe9 \\ud800"}}', ProfileText("caf\ufffd \ufffd", [], "")),
    (b'{"StatusCode":0,"Data":{"Headline":"Hi","Error":" \\n\\t"}}', ProfileText("Hi", [], "")),
    (profile_answer({"OK": False, "Error": " "}), ProfileText("", [], NO_REASON)),
    (profile_answer({"Error": True}), ProfileText("", [], NO_REASON)),
    (profile_answer({"Error": 17}), ProfileText("", [], "17")),
    (profile_answer({"ProfileFields": [*AGE, None, {}]}), ProfileText("", [ProfileField("Age", "9")], "")),
    (
        profile_answer({"ProfileFields": [{"NAME": "Sure", "value": True}, {"Name": "Age"}, {"Name": 7, "Value": 9}]}),
        ProfileText("", [ProfileField("Sure", "true"), ProfileField("Age", ""), ProfileField("7", "9")], ""),
    ),
    (
        profile_answer({"Headline": ["Hi"], "Error": {}, "ProfileFields": [*AGE, "x", {"Name": "Pets", "Value": []}]}),
        ProfileText(
            "",
            [ProfileField("Age", "9")],
            "",
            "Data.Headline is a list, Data.ProfileFields[1] is a string, Data.ProfileFields[2].Value is a list,"
            " Data.Error is an object",
        ),
    ),
    (profile_answer({"OK": "maybe", "Headline": "Hi"}), ProfileText("Hi", [], "", "Data.OK is a string")),
    (profile_answer({"Headline": "Hi"}, []), ProfileText("Hi", [], "", "StatusCode is a list")),
    (
        profile_answer({"Headline": "Hi", "ProfileFields": [[]] * 60}),
        ProfileText(
            "Hi", [], "", f"{', '.join(f'Data.ProfileFields[{at}] is a list' for at in range(5))}, and 55 more"
        ),
    ),
]


@pytest.mark.parametrize(("body", "expected"), ODD)
def test_only_the_field_that_cannot_be_read_is_lost(body: bytes, expected: ProfileText) -> None:
    assert shown(body) == expected


WRONG = {
    "nothing": b"",
    "garbage": b"\x00\xff\x13",
    "a list": b"[]",
    "null": b"null",
    "Data as a list": b'{"StatusCode":200,"Data":[]}',
    "two answers": b'{"StatusCode":200}{"StatusCode":200}',
    "20,000 lists": b'{"StatusCode":200,"Data":' + b"[" * 20_000,
    "20,000 lists in an ignored field": b'{"StatusCode":200,"X":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_an_answer_of_a_wrong_shape_cannot_be_read(body: bytes) -> None:
    with pytest.raises(WebhookError, match="cannot be read"):
        shown(body)


def test_an_incomplete_profile_is_an_error() -> None:
    with pytest.raises(WebhookError, match="cannot be read"):
        read(SiteAnswer(200, b"{", whole=False), signed=False)
    with pytest.raises(WebhookError, match="status 500"):
        read(SiteAnswer(500, b"", whole=False), signed=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "Value", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["OK", "ok", "Error", "error", "Headline", "HEADLINE", "ProfileFields", "profilefields"]
PROFILES = st.fixed_dictionaries(
    {}, optional={"StatusCode": JSON, "data": JSON, "Data": st.dictionaries(st.sampled_from(KEYS), JSON)}
)


@given(PROFILES)
def test_any_answer_is_a_profile_or_an_error(answered: dict[str, object]) -> None:
    with suppress(WebhookError):
        text = shown(json.dumps(answered).encode())
        assert not (text.error and (text.headline or text.fields))
        encode(Profile("alice", text.fields, text.headline, text.error))


@given(st.binary(max_size=60))
def test_bytes_that_are_not_an_answer_are_an_error(body: bytes) -> None:
    with suppress(WebhookError):
        shown(body)
