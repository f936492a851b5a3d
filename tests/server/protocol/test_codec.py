"""Frames on the wire: what goes in comes out, and nothing that comes in does harm."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import frames
from server.protocol.codec import BadFrame, decode_client, decode_server, encode
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import ClientFrame, Frame, ServerFrame

AT = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
SAID = frames.Message("lobby", "bob", "hi\n*there* 🦊", 7, AT, "n-1")
REPORT = frames.ReportEntry(
    "rep_1", 7, "bob", "lobby", AT, "hi", "It's spam", "look", AT, ReportState.WAITING, "No.", AT, "Thanks."
)
ENTRY = frames.WhoEntry("bob", 1795489597)

FROM_CLIENT: list[ClientFrame] = [
    frames.Login("bob", "t" * 32, frames.Since("e-1", 7)),
    frames.Say("lobby", "hi", "n-1"),
    frames.HistoryAsk("lobby", "n-1", 9, 20),
    frames.ReportAsk(7, "It's spam", "look", "n-1", (5, 6, 8), add=True),
    frames.ReportsAsk("n-1"),
    frames.Withdraw("rep_1", "n-1"),
    frames.Takeback(7),
    frames.React(7, "👻", remove=True),
    frames.Typing("@bob"),
    frames.Status("away", dnd=True),
    frames.Mute("bob"),
    frames.Unmute("bob"),
    frames.Block("bob"),
    frames.Unblock("bob"),
    frames.SearchAsk("rope", "n-1", "lobby", 9, 20),
    frames.ProfileAsk("bob", "n-1"),
    frames.Ping(),
]
FROM_SERVER: list[ServerFrame] = [
    frames.Welcome(
        "e-1",
        "Flagpost",
        [frames.ChannelEntry("lobby", "Lobby")],
        frames.Webhooks(report=True, profile=False),
        [frames.ReportReason("Other", comment_required=True)],
        frames.Limits(),
        "https://site.example",
    ),
    frames.Me("bob", op=False),
    frames.Who([ENTRY]),
    frames.Presence("bob", "has joined the room!", ENTRY),
    SAID,
    frames.Echo([SAID], recovered=False),
    frames.History("lobby", [SAID], more=True, nonce="n-1"),
    frames.ReportStatus(REPORT, "n-1"),
    frames.Reports([REPORT], ["rep_1"], "n-1"),
    frames.Takeback(7),
    frames.Relations(["bob"], ["carol"]),
    frames.Reacted(7, "bob", "👻", remove=True),
    frames.Typing("@bob"),
    frames.Found([SAID], more=True, nonce="n-1"),
    frames.Profile("bob", [frames.ProfileField("Age", "9")], "n-1", "Hello", ""),
    frames.Error("No.", ErrorCode.BAD_NAME, frames.CHAT_SERVER, "n-1", "lobby"),
    frames.Ping(),
    frames.Disconnect("Bye.", 1012, reconnect=True),
]

WRONG: dict[type[object], list[object]] = {
    str: [5, 1.5, True, [], {}],
    int: ["7", 1.5, True, [], {}, -1, 2**63, 10**40],
    bool: ["true", 1, 0, [], {}],
    list: ["x", 5, True, {}, ["7"], [-1], [7.5], [7] * 16],
    dict: ["x", 5, True, []],
}
"""Type of a field on the wire -> what it is not."""


def name_of(frame: object) -> str:
    """What a test of this frame is called."""
    return type(frame).__name__


def wire(frame: Frame) -> dict[str, object]:
    """A frame as the object that travels."""
    decoded: dict[str, object] = json.loads(encode(frame))
    return decoded


def spoiled() -> Iterator[tuple[str, str, object]]:
    """Each field of each client frame with each value that it cannot have: action, field, the frame as it travels."""
    for frame in FROM_CLIENT:
        good = wire(frame)
        for field, value in good.items():
            for wrong in WRONG[type(value)]:
                yield str(good["action"]), field, {**good, field: wrong}
    since = {"epoch": "e-1", "msgID": 7}
    for field, value in since.items():
        for wrong in WRONG[type(value)]:
            yield "login", f"since.{field}", {"action": "login", "username": "bob", "since": {**since, field: wrong}}


def refused(data: bytes) -> BadFrame:
    """The verdict on bytes that are no client frame."""
    with pytest.raises(BadFrame) as caught:
        decode_client(data)
    assert str(caught.value)
    return caught.value


def test_the_samples_cover_every_frame_and_every_field_of_a_client() -> None:
    assert {type(frame) for frame in FROM_CLIENT} == set(get_args(ClientFrame))
    assert {type(frame) for frame in FROM_SERVER} == set(get_args(ServerFrame))
    for frame in FROM_CLIENT:
        assert wire(frame).keys() == {"action", *(field.encode_name for field in msgspec.structs.fields(type(frame)))}


@pytest.mark.parametrize("frame", FROM_CLIENT, ids=name_of)
def test_a_client_frame_comes_out_as_it_went_in(frame: ClientFrame) -> None:
    assert decode_client(encode(frame)) == frame


@pytest.mark.parametrize("frame", FROM_SERVER, ids=name_of)
def test_a_server_frame_comes_out_as_it_went_in(frame: ServerFrame) -> None:
    assert decode_server(encode(frame)) == frame


@pytest.mark.parametrize(("action", "field", "frame"), spoiled())
def test_a_wrong_type_in_any_field_is_malformed(action: str, field: str, frame: object) -> None:
    assert refused(json.dumps(frame).encode()).code == ErrorCode.MALFORMED, (action, field)


@pytest.mark.parametrize("frame", FROM_CLIENT, ids=name_of)
def test_fields_that_a_frame_does_not_know_are_ignored(frame: ClientFrame) -> None:
    extra = {**wire(frame), "video": 1, "jwtRules": {"IsRedCamRule": False}, "nsfw": None}
    assert decode_client(json.dumps(extra).encode()) == frame


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "login"},
        {"action": "message", "channel": "lobby"},
        {"action": "message", "message": "hi"},
        {"action": "history", "channel": "lobby"},
        {"action": "report", "reason": "It's spam"},
        {"action": "profile", "username": "bob"},
    ],
)
def test_a_missing_field_is_malformed(frame: dict[str, str]) -> None:
    assert refused(json.dumps(frame).encode()).code == ErrorCode.MALFORMED


@pytest.mark.parametrize("action", ["nosuchaction", "", "LOGIN", "who"])
def test_an_unknown_action_is_told_apart_and_its_nonce_comes_back(action: str) -> None:
    error = refused(json.dumps({"action": action, "nonce": "n-9"}).encode())
    assert (error.code, error.nonce) == (ErrorCode.UNKNOWN_ACTION, "n-9")


def test_the_verdict_on_a_malformed_frame_names_the_field_and_carries_the_nonce() -> None:
    error = refused(b'{"action":"message","channel":5,"message":"hi","nonce":"n-9"}')
    assert error.nonce == "n-9"
    assert "channel" in str(error)


HARMFUL = {
    "nothing": b"",
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "half a frame": b'{"action":"ping"',
    "two frames": b'{"action":"ping"}{"action":"ping"}',
    "an action that is no text": b'{"action":5}',
    "NaN": b'{"action":"report","reason":"x","msgID":NaN}',
    "infinity": b'{"action":"report","reason":"x","msgID":1e999}',
    "5,000 digits": b'{"action":"report","reason":"x","msgID":' + b"9" * 5000 + b"}",
    "20,000 lists": b'{"action":"message","channel":"lobby","message":' + b"[" * 20_000,
    "20,000 lists in a field to ignore": b'{"action":"ping","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "20,000 objects": b'{"action":"ping","x":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
    "a lone high surrogate": b'{"action":"message","channel":"lobby","message":"\\ud800"}',
    "a lone low surrogate": b'{"action":"message","channel":"lobby","message":"\\udc00"}',
    "half a surrogate pair": b'{"action":"message","channel":"lobby","message":"\\ud800A"}',
    "a surrogate in UTF-8": b'{"action":"message","channel":"lobby","message":"\xed\xa0\x80"}',
    "no UTF-8": b'{"action":"message","channel":"lobby","message":"\xff"}',
    "no UTF-8 in the action": b'{"action":"\xff"}',
    "no UTF-8 in the nonce": b'{"action":"message","nonce":"\xff"}',
}


@pytest.mark.parametrize("data", HARMFUL.values(), ids=HARMFUL.keys())
def test_harmful_bytes_are_malformed_on_both_sides(data: bytes) -> None:
    assert refused(data).code == ErrorCode.MALFORMED
    with pytest.raises(BadFrame):
        decode_server(data)


def test_a_key_that_stands_there_twice_counts_once() -> None:
    twice = b'{"action":"message","channel":"a","channel":"b","message":"hi"}'
    assert decode_client(twice) == frames.Say("b", "hi")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_bad_one(data: bytes) -> None:
    for decode in (decode_client, decode_server):
        try:
            decode(data)
        except BadFrame:
            continue


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_of_a_message_comes_out_as_it_went_in(text: str) -> None:
    assert decode_client(encode(frames.Say("lobby", text))) == frames.Say("lobby", text)
