"""Bytes <-> frames; strict in types, and safe to feed with anything."""

import re

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import ClientFrame, Frame, Nonce, ServerFrame

MAX_DEPTH = 8
MAX_PARTS = 512
"""Strings and brackets of a frame from a client; ours have some 20, and what it has besides is ignored."""

_PART = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(?:[ \t\r\n]*+(:))?|([\[\]{}])')
"""A string, with the colon that makes it a key, or a bracket; in what is known to be JSON."""

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_server_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


class _Probe(msgspec.Struct):
    action: str
    nonce: Nonce | None = None


_probe_decoder = msgspec.json.Decoder(_Probe)


class BadFrame(ValueError):  # noqa: N818 - the wire's term, and it is raised as a verdict rather than a fault
    """A frame that cannot be read; `code` and the text go back to its sender, with its nonce if it had one."""

    def __init__(self, code: ErrorCode, message: str, nonce: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.nonce = nonce


def encode(frame: Frame) -> bytes:
    """One frame as compact UTF-8 JSON."""
    return _encoder.encode(frame)


def decode_client(data: bytes) -> ClientFrame:
    """A frame that a client sent; BadFrame if it is none."""
    try:
        frame = _client_decoder.decode(data)
        wrong = _misshapen(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None
    if wrong:
        raise BadFrame(ErrorCode.MALFORMED, wrong, getattr(frame, "nonce", None))
    return frame


def decode_server(data: bytes) -> ServerFrame:
    """A frame that a server sent; BadFrame if it is none, also for an action that this client does not know."""
    try:
        return _server_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None


def _misshapen(data: bytes) -> str:
    """What is wrong with the shape of JSON that says something twice, or more than a frame can; empty: nothing."""
    # As many colons as members: each belongs to one, so none stands there twice or within another.
    if data.count(b":") == len(_members_decoder.decode(data)) and data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return ""
    open_keys: list[set[str]] = []
    for number, part in enumerate(_PART.finditer(data)):
        key, colon, bracket = part.groups()
        if colon:
            name = msgspec.json.decode(b'"%b"' % key, type=str)
            if name in open_keys[-1]:
                return "It holds a key twice."
            open_keys[-1].add(name)
        elif bracket in {b"{", b"["}:
            open_keys.append(set())
        elif bracket:
            open_keys.pop()
        if len(open_keys) > MAX_DEPTH or number >= MAX_PARTS:
            return f"It is nested more than {MAX_DEPTH} deep, or has more than {MAX_PARTS} parts."
    return ""


def _explain(data: bytes, error: Exception) -> BadFrame:
    """Tell an unknown action from a malformed frame, and find the nonce that the answer should carry."""
    try:
        probe = _probe_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return BadFrame(ErrorCode.MALFORMED, "This is not a JSON object with an action.")
    if isinstance(error, msgspec.ValidationError) and "$.action" in str(error):
        return BadFrame(ErrorCode.UNKNOWN_ACTION, "There is no such action.", probe.nonce)
    return BadFrame(ErrorCode.MALFORMED, f"{error}.", probe.nonce)
