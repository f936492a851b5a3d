"""Answers of sites that were written against BareRTC: users see at least what BareRTC shows them."""

import json
from pathlib import Path
from typing import TypedDict

import pytest

from server.webhooks.profiles import read
from server.webhooks.webhook_client import SiteAnswer, WebhookError

FILE = Path(__file__).with_name("profile-answers.jsonl")


class _Response(TypedDict):
    status: int
    body: object


class _Case(TypedDict):
    name: str
    site_answers: _Response
    barertc_shows: _Response


CASES: list[_Case] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_users_read_at_least_what_barertc_shows(case: _Case) -> None:
    response, shown = case["site_answers"], case["barertc_shows"]["body"]
    body = json.dumps(response["body"]).encode() if response["body"] else b""
    assert isinstance(shown, dict)
    answer = SiteAnswer(response["status"], body)
    if response["status"] != 200 or not body:
        with pytest.raises(WebhookError) as caught:
            read(answer, signed=False)
        # An error of BareRTC's own decoder is no error of the site.
        said = shown.get("Error") if body else None
        assert (caught.value.words, shown["OK"]) == (said, False)
        return
    text = read(answer, signed=False)
    if case["name"] == "numval":
        # BareRTC shows nothing, because one value is a number.
        assert [(field.name, field.value) for field in text.fields] == [("Age", "30")]
        return
    fields = [{"Name": field.name, "Value": field.value} for field in text.fields]
    assert (text.headline, fields) == (shown.get("Headline", ""), shown.get("ProfileFields", []))
    assert bool(text.error) != shown["OK"]
