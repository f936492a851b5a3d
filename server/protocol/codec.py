"""Bytes <-> frames; strict in types, and safe to feed with anything."""

import msgspec

from server.protocol.codes import ErrorCode
from server.protocol.frames import ClientFrame, Frame, Nonce, ServerFrame

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
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
        return _client_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None


def decode_server(data: bytes) -> ServerFrame:
    """A frame that a server sent; BadFrame if it is none, also for an action that this client does not know."""
    try:
        return _server_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _explain(data, error) from None


def _explain(data: bytes, error: Exception) -> BadFrame:
    """Tell an unknown action from a malformed frame, and find the nonce that the answer should carry."""
    try:
        probe = _probe_decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return BadFrame(ErrorCode.MALFORMED, "This is not a JSON object with an action.")
    if isinstance(error, msgspec.ValidationError) and "$.action" in str(error):
        return BadFrame(ErrorCode.UNKNOWN_ACTION, "There is no such action.", probe.nonce)
    return BadFrame(ErrorCode.MALFORMED, f"{error}.", probe.nonce)
