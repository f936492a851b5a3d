"""Frames survive encoding, and no input does harm."""

import json
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from server.protocol import frames
from server.protocol.codec import BadFrame, decode_client, decode_server, encode
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.frames import ClientFrame, Frame, ServerFrame
from tests.support.invalid_frames import FRAMES, SPOTS, encoded, good, plain, spoiled, texts, wrong_in

AT = datetime(2026, 11, 24, 2, 57, 0, 125000, tzinfo=UTC)
SAID = frames.Message("lobby", "bob", "hi\n*there* 🦊", 7, AT, "n-1")
REPORT = frames.ReportEntry(
    report_id="rep_1",
    msg_id=7,
    about="bob",
    channel="lobby",
    at=AT,
    message="hi",
    reason="It's spam",
    comment="look",
    reported_at=AT,
    status=ReportState.WAITING,
    error="No.",
    next_at=AT,
    note="Thanks.",
    additions=[frames.Addition(AT, "Other", "again")],
)
ENTRY = frames.WhoEntry("bob", 1795489597)

FROM_CLIENT: list[ClientFrame] = [
    frames.Login(
        "bob",
        "t" * 32,
        frames.Since("e-1", 7),
        frames.Enrol(b"s" * 32, b"k" * 32),
        frames.Prove("an identity", "n" * 16, b"p" * 32),
        "a.b.c",
        dnd=True,
        dialect="flagpost",
    ),
    frames.Say("lobby", "hi", "n-1"),
    frames.HistoryRequest("lobby", "n-1", 9, 20, 3),
    frames.ReportRequest(
        7, "It's spam", "look", "n-1", (5, 6, 8), add=True, channel="lobby", username="bob", message="hi"
    ),
    frames.ReportsRequest("n-1"),
    frames.Withdraw("rep_1", "n-1"),
    frames.Takeback(7),
    frames.React(7, "👻", remove=True),
    frames.Edit(7, "hello", "n-1"),
    frames.Typing("@bob"),
    frames.SetStatus("away", dnd=True),
    frames.Mute("bob"),
    frames.Unmute("bob"),
    frames.Block("bob"),
    frames.Unblock("bob"),
    frames.Blocklist(("bob",)),
    frames.SearchRequest("rope", "n-1", "lobby", 9, 20, mentions=True, utc_offset=60),
    frames.Read("lobby", 7, closed=True),
    frames.ProfileRequest("bob", "n-1"),
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
        server="s-1",
        challenge="c-1",
    ),
    frames.Me("bob", op=False, proof=b"p" * 32),
    frames.Who([ENTRY]),
    frames.Presence("bob", "has joined the room!", ENTRY),
    frames.Presences([frames.Presence("bob", "has joined the room!", ENTRY)]),
    SAID,
    frames.Echo([SAID], recovered=False),
    frames.History("lobby", [SAID], more=True, nonce="n-1"),
    frames.ReportStatus(REPORT, "n-1"),
    frames.Reports([REPORT], ["rep_1"], "n-1"),
    frames.Takeback(7),
    frames.Relations(["bob"], ["carol"]),
    frames.Reacted(7, "bob", "👻", remove=True),
    frames.Typing("@bob"),
    frames.SearchResults([SAID], more=True, nonce="n-1", searched_to=5),
    frames.Places([frames.PlaceEntry("lobby", 9, 7, 2, 1)]),
    frames.Block("bob"),
    frames.Read("lobby", 7),
    frames.Edited(7, "hello"),
    frames.Profile("bob", [frames.ProfileField("Age", "9")], "n-1", "Hello", ""),
    frames.Error("No.", ErrorCode.BAD_NAME, frames.CHAT_SERVER, "n-1", "lobby"),
    frames.Pong("a.b.c", frames.TokenRules(no_image=True)),
    frames.Disconnect("Bye.", 1012, reconnect=True),
]


def name_of(frame: object) -> str:
    """Return the ID of the test for this frame."""
    return type(frame).__name__


