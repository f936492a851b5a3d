"""An example of each frame for docs/protocol.md: JSON exactly as the codec writes it."""

from collections.abc import Iterable
from typing import get_args

import msgspec

from server.protocol import codec, frames

PROOF = "cHJvb2Ytb2YtZXhhY3RseS10aGlydHktdHdvLWJ5dGU="
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjE3OTYwMDAwMDB9.c2lnbmVk"  # noqa: S105 - no token
MESSAGE = (
    '{"action":"message","channel":"lobby","username":"lucky","message":"FREE **gold** compass","msgID":41,'
    '"at":"2026-11-24T08:35:57.316000Z"}'
)
ENTRY = (
    '{"reportID":"rep_5f0c6d2b9a1e4477","msgID":41,"about":"lucky","channel":"lobby","at":"2026-11-24T08:35:57.316000Z",'
    '"message":"FREE **gold** compass","reason":"It\'s spam","comment":"third time today",'
    '"reportedAt":"2026-11-24T08:36:20.105000Z","status":"%s"%s}'
)

CLIENT = (
    '{"action":"login","username":"ada","since":{"epoch":"5be1c9d20f4a7e63","msgID":40},"prove":'
    '{"identity":"9f2d61c07a85e34b1d60f2a97c58e013","clientNonce":"4a0c9e7b15d8f362","proof":"' + PROOF + '"}}',
    '{"action":"message","channel":"@bob","message":"See you at *nine*?","nonce":"n-17"}',
    '{"action":"history","channel":"lobby","nonce":"n-18","beforeID":41}',
    '{"action":"search","query":"compass from:lucky after:2026-11-01","nonce":"n-19","utcOffset":60}',
    '{"action":"report","msgID":41,"reason":"It\'s spam","comment":"third time today","nonce":"n-20",'
    '"context":[39,40]}',
    '{"action":"reports","nonce":"n-21"}',
    '{"action":"withdraw","reportID":"rep_5f0c6d2b9a1e4477","nonce":"n-22"}',
    '{"action":"takeback","msgID":42}',
    '{"action":"edit","msgID":42,"message":"See you at *ten*?","nonce":"n-24"}',
    '{"action":"react","msgID":40,"message":"👍"}',
    '{"action":"typing","channel":"@bob"}',
    '{"action":"read","channel":"@bob","msgID":42}',
    '{"action":"me","status":"at the dentist","dnd":true}',
    '{"action":"mute","username":"lucky"}',
    '{"action":"unmute","username":"lucky"}',
    '{"action":"block","username":"lucky"}',
    '{"action":"unblock","username":"lucky"}',
    '{"action":"blocklist","usernames":["lucky","spam4u"]}',
    '{"action":"profile","username":"bob","nonce":"n-23"}',
    '{"action":"ping"}',
)
SERVER = (
    '{"action":"welcome","epoch":"5be1c9d20f4a7e63","title":"The Harbour","channels":[{"id":"lobby","name":"Lobby"}],'
    '"webhooks":{"report":true,"profile":true,"evidence":true},"reportReasons":[{"reason":"It\'s spam",'
    '"commentRequired":false},{"reason":"Other","commentRequired":true}],"limits":{"frameBytes":65536,"nameChars":32,'
    '"messageChars":4000,"commentChars":1000,"contextBefore":10,"contextAfter":5},"server":"77d3a0b1c5e24f68",'
    '"challenge":"0d6f1b8e92c347a5"}',
    '{"action":"me","username":"ada","op":false,"proof":"' + PROOF + '"}',
    '{"action":"who","whoList":[{"username":"ada","loginAt":1795509357}]}',
    '{"action":"presence","username":"bob","message":"has joined the room!","who":{"username":"bob",'
    '"loginAt":1795509361,"status":"away"}}',
    '{"action":"presences","changes":[{"action":"presence","username":"eve","message":"has joined the room!","who":'
    '{"username":"eve","loginAt":1795509361}},{"action":"presence","username":"bob","message":"has exited the room!"'
    "}]}",
    '{"action":"relations","muted":["lucky"]}',
    MESSAGE,
    '{"action":"takeback","msgID":42}',
    '{"action":"edit","msgID":42,"message":"See you at *ten*?"}',
    '{"action":"react","msgID":40,"username":"bob","message":"👍"}',
    '{"action":"typing","channel":"@bob"}',
    '{"action":"echo","messages":[' + MESSAGE + '],"takenBack":[38],'
    '"reacted":[{"msgID":37,"reactions":[{"emoji":"👍","usernames":["ada","bob"]}]}],'
    '"edited":[{"msgID":36,"message":"See you at *ten*?"}]}',
    '{"action":"places","places":[{"channel":"lobby","lastID":41,"readID":38,"unread":2,"mentions":1},{"channel":"@bob",'
    '"lastID":30,"readID":30}]}',
    '{"action":"read","channel":"@bob","msgID":42}',
    '{"action":"block","username":"lucky"}',
    '{"action":"history","channel":"lobby","messages":[' + MESSAGE + '],"more":true,"nonce":"n-18"}',
    '{"action":"search","messages":[' + MESSAGE + '],"more":false,"nonce":"n-19","searchedTo":12}',
    '{"action":"report","report":' + ENTRY % ("received", "") + ',"nonce":"n-20"}',
    '{"action":"reports","reports":[' + ENTRY % ("resolved", ',"note":"Thank you. They are banned."') + "],"
    '"changed":["rep_5f0c6d2b9a1e4477"]}',
    '{"action":"profile","username":"bob","profileFields":[{"name":"Member since","value":"2019"}],"nonce":"n-23",'
    '"headline":"Keeps the lamp lit"}',
    '{"action":"error","message":"There is no channel with this ID.","code":"unknown-channel",'
    '"username":"ChatServer","nonce":"n-17"}',
    '{"action":"ping","jwt":"' + TOKEN + '","jwtRules":{"IsNoBroadcastRule":false,"IsNoDarkVideoRule":false,'
    '"IsNoImageRule":true,"IsNoVideoRule":false,"IsRedCamRule":false}}',
    '{"action":"disconnect","why":"The server is restarting.","code":1012,"reconnect":true}',
)


class ExampleError(Exception):
    """An example is missing, or is not what the codec writes."""


def of_clients() -> dict[type[msgspec.Struct], str]:
    """Return an example of each kind of frame that a client sends."""
    return _by_kind((codec.decode_client(text.encode()) for text in CLIENT), CLIENT, get_args(frames.ClientFrame))


def of_servers() -> dict[type[msgspec.Struct], str]:
    """Return an example of each kind of frame that the server sends."""
    return _by_kind((codec.decode_server(text.encode()) for text in SERVER), SERVER, get_args(frames.ServerFrame))


def _by_kind(
    read: Iterable[frames.Frame], texts: Iterable[str], kinds: Iterable[type[msgspec.Struct]]
) -> dict[type[msgspec.Struct], str]:
    found: dict[type[msgspec.Struct], str] = {}
    for frame, text in zip(read, texts, strict=True):
        written = codec.encode(frame).decode()
        if written != text:
            raise ExampleError(f"the codec writes {written}\ninstead of {text}")
        found[type(frame)] = text
    if missing := [kind.__name__ for kind in kinds if kind not in found]:
        raise ExampleError(f"docs/examples.py has no example of {', '.join(missing)}")
    return found
