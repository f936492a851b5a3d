"""Encodes and decodes frames. Strict about types, and safe with any input."""

import re

import msgspec

from server.protocol.characters import ZERO_NAME, has_zero
from server.protocol.codes import ErrorCode
from server.protocol.errors import Verdict
from server.protocol.frames import ClientFrame, Frame, Nonce, ReportRequest, SearchRequest, ServerFrame

MAX_DEPTH = 8
MAX_PARTS = 512
"""Maximum number of strings and brackets in a frame from a client. Our own frames have about 20."""

CHECKED = {"message", "reason", "comment", "username", "usernames", "status", "query"}
"""Text fields with rules of their own, which also refuse U+0000."""
ANY_CHANNEL = (ReportRequest, SearchRequest)
"""The frames whose channel need not exist."""

_PART = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?:[ \t\r\n]*+(:))?|([\[\]{}])')
"""A string, with the colon that makes it a key, or a bracket. Only for valid JSON."""

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_server_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


class _Probe(msgspec.Struct):
    action: str
    nonce: Nonce | None = None


_probe_decoder = msgspec.json.Decoder(_Probe)


class BadFrame(Verdict):
    """A frame that cannot be decoded. The sender receives `code`, the text and the frame's nonce, if it has one."""

    def __init__(self, code: ErrorCode, message: str, nonce: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.nonce = nonce


def encode(frame: Frame) -> bytes:
    """Encode a frame as compact UTF-8 JSON."""
    return _encoder.encode(frame)


def decode_client(data: bytes) -> ClientFrame:
    """Decode a frame from a client. Raises BadFrame."""
    try:
        frame = _client_decoder.decode(data)
        problem = _shape_problem(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None
    if not problem and has_zero(data):
        problem = _zero_problem(frame)
    if problem:
        raise BadFrame(ErrorCode.MALFORMED, problem, getattr(frame, "nonce", None))
    return frame


def decode_server(data: bytes) -> ServerFrame:
    """Decode a frame from a server. Raises BadFrame, even for an action that only this client does not know."""
    try:
        return _server_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None


def _zero_problem(frame: ClientFrame) -> str | None:
    """Return an error message if an ID, or a text outside CHECKED, contains U+0000; None if none does."""
    checked = CHECKED if isinstance(frame, ANY_CHANNEL) else {*CHECKED, "channel"}
    for name, value in msgspec.to_builtins(frame).items():
        if name not in checked and has_zero(msgspec.json.encode(value)):
            return f"{name} contains {ZERO_NAME}. Remove it."
    return None


def _shape_problem(data: bytes) -> str | None:
    """Return an error message if valid JSON repeats a key, or is too deep or too large; otherwise None."""
    # As many colons as members means flat, without repeated keys: the fast path for nearly every frame.
    if data.count(b":") == len(_members_decoder.decode(data)) and data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return None
    open_keys: list[set[str]] = []
    for number, part in enumerate(_PART.finditer(data)):
        key, colon, bracket = part.groups()
        if colon:
            name = msgspec.json.decode(b'"%b"' % key, type=str)
            if name in open_keys[-1]:
                return "A key occurs twice in one object."
            open_keys[-1].add(name)
        elif bracket in {b"{", b"["}:
            open_keys.append(set())
        elif bracket:
            open_keys.pop()
        if len(open_keys) > MAX_DEPTH or number >= MAX_PARTS:
            return f"The frame has more than {MAX_DEPTH} levels, or more than {MAX_PARTS} parts."
    return None


def _explain(data: bytes, error: Exception) -> BadFrame:
    """Return the error for a frame: an unknown action or a malformed frame, with the frame's nonce."""
    try:
        probe = _probe_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return BadFrame(ErrorCode.MALFORMED, "The frame is not a JSON object with an action.")
    if isinstance(error, msgspec.ValidationError) and "$.action" in str(error):
        return BadFrame(ErrorCode.UNKNOWN_ACTION, "There is no such action.", probe.nonce)
    return BadFrame(ErrorCode.MALFORMED, f"{error}.", probe.nonce)