def wire(frame: Frame) -> dict[str, object]:
    """Return a frame as a JSON object."""
    decoded: dict[str, object] = json.loads(encode(frame))
    return decoded


def refused(data: bytes) -> BadFrame:
    """Return the error for bytes that are not a client frame."""
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
def test_a_client_frame_survives_encoding(frame: ClientFrame) -> None:
    assert decode_client(encode(frame)) == frame


@pytest.mark.parametrize("frame", FROM_SERVER, ids=name_of)
def test_a_server_frame_survives_encoding(frame: ServerFrame) -> None:
    assert decode_server(encode(frame)) == frame


@pytest.mark.parametrize("action", FRAMES)
def test_a_wrong_value_in_any_field_is_malformed(action: str) -> None:
    for field in FRAMES[action].fields:
        for fields in wrong_in(FRAMES[action], field):
            assert_malformed({"action": action, **fields}, field.encode_name)


@settings(max_examples=200)
@given(data=st.data())
def test_any_wrong_type_in_any_field_is_malformed(data: st.DataObject) -> None:
    spot = data.draw(st.sampled_from(SPOTS))
    assert_malformed(data.draw(spoiled(spot)), spot.field)


def assert_malformed(frame: dict[str, object], field: str) -> None:
    error = refused(encoded(frame))
    assert error.code == ErrorCode.MALFORMED
    if field != "nonce":
        assert error.nonce == frame.get("nonce")


@pytest.mark.parametrize("action", FRAMES)
@settings(max_examples=25)
@given(data=st.data())
def test_every_valid_value_is_accepted(action: str, data: st.DataObject) -> None:
    """Each sample has one fault, so that it is refused for that one."""
    fields = data.draw(good(FRAMES[action]))
    assert isinstance(fields, dict)
    decode_client(encoded({"action": action, **fields}))


@pytest.mark.parametrize("frame", FROM_CLIENT, ids=name_of)
def test_unknown_fields_are_ignored(frame: ClientFrame) -> None:
    extra = {**wire(frame), "video": 1, "jwtRules": {"IsRedCamRule": False}, "nsfw": None}
    assert decode_client(json.dumps(extra).encode()) == frame


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "login"},
        {"action": "message", "channel": "lobby"},
        {"action": "history", "channel": "lobby"},
        {"action": "profile", "username": "bob"},
    ],
)
def test_a_missing_field_is_malformed(frame: dict[str, str]) -> None:
    assert refused(json.dumps(frame).encode()).code == ErrorCode.MALFORMED


@pytest.mark.parametrize("action", ["nosuchaction", "", "LOGIN", "who"])
def test_an_unknown_action_has_its_own_code_and_keeps_the_nonce(action: str) -> None:
    error = refused(json.dumps({"action": action, "nonce": "n-9"}).encode())
    assert (error.code, error.nonce) == (ErrorCode.UNKNOWN_ACTION, "n-9")


def test_the_error_for_a_malformed_frame_names_the_field_and_has_the_nonce() -> None:
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
    "an action that is not text": b'{"action":5}',
    "NaN": b'{"action":"report","reason":"x","msgID":NaN}',
    "infinity": b'{"action":"report","reason":"x","msgID":1e999}',
    "5,000 digits": b'{"action":"report","reason":"x","msgID":' + b"9" * 5000 + b"}",
    "20,000 lists": b'{"action":"message","channel":"lobby","message":' + b"[" * 20_000,
    "20,000 lists in an ignored field": b'{"action":"ping","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "20,000 objects": b'{"action":"ping","x":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
    "a lone high surrogate": b'{"action":"message","channel":"lobby","message":"\\ud800"}',
    "a lone low surrogate": b'{"action":"message","channel":"lobby","message":"\\udc00"}',
    "half a surrogate pair": b'{"action":"message","channel":"lobby","message":"\\ud800A"}',
    "a surrogate in UTF-8": b'{"action":"message","channel":"lobby","message":"\xed\xa0\x80"}',
    "invalid UTF-8": b'{"action":"message","channel":"lobby","message":"\xff"}',
    "invalid UTF-8 in the action": b'{"action":"\xff"}',
    "invalid UTF-8 in the nonce": b'{"action":"message","nonce":"\xff"}',
}


