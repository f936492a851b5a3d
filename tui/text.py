"""The one door through which other people's text reaches a widget: what could command or deceive is made harmless."""

import re
from typing import TypeVar

import msgspec

from server.protocol.characters import BIDI, CONTROL, INVISIBLE, JOINERS, SURROGATES, VARIATIONS, without_heaps

_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN = re.compile(f"[{BIDI}{INVISIBLE}]")
_GLUE = re.compile(f"(^|[\\s\\S])([{JOINERS}{VARIATIONS}]+)")
_JOINER, _VARIATION = re.compile(f"[{JOINERS}]"), re.compile(f"[{VARIATIONS}]")
_KEYCAPS = frozenset("0123456789#*")
_COMMAND = re.compile(f"(?!\n)[{CONTROL}{SURROGATES}]")
_LINES_ALLOWED = frozenset({"message", "comment", "value"})

Value = TypeVar("Value")


def clean(text: str) -> str:
    """Text of one or more lines as it can be shown: control characters become pictures of themselves (ESC: ␛)."""
    text = _LINE_END.sub("\n", text).replace("\t", "    ")
    if not text.isascii():
        text = without_heaps(_GLUE.sub(_glue, _UNSEEN.sub("", text)))
    return _COMMAND.sub(_picture, text)


def clean_line(text: str) -> str:
    """Text as it can be shown in one line."""
    return " ".join(clean(text).split("\n"))


def clean_frame(frame: Value) -> Value:
    """A frame with every string in it, however deep, cleaned; only messages, comments and values keep lines."""
    cleaned = _cleaned(frame, lines=False)
    return cleaned if isinstance(cleaned, type(frame)) else frame


def _cleaned(value: object, *, lines: bool) -> object:
    if isinstance(value, str):
        return clean(value) if lines else clean_line(value)
    if isinstance(value, list):
        return [_cleaned(each, lines=lines) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = {
            name: _cleaned(getattr(value, name), lines=name in _LINES_ALLOWED) for name in value.__struct_fields__
        }
        return msgspec.structs.replace(value, **fields)
    return value


def _glue(match: re.Match[str]) -> str:
    """A joiner and a variation selector belong behind what they can join or vary, and there only once."""
    base, glue = match.groups()
    variation, joiner = _VARIATION.search(glue), _JOINER.search(glue)
    if base.isascii() or base == "\xa0":
        joiner = None
        variation = variation if base in _KEYCAPS else None
    return base + (variation[0] if variation else "") + (joiner[0] if joiner else "")


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
