"""Bodies of API calls: read as BareRTC reads them, and refused with the place of the fault."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.api_types import Authenticate, DisconnectNow, MessageHistory
from server.rules import api_json
from server.rules.requests import RefusedRequest
from server.rules.tokens import Claims


def test_keys_match_in_any_case_and_the_exact_spelling_wins() -> None:
    body = b'{"apikey":"small","APIKey":"exact","APIKEY":"large","claims":{"SUB":"bob","Op":true},"x":[1]}'
    assert api_json.read(body, Authenticate) == Authenticate("exact", Claims(sub="bob", op=True))


@pytest.mark.parametrize("body", [b"{}", b"null", b'{"Usernames":null,"Message":null}'])
def test_what_is_null_or_missing_reads_as_empty(body: bytes) -> None:
    assert api_json.read(body, DisconnectNow) == DisconnectNow()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"APIKey":5}', "Invalid body: APIKey: expected `str`, got `int`."),
        (b'{"usernames":["a",5]}', "Invalid body: Usernames[1]: expected `str`, got `int`."),
        (b"[]", "Invalid body: expected `object`, got `array`."),
        (b"", "Invalid body: it is not JSON in UTF-8."),
        (b'{"APIKey":"\xff"}', "Invalid body: it is not JSON in UTF-8."),
        (b'{"APIKey":"\\ud800"}', "Invalid body: it is not JSON in UTF-8."),
        (b'{"APIKey":NaN}', "Invalid body: it is not JSON in UTF-8."),
        (b"[" * 50_000, "Invalid body: it is not JSON in UTF-8."),
    ],
)
def test_fault_is_named_with_its_place(body: bytes, words: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        api_json.read(body, DisconnectNow)
    assert (refused.value.status, refused.value.message) == (400, words)


def test_number_out_of_range_is_refused() -> None:
    for number in (-1, 2**63, 10**400):
        with pytest.raises(RefusedRequest):
            api_json.read(json.dumps({"BeforeID": number}).encode(), MessageHistory)


@given(st.binary(max_size=100) | st.text().map(json.dumps).map(str.encode))
def test_any_bytes_are_a_call_or_refused(body: bytes) -> None:
    for kind in (Authenticate, MessageHistory):
        with suppress(RefusedRequest):
            api_json.read(body, kind)