@pytest.mark.parametrize("data", HARMFUL.values(), ids=HARMFUL.keys())
def test_harmful_bytes_are_malformed_on_both_sides(data: bytes) -> None:
    assert refused(data).code == ErrorCode.MALFORMED
    with pytest.raises(BadFrame):
        decode_server(data)


TWICE = {
    "a key": b'{"action":"message","channel":"a","channel":"b","message":"hi","nonce":"n-9"}',
    "the action": b'{"action":"ping","nonce":"n-9","action":"ping"}',
    "a key in another spelling": b'{"action":"message","channel":"a","chann\\u0065l":"b","message":"hi","nonce":"n-9"}',
    "an ignored key": b'{"action":"message","x":1,"channel":"a","message":"hi","nonce":"n-9","x" : 2}',
    "a nested key": b'{"action":"login","username":"a","since":{"epoch":"e","msgID":1,"msgID":2},"nonce":"n-9"}',
    "a nested key that is ignored": b'{"action":"message","channel":"a","message":"","x":[{"a":1,"a":2}]}',
}


@pytest.mark.parametrize("data", TWICE.values(), ids=TWICE.keys())
def test_a_repeated_key_is_malformed(data: bytes) -> None:
    assert refused(data).code == ErrorCode.MALFORMED


def test_the_error_for_a_repeated_key_has_the_nonce() -> None:
    assert refused(TWICE["a key"]).nonce == "n-9"


def test_a_key_may_occur_in_several_objects_and_in_texts() -> None:
    data = b'{"action":"message","channel":"a","message":"\\"channel\\":\\"b\\",{[","x":[{"a":1},{"a":{"a":2}}]}'
    assert decode_client(data) == frames.Say("a", '"channel":"b",{[')


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nine_levels_are_too_deep(opening: bytes, closing: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"action":"ping","x":' + opening * (levels - 1) + b"1" + closing * (levels - 1) + b"}"

    decode_client(nested(8))
    assert "8 levels" in str(refused(nested(9)))


def test_the_number_of_parts_of_a_frame_is_limited() -> None:
    assert decode_client(b'{"action":"ping","x":["' + b'","' * 400 + b'"]}') == frames.Ping()
    assert "512 parts" in str(refused(b'{"action":"ping","x":[' + b",".join([b"[]"] * 20_000) + b"]}"))


def depth(value: object) -> int:
    """Return the nesting depth of JSON."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)))
def test_an_ignored_field_is_refused_only_if_it_is_nested_too_deep(extra: object) -> None:
    data = encoded({"action": "message", "channel": "a", "message": "hi", "x": extra})
    if depth(extra) < 8:
        assert decode_client(data) == frames.Say("a", "hi")
    else:
        refused(data)


def test_every_text_of_a_client_is_bounded_by_its_type_or_by_a_rule() -> None:
    rules = {("message", "message"), ("edit", "message"), ("report", "comment")}
    unbounded = set()
    for action, kind in FRAMES.items():
        for field in kind.fields:
            inner = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
            if isinstance(inner, inspect.StrType) and inner.max_length is None:
                unbounded.add((action, field.encode_name))
    assert unbounded == rules


@given(st.binary(max_size=200))
def test_any_bytes_decode_to_a_frame_or_an_error(data: bytes) -> None:
    for decode in (decode_client, decode_server):
        try:
            decode(data)
        except BadFrame:
            continue


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_of_a_message_survives_encoding(text: str) -> None:
    assert decode_client(encode(frames.Say("lobby", text))) == frames.Say("lobby", text)
