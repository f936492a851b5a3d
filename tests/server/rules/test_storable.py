"""No text with U+0000 is stored: PostgreSQL cannot store it, and SQLite's functions treat it as the end of the text."""

from collections.abc import Callable

import pytest

from server.http.api_types import ReportStatusCall, SiteBlocklist
from server.protocol import names
from server.protocol.characters import has_zero
from server.protocol.codec import BadFrame, decode_client, encode
from server.protocol.codes import ErrorCode
from server.protocol.frames import Edit, Login, Prove, ReportRequest, Say, Withdraw
from server.rules import api_json, operator_commands
from server.rules.evidence import check_form, reason_list
from server.rules.messages import check_text
from server.rules.names import check
from server.rules.operator_commands import BadCommand
from server.rules.refusal import Refusal
from server.rules.requests import RefusedRequest
from server.rules.search import fold
from server.rules.statuses import check_status

REFUSED: dict[str, tuple[Callable[[], object], ErrorCode]] = {
    "a message": (lambda: check_text("a\0b"), ErrorCode.BAD_MESSAGE),
    "a message that ends in U+0000": (lambda: check_text("a\0"), ErrorCode.BAD_MESSAGE),
    "a reason": (lambda: check_form("Sp\0am", "", reason_list(["Spam"])), ErrorCode.BAD_REASON),
    "a comment": (lambda: check_form("Spam", "a\0b", reason_list(["Spam"])), ErrorCode.BAD_COMMENT),
    "a name": (lambda: check("a\0b"), ErrorCode.BAD_NAME),
    "a status": (lambda: check_status("a\0b"), ErrorCode.BAD_STATUS),
}


@pytest.mark.parametrize(("act", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_texts_with_u0000_are_refused_with_their_own_codes(act: Callable[[], object], code: ErrorCode) -> None:
    with pytest.raises(Refusal) as refused:
        act()
    assert refused.value.code == code


IDS = {
    "nonce": Say("lobby", "hello", "n\0"),
    "channel": ReportRequest(channel="lob\0by", username="bob", message="hi"),
    "reportID": Withdraw("rep\0"),
    "prove": Login("alice", prove=Prove("a\0" * 8, "n" * 16, b"p" * 32)),
}


@pytest.mark.parametrize(("field", "frame"), IDS.items(), ids=IDS.keys())
def test_ids_with_u0000_are_malformed(field: str, frame: Say | Withdraw | ReportRequest | Login) -> None:
    with pytest.raises(BadFrame, match=rf"{field} contains U\+0000") as refused:
        decode_client(encode(frame))
    assert refused.value.code == ErrorCode.MALFORMED


@pytest.mark.parametrize("frame", [Say("lob\0by", "a\0b"), Edit(1, "a\0b"), Say("lobby", "\\u0000", "\\u0000")])
def test_message_texts_with_u0000_are_decoded(frame: Say | Edit) -> None:
    assert decode_client(encode(frame)) == frame


@pytest.mark.parametrize(
    ("body", "has"),
    [
        (rb'"a\u0000"', True),
        (rb'"\\\u0000"', True),
        (rb'"\\u0000"', False),
        (rb'"\\\\u0000"', False),
        (b'"u0000"', False),
    ],
)
def test_escape_is_distinguished_from_its_spelling(body: bytes, has: bool) -> None:
    assert has_zero(body) is has


def test_calls_of_the_site_with_u0000_are_refused() -> None:
    for body, kind in (
        (rb'{"Note": "thank\u0000you"}', ReportStatusCall),
        (rb'{"Blocklist": ["bob", "a\u0000"]}', SiteBlocklist),
    ):
        with pytest.raises(RefusedRequest, match=r"U\+0000"):
            api_json.read(body, kind)


def test_commands_of_operators_with_u0000_are_refused() -> None:
    assert isinstance(operator_commands.parse("/ban no\0body"), BadCommand)


@pytest.mark.parametrize("text", ["\0", "a\0b", "x" * 1000 + "\0", "x" * 1000])
def test_name_keys_and_folded_texts_never_contain_u0000(text: str) -> None:
    assert "\0" not in names.key(text) + fold(text)
