"""Texts that every database can store."""

from server.protocol.characters import ZERO, ZERO_NAME
from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal


def storable(text: str, code: ErrorCode) -> str:
    """Return the text. Raises Refusal, with this code, if a database cannot store it."""
    if ZERO in text:
        raise Refusal(code, f"The text contains {ZERO_NAME}, which cannot be stored. Remove it.")
    return text
